import { chmod, lstat, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { systemCodeOf } from '@guichet/core'
import { gitText } from './git.ts'

const MARK = '# guichet scan: keeps keys out of commits'
const KEPT = 'pre-commit.before-guichet'

export interface InstalledHook {
  readonly path: string
  /** What was there before, and runs first. */
  readonly kept: string | undefined
  readonly isNew: boolean
}

/**
 * A hook of git that scans what is about to be committed. One that is there already is kept, and runs before it.
 * `command` starts guichet. Rejects with `not-found` where there is no repository.
 */
export async function installHook(folder: string, command: readonly string[]): Promise<InstalledHook> {
  const hooks = resolve(folder, (await gitText(folder, ['rev-parse', '--git-path', 'hooks'])).trim())
  const path = join(hooks, 'pre-commit')
  const kept = join(hooks, KEPT)
  await mkdir(hooks, { recursive: true })
  const before = await textAt(path)
  const isOurs = before?.includes(MARK) === true
  if (before !== undefined && !isOurs) await rename(path, kept)
  await writeFile(path, scriptFor(command))
  await chmod(path, 0o755)
  return { path, kept: (await isThere(kept)) ? kept : undefined, isNew: !isOurs }
}

function scriptFor(command: readonly string[]): string {
  return `#!/bin/sh
${MARK}
before="$(dirname "$0")/${KEPT}"
if [ -x "$before" ]; then "$before" "$@" || exit $?; fi
if command -v guichet >/dev/null 2>&1; then exec guichet scan --staged; fi
exec ${command.map(quoted).join(' ')} scan --staged
`
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}

async function textAt(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'latin1')
  } catch (failure) {
    if (systemCodeOf(failure) === 'ENOENT') return undefined
    throw failure
  }
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}
