import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { copyFile, link, mkdir, mkdtemp, open, readdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { GatewayError } from '@guichet/core'
import { encrypt, type Lock } from './age.ts'
import { MANIFEST_NAME, type Manifest, type ManifestFile } from './manifest.ts'
import { type TarEntry, writeTar } from './tar.ts'

export interface BackupWish {
  readonly home: string
  /** The file to be made; its directory exists. */
  readonly file: string
  readonly lock: Lock
  /** A file that opens the vault, which has no business beside it. */
  readonly unlockFile: string | undefined
  readonly version: string
  readonly nowMs: number
  /** Makes a copy of the open database that is consistent in itself. */
  readonly copyDatabase: (from: string, to: string) => Promise<void>
}

const DATABASE = 'guichet.db'
/**
 * What is made anew, or too large and of 1fichier: sockets, content on its way, content that is cached, locks. And what an
 * adoption keeps until it is confirmed: in it the API key stands as the tools had it.
 */
const LEFT_OUT = [
  ...['run', 'spool', 'blocks', 'adopt', 'home.lock', 'home.lock-journal'],
  ...[DATABASE, `${DATABASE}-wal`, `${DATABASE}-shm`],
]

/**
 * Writes a backup of a home, whether its gateway runs or not: whole, on disk and for its owner alone when it resolves.
 * Rejects with `conflict` where there is a file already.
 */
export async function makeBackup(wish: BackupWish): Promise<Manifest> {
  await using undo = new AsyncDisposableStack()
  // Inside the home, because the copies are as secret as what they are copies of.
  const stage = await mkdtemp(join(wish.home, '.backup-'))
  undo.defer(() => rm(stage, { recursive: true, force: true }))
  const files: ManifestFile[] = []
  for (const name of await copyHome(wish, stage)) files.push(await describe(stage, name))
  const madeAt = new Date(wish.nowMs).toISOString()
  const manifest: Manifest = { format: 'guichet-backup', version: 1, madeAt, guichet: wish.version, files }
  const text = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`)
  const entries: TarEntry[] = [
    { name: MANIFEST_NAME, sizeBytes: text.length, content: asStream(text) },
    ...files.map(({ name, sizeBytes }) => ({
      name,
      sizeBytes,
      content: createReadStream(join(stage, name)),
    })),
  ]
  await writeNew(wish.file, await encrypt(writeTar(entries, wish.nowMs), wish.lock))
  return manifest
}

async function copyHome(wish: BackupWish, stage: string): Promise<readonly string[]> {
  const names: string[] = []
  for (const entry of await readdir(wish.home, { recursive: true, withFileTypes: true })) {
    const name = relative(wish.home, join(entry.parentPath, entry.name))
    const [top = ''] = name.split('/')
    const isOurs = !LEFT_OUT.includes(top) && !name.split('/').some((part) => part.startsWith('.'))
    if (!entry.isFile() || !isOurs || join(wish.home, name) === wish.unlockFile) continue
    await mkdir(dirname(join(stage, name)), { recursive: true, mode: 0o700 })
    await copyFile(join(wish.home, name), join(stage, name))
    names.push(name)
  }
  if (await isThere(join(wish.home, DATABASE))) {
    await wish.copyDatabase(join(wish.home, DATABASE), join(stage, DATABASE))
    names.push(DATABASE)
  }
  return names.sort()
}

async function describe(stage: string, name: string): Promise<ManifestFile> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  for await (const chunk of createReadStream(join(stage, name)) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    sizeBytes += chunk.length
  }
  return { name, sizeBytes, sha256: hash.digest('hex') }
}

/** A link, unlike a rename, never replaces a file that is there. */
async function writeNew(file: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  if (!(await isThere(dirname(file)))) {
    throw new GatewayError('not-found', `there is no folder ${dirname(file)} to put the backup into`, {
      hint: 'make it, or choose another place',
    })
  }
  const draft = join(dirname(file), `.${basename(file)}.${randomBytes(6).toString('hex')}.tmp`)
  await using undo = new AsyncDisposableStack()
  undo.defer(() => rm(draft, { force: true }))
  {
    await using handle = await open(draft, 'wx', 0o600)
    for await (const chunk of bytes) await handle.writeFile(chunk)
    await handle.sync()
  }
  try {
    await link(draft, file)
  } catch (cause) {
    if (await isThere(file))
      throw new GatewayError('conflict', `there is already something at ${file}`, {
        hint: 'choose another name',
        cause,
      })
    throw cause
  }
  await using directory = await open(dirname(file), 'r')
  await directory.sync()
}

async function* asStream(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false, // Whatever is wrong with it is told by whoever opens it.
  )
}
