import { createKeyText } from '@guichet/core'

/** What a seeded corpus is drawn with. */
export interface Draw {
  /** A whole number from 0 to `below` - 1. */
  upTo(below: number): number
  of<T>(...choices: readonly [T, ...T[]]): T
  text(alphabet: string, length: number): string
  bytes(count: number): Buffer
  apiKey(): string
  virtualKey(): string
}

export const DIGITS = '0123456789'
export const HEX = '0123456789abcdef'
export const LOWER = 'abcdefghijklmnopqrstuvwxyz'
export const UPPER: string = LOWER.toUpperCase()
export const ALNUM: string = UPPER + LOWER + DIGITS
export const BASE64: string = `${ALNUM}+/`
/** wire.md §2 */
export const KEY_ALPHABET: string = `${ALNUM}-_=`

/** The same seed draws the same (Mulberry32). */
export function drawFrom(seed: number): Draw {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
  const draw: Draw = {
    upTo: (below) => Math.floor(next() * below),
    of: (...choices) => choices[Math.floor(next() * choices.length)] ?? choices[0],
    text: (alphabet, length) =>
      Array.from({ length }, () => alphabet[Math.floor(next() * alphabet.length)]).join(''),
    bytes: (count) => Buffer.from(Array.from({ length: count }, () => Math.floor(next() * 256))),
    apiKey: () => draw.text(KEY_ALPHABET, 32),
    virtualKey: () => createKeyText((count) => draw.bytes(count)),
  }
  return draw
}
