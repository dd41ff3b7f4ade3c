/** A text without its escapes, and the way back to the places of the text itself. */
export interface Unescaped {
  readonly text: string
  /** Where in the text itself the character at `index` begins. */
  original(index: number): number
}

const ESCAPE =
  /%([2-7][0-9A-Fa-f])|\\+u00([2-7][0-9A-Fa-f])|\\+x([2-7][0-9A-Fa-f])|&#x0*([2-7][0-9A-Fa-f]);|&#0*(\d{2,3});|&(quot|amp|lt|gt|apos);/g
const NAMED: Readonly<Record<string, string>> = { quot: '"', amp: '&', lt: '<', gt: '>', apos: "'" }

/** Undoes the escapes of URLs, JSON, source text and HTML, once; undefined where there are none. */
export function unescapeAll(text: string): Unescaped | undefined {
  if (!/%[2-7]|\\u00|\\x[2-7]|&(?:#|quot;|amp;|lt;|gt;|apos;)/.test(text)) return undefined
  const parts: string[] = []
  // For each escape: where it is in the result, and where what follows it is in the text.
  const places: { readonly at: number; readonly from: number }[] = []
  let done = 0
  let length = 0
  for (const match of text.matchAll(ESCAPE)) {
    const plain = plainOf(match)
    if (plain === undefined) continue
    const kept = text.slice(done, match.index)
    parts.push(kept, plain)
    length += kept.length
    places.push({ at: length, from: match.index })
    length += 1
    done = match.index + match[0].length
    places.push({ at: length, from: done })
  }
  if (places.length === 0) return undefined
  parts.push(text.slice(done))
  return {
    text: parts.join(''),
    original(index) {
      let low = 0
      let high = places.length
      while (low < high) {
        const middle = (low + high) >>> 1
        if ((places[middle]?.at ?? 0) <= index) low = middle + 1
        else high = middle
      }
      const place = places[low - 1]
      return place === undefined ? index : place.from + (index - place.at)
    },
  }
}

function plainOf(match: RegExpExecArray): string | undefined {
  const [, url, json, source, html, decimal, name] = match
  if (name !== undefined) return NAMED[name]
  const code =
    decimal === undefined ? Number.parseInt(url ?? json ?? source ?? html ?? '', 16) : Number(decimal)
  return code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : undefined
}
