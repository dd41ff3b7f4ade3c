import { createHash } from 'node:crypto'

/** A number from 0 up to, but not including, 1. */
export type Random = () => number

const LETTERS_AND_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const LOWER_AND_DIGITS = 'abcdefghijklmnopqrstuvwxyz0123456789'
const DIGITS = '0123456789'

/** The same seed gives the same numbers. */
export function seededRandom(seed: string): Random {
  let state = createHash('sha256').update(seed).digest().readUInt32LE(0)
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    return mix32(state) / 0x1_0000_0000
  }
}

/** A bijection of 32-bit integers that spreads neighbours apart. */
export function mix32(value: number): number {
  let mixed = value >>> 0
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
  return (mixed ^ (mixed >>> 15)) >>> 0
}

/** An API key as 1fichier's console makes it: 32 characters of [A-Za-z0-9]. */
export function randomApiKey(random: Random): string {
  return pick(random, LETTERS_AND_DIGITS, 32)
}

/** 10 letters and digits, as get_upload_server.cgi gives them. */
export function randomUploadId(random: Random): string {
  return pick(random, LETTERS_AND_DIGITS, 10)
}

/** 20 lower-case letters and digits, the length of today's links. */
export function randomFileId(random: Random): string {
  return pick(random, LOWER_AND_DIGITS, 20)
}

/** Eight mixed-case letters and digits, the id of a public folder. */
export function randomShareId(random: Random): string {
  return pick(random, LETTERS_AND_DIGITS, 8)
}

export function randomDigits(random: Random, length: number): string {
  return pick(random, DIGITS, length)
}

/** A whole number from 0 to `below` - 1. */
export function randomIndex(random: Random, below: number): number {
  return Math.floor(random() * below)
}

/** The same entries in another order. */
export function shuffled<T>(random: Random, entries: readonly T[]): T[] {
  return entries
    .map((entry) => ({ entry, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ entry }) => entry)
}

function pick(random: Random, alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet.charAt(randomIndex(random, alphabet.length))).join('')
}
