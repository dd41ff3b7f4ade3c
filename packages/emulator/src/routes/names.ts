import type { Readings } from '../readings.ts'

/** Whether the service would take a file name (wire.md §4.10). */
export function isGoodFileName(name: string, readings: Readings): boolean {
  if (name === '' || name !== name.trim() || /[\\<>"'$`\p{Cc}]/u.test(name)) return false
  return readings.slashInNames === 'accepted' || !name.includes('/')
}

/** Folder names are at most 250 characters long (wire.md §5.2). */
export function isGoodFolderName(name: string, readings: Readings): boolean {
  return isGoodFileName(name, readings) && [...name].length <= 250
}

// The words are known from file/cp (wire.md §4.8), the number is not.
export const BAD_FILENAME = 'Bad filename characters #311'
