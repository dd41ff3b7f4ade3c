import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Ran, Stand } from './stand.ts'

/** Why a test that needs a real program is skipped, or false; a program named in REQUIRE is never skipped. */
export function without(program: string): string | false {
  const isThere = spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined
  const isRequired = (process.env['REQUIRE'] ?? '').split(',').includes(program)
  return isThere || isRequired ? false : `${program} is not installed`
}

/** Unmodified rclone with its fichier backend, by `guichet run`. */
export function rclone(
  stand: Stand,
  args: readonly string[],
  runOptions: readonly string[] = [],
): Promise<Ran> {
  return stand.guichet(['run', ...runOptions, '--', 'rclone', '--config', '/dev/null', ...args])
}

/** Writes `count` files of a few hundred bytes, all different, into each folder; returns what is in them by path. */
export async function writeTree(
  root: string,
  folders: readonly string[],
  count: number,
): Promise<Map<string, Buffer>> {
  const contents = new Map<string, Buffer>()
  for (const folder of folders) {
    await mkdir(path.join(root, folder), { recursive: true })
    for (let index = 0; index < count; index += 1) {
      const name = `${folder}/file-${String(index).padStart(3, '0')}.txt`
      const content = Buffer.from(`${name}\n`.repeat(1 + (index % 40)))
      await writeFile(path.join(root, name), content)
      contents.set(name, content)
    }
  }
  return contents
}

export function whirlpool(content: Uint8Array): string {
  return createHash('whirlpool').update(content).digest('hex')
}

/** What 1fichier must hold: each path once, with its checksum. */
export function storedAs(contents: ReadonlyMap<string, Uint8Array>, prefix: string): readonly string[] {
  return [...contents].map(([name, content]) => `${prefix}/${name} ${whirlpool(content)}`).sort()
}

/** What 1fichier holds. */
export function stored(stand: Stand): readonly string[] {
  return stand.emulator.account
    .files()
    .map((file) => `${file.path} ${file.whirlpool}`)
    .sort()
}

/** Calls that 1fichier has counted: its API and its upload nodes. */
export function upstreamCalls(stand: Pick<Stand, 'emulator'>): number {
  return Object.values(stand.emulator.snapshot().calls).reduce((sum, count) => sum + count, 0)
}
