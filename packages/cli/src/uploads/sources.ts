import type { Dirent, Stats } from 'node:fs'
import { lstat, readdir, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { GatewayError, problemOfName } from '@guichet/core'
import { foreseen } from '../failures.ts'

/** A local file on its way: where it is, and the names of folders and file below the destination. */
export interface Source {
  readonly path: string
  /** As a person would write it. */
  readonly shown: string
  readonly names: readonly string[]
  readonly sizeBytes: number
}

export interface Refused {
  readonly source: string
  readonly error: GatewayError
}

export interface Sources {
  readonly files: readonly Source[]
  /** Folders to be, by their names below the destination, parents first. */
  readonly folders: readonly (readonly string[])[]
  /** What cannot be sent, each with its reason; the others go on. */
  readonly refused: readonly Refused[]
}

/**
 * Looks at what is to be sent. `DIR` becomes a folder of that name, `DIR/` stands for what is inside it.
 * Rejects only when cancelled.
 */
export async function findSources(
  texts: readonly string[],
  options: { readonly cwd: string; readonly recursive: boolean; readonly signal: AbortSignal },
): Promise<Sources> {
  const found: Found = { files: [], folders: [], refused: [] }
  for (const text of texts) {
    options.signal.throwIfAborted()
    await attempt(found, text, async () => {
      const path = resolve(options.cwd, text)
      const stats = await stat(path)
      const isContent = text.endsWith('/') || basename(text) === '.' || basename(text) === '..'
      if (!stats.isDirectory()) return takeFile(found, path, text, [basename(path)], stats)
      if (!options.recursive) {
        throw new GatewayError('invalid', `${JSON.stringify(text)} is a folder`, {
          hint: 'give -r to send it with everything in it',
        })
      }
      await takeFolder(
        found,
        path,
        text.replace(/\/+$/, '') || '/',
        isContent ? [] : [basename(path)],
        options.signal,
      )
    })
  }
  return found
}

interface Found {
  readonly files: Source[]
  readonly folders: (readonly string[])[]
  readonly refused: Refused[]
}

async function attempt(found: Found, source: string, work: () => Promise<void> | void): Promise<void> {
  try {
    await work()
  } catch (failure) {
    const error = foreseen(failure)
    if (error.code === 'cancelled') throw error
    found.refused.push({ source, error })
  }
}

function takeFile(found: Found, path: string, shown: string, names: readonly string[], stats: Stats): void {
  requireName(shown, names.at(-1) ?? '')
  if (!stats.isFile()) {
    throw new GatewayError('invalid', `${JSON.stringify(shown)} is not a regular file`, {
      hint: 'send files and folders only',
    })
  }
  if (stats.size === 0) {
    throw new GatewayError('invalid', `${JSON.stringify(shown)} is empty`, {
      hint: '1fichier takes no empty files: leave it out, or put something into it',
    })
  }
  found.files.push({ path, shown, names, sizeBytes: stats.size })
}

async function takeFolder(
  found: Found,
  path: string,
  shown: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted()
  if (names.length > 0) requireName(shown, names.at(-1) ?? '')
  const entries = await readdir(path, { withFileTypes: true })
  found.folders.push(names)
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const below = {
      path: join(path, entry.name),
      shown: `${shown}/${entry.name}`,
      names: [...names, entry.name],
    }
    await attempt(found, below.shown, () =>
      entry.isDirectory()
        ? takeFolder(found, below.path, below.shown, below.names, signal)
        : takeEntry(found, entry, below),
    )
  }
}

async function takeEntry(found: Found, entry: Dirent, below: Omit<Source, 'sizeBytes'>): Promise<void> {
  // A name that is no text cannot be found again under the text that was made of it.
  requireName(below.shown, entry.name)
  const stats = entry.isSymbolicLink() ? await stat(below.path) : await lstat(below.path)
  // A link to a folder may lead in a circle, and out of what was meant to be sent.
  if (stats.isDirectory()) {
    throw new GatewayError('invalid', `${JSON.stringify(below.shown)} is a link to a folder`, {
      hint: 'name the folder itself to send it',
    })
  }
  takeFile(found, below.path, below.shown, below.names, stats)
}

function requireName(shown: string, name: string): void {
  const problem = name.includes('\ufffd') ? 'is not valid UTF-8' : problemOfName(name)
  if (problem === undefined) return
  throw new GatewayError('invalid', `the name of ${JSON.stringify(shown)} ${problem}`, {
    hint: 'rename it: 1fichier takes no \\ < > " \' $ ` in a name, and no space at its ends',
  })
}
