import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { GatewayError, systemCodeOf } from '@guichet/core'
import {
  type AdoptedFile,
  type AdoptJournal,
  asideOf,
  digestOf,
  dropJournal,
  writeAside,
  writeJournal,
} from './journal.ts'

/** A file with what is to stand in it. */
export interface Change {
  readonly file: AdoptedFile
  readonly before: Buffer
  readonly after: Buffer
}

/** Called before each step that changes the disk, with its name. */
export type OnStep = (step: string) => void

/** Backups, journal, files, journal: each on disk before the next. A failure leaves what `undo` puts right. */
export async function swapFiles(
  folder: string,
  journal: AdoptJournal,
  changes: readonly Change[],
  onStep: OnStep = () => undefined,
): Promise<AdoptJournal> {
  for (const { file, before } of changes) {
    onStep(`backup of ${file.path}`)
    await writeAside(join(folder, file.backup), before, {
      suffix: journal.id,
      dress: (handle) => handle.chmod(0o600),
    })
  }
  const begun: AdoptJournal = { ...journal, files: changes.map(({ file }) => file) }
  onStep('journal of the files')
  await writeJournal(folder, begun)
  for (const [index, { file, after }] of changes.entries()) {
    onStep(`swap of ${file.path}`)
    const now = await readFile(file.path)
    if (digestOf(now) !== file.before) {
      // This one and those behind it are as others left them: there is nothing to undo in them.
      await writeJournal(folder, { ...begun, files: begun.files.slice(0, index) })
      throw new GatewayError('conflict', `${file.path} was changed by another program meanwhile`, {
        hint: 'run `guichet adopt` again when no tool is writing its settings',
      })
    }
    await putFile(file, after, journal.id)
  }
  const done: AdoptJournal = { ...begun, state: 'done' }
  onStep('end of the journal')
  await writeJournal(folder, done)
  return done
}

export interface Undone {
  readonly restored: readonly string[]
  /** Files that somebody has changed since: they were left as they are. */
  readonly changed: readonly AdoptedFile[]
}

/**
 * Puts every file back as it was, to the byte, with its mode, owner and time; may be repeated after a kill.
 * The journal goes only when nothing was left over; `force` overwrites what was changed since.
 */
export async function undoFiles(
  folder: string,
  journal: AdoptJournal,
  options: { readonly force: boolean },
  onStep: OnStep = () => undefined,
): Promise<Undone> {
  const restored: string[] = []
  const changed: AdoptedFile[] = []
  for (const file of journal.files) {
    onStep(`return of ${file.path}`)
    await rm(asideOf(file.path, journal.id), { force: true })
    const now = await digestAt(file.path)
    if (now === file.before) continue
    if (now !== file.after && now !== undefined && !options.force) {
      changed.push(file)
      continue
    }
    const backup = await readFile(join(folder, file.backup))
    if (digestOf(backup) !== file.before) {
      throw new GatewayError('corrupt', `the backup of ${file.path} in ${folder} is damaged`, {
        hint: 'nothing was put in its place; put the file right by hand',
      })
    }
    await putFile(file, backup, journal.id)
    restored.push(file.path)
  }
  if (changed.length === 0) {
    onStep('end of the undoing')
    await dropJournal(folder)
  }
  return { restored, changed }
}

async function putFile(file: AdoptedFile, content: Buffer, suffix: string): Promise<void> {
  const { path, mode, uid, gid, before, modifiedMs } = file
  await writeAside(path, content, {
    suffix,
    async dress(handle) {
      const stats = await handle.stat()
      if (stats.uid !== uid || stats.gid !== gid) await handle.chown(uid, gid)
      await handle.chmod(mode)
      if (digestOf(content) === before) await handle.utimes(modifiedMs / 1_000, modifiedMs / 1_000)
    },
  })
}

async function digestAt(path: string): Promise<string | undefined> {
  try {
    return digestOf(await readFile(path))
  } catch (failure) {
    if (systemCodeOf(failure) === 'ENOENT') return undefined
    throw failure
  }
}
