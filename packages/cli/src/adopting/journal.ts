import { createHash } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { GatewayError, systemCodeOf } from '@guichet/core'

/**
 * What an adoption has set out to do, on disk before it does it, in the home beside the backups.
 *
 *     (none) ──▶ begun ──▶ done ──confirm──▶ (none)
 *                  │         │
 *                  └──undo───┴──▶ (none)
 *
 * Whatever it is killed at, `undo` finds each file either as it was or as it was to be.
 */
export interface AdoptJournal {
  readonly format: 'guichet-adopt'
  readonly version: 1
  readonly state: 'begun' | 'done'
  /** In the names of its temporary files and of its keys. */
  readonly id: string
  readonly atMs: number
  readonly keys: readonly AdoptKey[]
  readonly files: readonly AdoptedFile[]
}

/** A virtual key; without an id it may or may not have been issued. */
export interface AdoptKey {
  readonly tool: string
  readonly name: string
  readonly id?: string
}

export interface AdoptedFile {
  readonly path: string
  readonly tool: string
  /** The name of its copy beside the journal. */
  readonly backup: string
  /** SHA-256 of the whole file. */
  readonly before: string
  readonly after: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly modifiedMs: number
}

export function adoptFolder(home: string): string {
  return join(home, 'adopt')
}

/** Rejects with `invalid` for a journal that this version cannot read. */
export async function readJournal(folder: string): Promise<AdoptJournal | undefined> {
  const path = join(folder, JOURNAL)
  try {
    const journal: AdoptJournal = JSON.parse(await readFile(path, 'utf8'))
    if (journal.format === 'guichet-adopt' && journal.version === 1) return journal
  } catch (failure) {
    if (systemCodeOf(failure) === 'ENOENT') return undefined
    if (!(failure instanceof SyntaxError)) throw failure
  }
  throw new GatewayError('invalid', `${path} cannot be understood`, {
    hint: `the backups are beside it, in ${folder}: put them back by hand, then remove that folder`,
  })
}

export async function writeJournal(folder: string, journal: AdoptJournal): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeAside(join(folder, JOURNAL), Buffer.from(`${JSON.stringify(journal, null, 2)}\n`), {
    suffix: journal.id,
    dress: (handle) => handle.chmod(0o600),
  })
}

/** The journal goes first: backups without it are only files, a journal without backups would promise too much. */
export async function dropJournal(folder: string): Promise<void> {
  await rm(join(folder, JOURNAL), { force: true })
  await rm(folder, { recursive: true, force: true })
}

const JOURNAL = 'journal.json'

export function digestOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}

/**
 * Writes a file beside its place and moves it there: whoever looks finds the old or the new one, whole.
 * It is for its owner alone until `dress` has given it its mode and owner.
 */
export async function writeAside(
  path: string,
  content: Buffer,
  options: {
    readonly suffix: string
    readonly dress: (handle: Awaited<ReturnType<typeof open>>) => Promise<void>
  },
): Promise<void> {
  const aside = asideOf(path, options.suffix)
  await rm(aside, { force: true })
  try {
    {
      await using handle = await open(aside, 'wx', 0o600)
      await handle.writeFile(content)
      await options.dress(handle)
      await handle.sync()
    }
    await rename(aside, path)
  } catch (failure) {
    await rm(aside, { force: true })
    throw failure
  }
  await using folder = await open(dirname(path), 'r')
  await folder.sync()
}

export function asideOf(path: string, suffix: string): string {
  const cut = path.lastIndexOf('/') + 1
  return `${path.slice(0, cut)}.${path.slice(cut)}.guichet-${suffix}`
}
