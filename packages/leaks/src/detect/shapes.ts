import { isKeyText } from '@guichet/core'

/** The length of an API key, and of a virtual one. */
export const KEY_LENGTH = 32

/** Written where a key is to be put in. A random key holds one of these words once in about 10,000. */
const PLACEHOLDER =
  /your|example|placeholder|x{4}|changeme|insert|replace|api[-_]?key|dummy|redact|sample|abcdef|qwerty|123456|(.)\1{4}/i

/**
 * Can it be the key of an account at all: 32 characters (wire.md §2), not one of ours, and no example?
 * Of 65 possible characters a random key has about 25 different ones, and less than 12 never.
 */
export function canBeKey(text: string): boolean {
  return (
    /^[A-Za-z0-9\-_=]{32}$/.test(text) &&
    !isKeyText(text) &&
    new Set(text).size >= 12 &&
    !PLACEHOLDER.test(text)
  )
}

/**
 * Is it mixed as random keys are? Digests have no capitals. A random key has capitals, small letters and something else
 * (all but 8 in 10,000), and changes between them 20 times on average (9 or less: 1 in 10,000).
 */
export function isMixed(text: string): boolean {
  return /[A-Z]/.test(text) && /[a-z]/.test(text) && /[^A-Za-z]/.test(text) && changes(text) >= 10
}

/** Mixed, and not made of words as names are: for where nothing says that it is a key (5 in 10,000 keys are missed). */
export function looksRandom(text: string): boolean {
  return isMixed(text) && !isMadeOfWords(text)
}

/** `getUserTokenFromSettings`, `The-Show-S01E05-720p-x264`. */
function isMadeOfWords(text: string): boolean {
  const words = text.match(/[A-Z]?[a-z]{3,}/g) ?? []
  if (words.join('').length >= 22) return true
  const parts = text.split(/[-_=]/).filter((part) => part !== '')
  if (parts.length < 4) return false
  const shaped = parts.filter((part) =>
    /^(?:[A-Z]?[a-z]+|[A-Z]+|[A-Za-z]{0,4}\d+[A-Za-z]{0,2}\d*)$/.test(part),
  )
  return shaped.join('').length >= 22
}

function changes(text: string): number {
  let count = 0
  for (let index = 1; index < text.length; index += 1) {
    if (classOf(text.charCodeAt(index)) !== classOf(text.charCodeAt(index - 1))) count += 1
  }
  return count
}

function classOf(code: number): number {
  if (code >= 97) return 0
  if (code >= 65 && code <= 90) return 1
  return code >= 48 && code <= 57 ? 2 : 3
}
