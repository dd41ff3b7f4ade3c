import { KEY_LENGTH } from './shapes.ts'

/** A part of a text that has the shape of an API key. */
export interface Candidate {
  readonly start: number
  readonly end: number
}

/**
 * Every word of 32 characters that a key may be made of.
 * `=` may be in a key and may stand before one: behind `name=` only what follows counts.
 * Parts of longer texts are none: of base64 between `+` and `/`, of a JWT between its points.
 */
export function candidatesIn(text: string): readonly Candidate[] {
  const found: Candidate[] = []
  for (const { 0: word, index } of text.matchAll(/(?<![A-Za-z0-9\-_=])[A-Za-z0-9\-_=]{32,}/g)) {
    const skipped = skipOf(word, text[index - 1])
    if (skipped === undefined) continue
    const start = index + skipped
    const end = index + word.length
    if (skipped === 0 && /[.+]/.test(text[index - 1] ?? '') && /\w/.test(text[index - 2] ?? '')) continue
    if (/^(?:[.+][\w+/]|\/[\w+/])/.test(text.slice(end, end + 2))) continue
    found.push({ start, end })
  }
  return found
}

/** How much of the word is before the key; undefined where it holds none. */
function skipOf(word: string, previous: string | undefined): number | undefined {
  if (word.length === KEY_LENGTH) return isAssignment(word) ? undefined : 0
  const start = word.length - KEY_LENGTH
  if (word[start - 1] === '=') return start
  // `${NAME:-KEY}` of a shell.
  if (start === 1 && previous === ':' && word.startsWith('-')) return 1
  // `\nKEY` of an escaped text.
  return start === 1 && previous === '\\' && /^[nrt]/.test(word) ? 1 : undefined
}

/** `RAPIDGATOR_TOKEN=abcdef0123456789` has 32 characters, too. */
function isAssignment(word: string): boolean {
  return /^-*[A-Za-z]+[A-Za-z_-]*(?:key|token|pass|secret|id|url|user|host|name|type|sid|auth)\w{0,4}=[^=]/i.test(
    word,
  )
}
