import type { Stats } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { FileFact } from './facts.ts'

/** What nobody else is to read. */
const SECRET = /^(?:vault|ca\.key|keys\.pepper|guichet\.db(?:-wal|-shm)?|adopt|backups?)$/
/** What other programs have to read. */
const PUBLIC = /^ca\.pem$/
/** A spool with very many files says no more than its first ones. */
const FILES_MAX = 2_000

/** The home, all that is in it, and the unlock file; empty without a home. */
export async function filesOfHome(
  home: string,
  unlockPath: string | undefined,
): Promise<readonly FileFact[]> {
  const files: FileFact[] = []
  const add = async (path: string, role: FileFact['role']): Promise<FileFact | undefined> => {
    const stats = await lstat(path).catch(() => undefined) // It went away meanwhile, or never was.
    if (stats === undefined) return undefined
    const { mode, uid } = stats
    const fact: FileFact = { path, kind: kindOf(stats), mode: mode & 0o7777, uid, role }
    if (!files.some((other) => other.path === path)) files.push(fact)
    return fact
  }
  const walk = async (folder: string, isSecret: boolean): Promise<void> => {
    for (const name of await readdir(folder).catch(() => [])) {
      if (files.length >= FILES_MAX) return
      const path = join(folder, name)
      const role =
        path === unlockPath
          ? 'unlock'
          : isSecret || SECRET.test(name)
            ? 'secret'
            : PUBLIC.test(name)
              ? 'public'
              : 'other'
      const fact = await add(path, role)
      if (fact?.kind === 'folder') await walk(path, role === 'secret')
    }
  }
  if ((await add(home, 'home')) === undefined) return []
  await walk(home, false)
  if (unlockPath !== undefined) await add(unlockPath, 'unlock')
  return files
}

function kindOf(stats: Stats): FileFact['kind'] {
  if (stats.isSymbolicLink()) return 'link'
  if (stats.isDirectory()) return 'folder'
  if (stats.isFile()) return 'file'
  return stats.isSocket() ? 'socket' : 'other'
}
