/** No page of 1fichier that carries a message comes near this; what follows is not looked at. */
const PAGE_LENGTH_MAX = 256 * 1024
const MESSAGE_LENGTH_MAX = 4 * 1024

/** What a person would see of a page, in one line. */
export function visibleText(page: string): string {
  let text = ''
  let hiding = ''
  for (const [index, part] of page.slice(0, PAGE_LENGTH_MAX).split('<').entries()) {
    const tag = index === 0 ? '' : (/^\/?[a-z0-9]+/i.exec(part)?.[0].toLowerCase() ?? '')
    if (tag === 'script' || tag === 'style') hiding = tag
    if (tag === `/${hiding}`) hiding = ''
    if (hiding === '') text += ` ${index === 0 ? part : part.slice(part.indexOf('>') + 1)}`
  }
  return decodeEntities(text).replace(/\s+/g, ' ').trim()
}

/** The French message of a refused upload: the first `<div class="bloc2">` with something in it (wire.md §6.2). */
export function blocMessage(page: string): string {
  for (const match of page.slice(0, PAGE_LENGTH_MAX).matchAll(/<div\b([^<>]*)>/gi)) {
    if (!/\bclass\s*=[^=]*\bbloc2\b/i.test(match[1] ?? '')) continue
    const start = match.index + match[0].length
    const text = visibleText(page.slice(start, start + MESSAGE_LENGTH_MAX).split(/<\/div\b/i, 1)[0] ?? '')
    if (text !== '') return text
  }
  return ''
}

/** Is there a form that asks for a password? */
export function asksForPass(page: string): boolean {
  return /<input\b[^<>]*\bname\s*=\s*["']?pass\b/i.test(page.slice(0, PAGE_LENGTH_MAX))
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  agrave: 'à',
  ccedil: 'ç',
  eacute: 'é',
  ecirc: 'ê',
  egrave: 'è',
}

function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,6})|#x([0-9a-f]{1,5})|([a-z]{2,8}));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES[String(name).toLowerCase()] ?? whole
    const point = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal)
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole
  })
}
