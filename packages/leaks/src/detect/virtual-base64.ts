import { isKeyText, KEY_PREFIX } from '@guichet/core'
import { KEY_LENGTH } from './shapes.ts'

/** The digits that the prefix gives, for each number of bytes before it (modulo 3). */
const PREFIXES = [0, 1, 2].map((before) => ({
  before,
  /** How many digits before these belong to the same group of four. */
  lead: before === 0 ? 0 : before + 1,
  digits: prefixWithin(before),
}))

/** Virtual keys in base64 of anything, at whatever byte of it they begin. */
export function virtualKeysInBase64(
  text: string,
): readonly { readonly key: string; readonly start: number; readonly end: number }[] {
  return PREFIXES.flatMap(({ before, lead, digits }) => {
    const found: { key: string; start: number; end: number }[] = []
    for (let at = text.indexOf(digits); at >= 0; at = text.indexOf(digits, at + 1)) {
      const length = Math.ceil(((before + KEY_LENGTH) * 8) / 6)
      const start = at - lead
      const word = text.slice(Math.max(0, start), start + length)
      if (start < 0 || !/^[A-Za-z0-9+/_-]+$/.test(word) || word.length < length) continue
      const key = Buffer.from(word, 'base64')
        .subarray(before, before + KEY_LENGTH)
        .toString('latin1')
      if (isKeyText(key)) found.push({ key, start, end: start + length })
    }
    return found
  })
}

function prefixWithin(before: number): string {
  const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(KEY_PREFIX)])
  const whole = Math.floor((bytes.length * 8) / 6)
  return bytes.toString('base64').slice(Math.ceil((before * 8) / 6), whole)
}
