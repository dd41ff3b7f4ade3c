import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import type { Belongings } from './belongings.ts'
import type { ForestSpec } from './forest.ts'
import type { FileRecord, FolderRecord } from './records.ts'
import type { AccountSettings } from './settings.ts'
import type { UploadRecord } from './upload-desk.ts'

/** One change of the account. Replaying all of them in order gives the account back. */
export type JournalEntry =
  | { readonly is: 'identity'; readonly apiKey: string; readonly email: string }
  | { readonly is: 'folder'; readonly folder: FolderRecord }
  | { readonly is: 'folder-gone'; readonly id: number }
  | { readonly is: 'file'; readonly file: FileRecord }
  | { readonly is: 'file-gone'; readonly id: string }
  | { readonly is: 'forest'; readonly forest: ForestSpec }
  | { readonly is: 'upload'; readonly upload: UploadRecord }
  | { readonly is: 'settings'; readonly settings: AccountSettings }
  | { readonly is: 'belongings'; readonly belongings: Belongings }

/** An entry is in the hands of the operating system when `append` returns, so that it outlives a killed process. */
export interface Journal {
  append(entry: JournalEntry): void
  close(): void
}

/** For an account that ends with the emulator. */
export function forgetfulJournal(): Journal {
  return { append: () => undefined, close: () => undefined }
}

/** What earlier runs wrote; a last line that was cut off by a kill is left out. */
export function readJournal(path: string): JournalEntry[] {
  if (!existsSync(path)) return []
  const lines = readFileSync(path, 'utf8').split('\n')
  const whole = lines.slice(0, -1)
  return whole.map((line): JournalEntry => JSON.parse(line))
}

export function openJournal(path: string): Journal {
  cutTornLine(path)
  const descriptor = openSync(path, 'a', 0o600)
  return {
    append: (entry) => void writeSync(descriptor, `${JSON.stringify(entry)}\n`),
    close: () => closeSync(descriptor),
  }
}

function cutTornLine(path: string): void {
  if (!existsSync(path)) return
  const text = readFileSync(path, 'utf8')
  if (text.endsWith('\n') || text === '') return
  writeFileSync(`${path}.new`, text.slice(0, text.lastIndexOf('\n') + 1), { mode: 0o600 })
  renameSync(`${path}.new`, path)
}
