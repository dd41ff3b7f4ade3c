const VIRTUAL = /gch_[0-9A-Za-z]{28}/g
const WORD = /[A-Za-z0-9\-_=]{32,}/g

/**
 * A text that may hold what somebody else sent, without the keys in it: for everything that is told or logged.
 *
 * Virtual keys go by their prefix. An API key of 1fichier has no mark of its own (wire.md §2), so every word of at
 * least 32 of its characters goes that has capitals and small letters, as random ones do; longer ones too, because a
 * key may stand behind `key=`. Checksums and other words of hexadecimal digits stay.
 */
export function hideKeys(text: string): string {
  return hideVirtualKeys(text).replace(WORD, (word) => (isRandom(word) ? '[secret]' : word))
}

/** For texts in which long names must stay as they are. */
export function hideVirtualKeys(text: string): string {
  return text.replace(VIRTUAL, 'gch_[secret]')
}

function isRandom(word: string): boolean {
  return /[A-Z]/.test(word) && /[a-z]/.test(word)
}
