import { constants } from 'node:fs'
import { open, readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCodeOf } from '@guichet/core'
import { type Place, placeAt, readPlace, type Sighting } from '@guichet/leaks'

/** A file that was looked at and has a key of the account in it. */
export interface SeenPlace {
  /** `path` is the file itself, behind every link. */
  readonly place: Place
  readonly content: Buffer
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** How many names the file has. */
  readonly names: number
  readonly modifiedMs: number
  readonly sightings: readonly Sighting[]
}

/** A file that is there and could not be looked at. */
export interface UnseenPlace {
  readonly path: string
  readonly problem: string
  readonly hint: string
}

export interface Sight {
  readonly seen: readonly SeenPlace[]
  readonly unseen: readonly UnseenPlace[]
  /** How many files were read. */
  readonly count: number
}

/** Settings are small; a history of a shell can be long. */
const BYTES_MAX = 16 * 1024 * 1024
/** What is larger among the files of a folder is a program, and not a script. */
const IN_FOLDER_BYTES_MAX = 1024 * 1024

/** A place that is known, or a file that somebody named, whose nature its content tells. */
export type Named = Place | { readonly path: string }

/** Looks at every place that is there, of a folder at each file in it; one file that has two names is looked at once. */
export async function lookAt(places: readonly Named[]): Promise<Sight> {
  const seen: SeenPlace[] = []
  const unseen: UnseenPlace[] = []
  const paths = new Set<string>()
  for (const place of (await Promise.all(places.map(filesOf))).flat()) {
    const found = await lookAtOne(place)
    const path = found === undefined || 'problem' in found ? found?.path : found.place.path
    if (found === undefined || path === undefined || paths.has(path)) continue
    paths.add(path)
    if ('problem' in found) unseen.push(found)
    else if (found.sightings.length > 0) seen.push(found)
  }
  return { seen, unseen, count: paths.size }
}

/** The file itself, or what may be text of the files in a folder. */
async function filesOf(named: Named): Promise<readonly Named[]> {
  const entries = await readdir(named.path, { withFileTypes: true }).catch((failure: unknown) => {
    const code = systemCodeOf(failure)
    if (code === undefined) throw failure
    return undefined // No folder: whatever it is is told when it is opened.
  })
  if (entries === undefined) return [named]
  const files: Named[] = []
  for (const entry of entries) {
    const path = join(named.path, entry.name)
    const stats = entry.isDirectory() ? undefined : await stat(path).catch(() => undefined) // A link to nowhere.
    if (stats?.isFile() === true && stats.size <= IN_FOLDER_BYTES_MAX) files.push({ ...named, path })
  }
  return files
}

async function lookAtOne(named: Named): Promise<SeenPlace | UnseenPlace | undefined> {
  let { path } = named
  try {
    path = await realpath(path)
    // O_NONBLOCK: a pipe in the place of the file must not hold us.
    await using handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stats = await handle.stat()
    if (!stats.isFile()) return { path, problem: 'it is not a regular file', hint: 'name a file' }
    if (stats.size > BYTES_MAX) {
      return {
        path,
        problem: 'it is too large for a file of settings',
        hint: 'take the key out of it by hand',
      }
    }
    const content = await handle.readFile()
    const place = 'tool' in named ? { ...named, path } : placeAt(path, content)
    const reading = readPlace(place, content)
    if ('problem' in reading) return { path, ...reading }
    const { mode, uid, gid, nlink, mtimeMs } = stats
    return {
      place,
      content,
      mode: mode & 0o7777,
      uid,
      gid,
      names: nlink,
      modifiedMs: mtimeMs,
      sightings: reading.sightings,
    }
  } catch (failure) {
    const code = systemCodeOf(failure)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    if (code === undefined) throw failure
    return { path, problem: `it cannot be read (${code})`, hint: 'run this as the user whose file it is' }
  }
}
