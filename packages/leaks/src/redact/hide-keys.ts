import { hideVirtualKeys } from './concealer.ts'

/** A word of at least 32 characters of an API key, in which some may be escaped. */
const WORD =
  /(?:[A-Za-z0-9\-_=]|%[2-7][0-9A-Fa-f]|\\{1,3}u00[2-7][0-9A-Fa-f]|\\x[2-7][0-9A-Fa-f]|&#(?:\d{2,3}|x[2-7][0-9A-Fa-f]);){32,}/g
/** The characters of an API key in hexadecimal; a digest of that form does not occur. */
const HEX_WORD = /(?:2d|3[0-9d]|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9a]){32,}/gi
const MAY_HOLD_HEX = /[2-7][0-9A-Fa-f]{63}/
const ESCAPE = /%([2-7][0-9A-Fa-f])|\\+(?:u00|x)([2-7][0-9A-Fa-f])|&#(\d{2,3});|&#x([2-7][0-9A-Fa-f]);/g

/**
 * A text that may hold what somebody else sent, without the keys in it: for everything that is told or logged.
 *
 * Virtual keys go by their prefix. An API key of 1fichier has no mark of its own (wire.md §2), so every word of at
 * least 32 of its characters goes that has capitals and small letters, as random ones do; longer ones too, because a
 * key may stand behind `key=` or in base64. Checksums and other words of hexadecimal digits stay, unless they are the
 * digits of such a word.
 */
export function hideKeys(text: string): string {
  let hidden = hideVirtualKeys(text)
  if (mayHoldWord(hidden))
    hidden = hidden.replace(WORD, (word) => (isRandom(plainOf(word)) ? '[secret]' : word))
  if (!MAY_HOLD_HEX.test(hidden)) return hidden
  return hidden.replace(HEX_WORD, (digits) =>
    isRandom(Buffer.from(digits, 'hex').toString('latin1')) ? '[secret]' : digits,
  )
}

/** As `hideKeys`, and any credential behind `Bearer`, `Basic` or `api_key=`, whatever its form. */
export function hideCredentials(text: string): string {
  return hideKeys(text)
    .replace(/\b(Bearer|Basic)(\s+|%20|\+)[A-Za-z0-9+/\-_=.]{8,}/gi, '$1$2[secret]')
    .replace(/\b(api[_-]?key["']?\s*[=:]\s*["']?)[^\s"'&,;<>{}[\]\\]{8,}/gi, '$1[secret]')
}

/** Whether there is a `WORD` at all, as most texts tell at a glance. */
function mayHoldWord(text: string): boolean {
  let run = 0
  for (let at = 0; at < text.length; at += 1) {
    const kind = KINDS[text.charCodeAt(at)] ?? 0
    if (kind === 2) return true
    run = kind === 1 ? run + 1 : 0
    if (run === 32) return true
  }
  return false
}

/** 1: a character of a key; 2: one that begins an escape. */
const KINDS = Uint8Array.from({ length: 128 }, (_none, code) => {
  const character = String.fromCharCode(code)
  return /[%\\&]/.test(character) ? 2 : /[A-Za-z0-9\-_=]/.test(character) ? 1 : 0
})

function plainOf(word: string): string {
  return word.replace(ESCAPE, (_all, url, source, decimal, html) =>
    String.fromCharCode(decimal === undefined ? Number.parseInt(url ?? source ?? html, 16) : Number(decimal)),
  )
}

function isRandom(text: string): boolean {
  return text
    .split(/[^A-Za-z0-9\-_=]/)
    .some((word) => word.length >= 32 && /[A-Z]/.test(word) && /[a-z]/.test(word))
}
