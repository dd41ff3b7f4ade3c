/**
 * 1fichier's API keys never end by themselves, so that a person changes them.
 * 90 days is what the makers of key stores advise for keys without an end.
 */
export const API_KEY_DAYS = 90

/** Is it time to put a new API key in the place of the old one? */
export function isRotationDue(keyAgeDays: number): boolean {
  return keyAgeDays >= API_KEY_DAYS
}
