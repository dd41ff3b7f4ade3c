import { createHash } from 'node:crypto'
import { mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { GatewayError } from '@guichet/core'
import { MANIFEST_BYTES_MAX, MANIFEST_NAME, type Manifest, parseManifest } from './manifest.ts'
import { readTar, type TarEntry } from './tar.ts'

/**
 * Writes what is in a backup into an empty directory, on disk when it resolves.
 * Rejects with `corrupt` unless it is exactly what its manifest says.
 */
export async function unpackBackup(bytes: AsyncIterable<Uint8Array>, directory: string): Promise<Manifest> {
  let manifest: Manifest | undefined
  const missing = new Map<string, Manifest['files'][number]>()
  for await (const entry of readTar(bytes)) {
    if (manifest === undefined) {
      manifest = parseManifest(await textOf(entry))
      for (const file of manifest.files) missing.set(file.name, file)
      continue
    }
    const expected = missing.get(entry.name)
    if (expected === undefined || expected.sizeBytes !== entry.sizeBytes) throw unlike(entry.name)
    missing.delete(entry.name)
    if ((await writeEntry(entry, directory)) !== expected.sha256) throw unlike(entry.name)
  }
  const [lost] = missing.keys()
  if (manifest === undefined || lost !== undefined) throw unlike(lost ?? MANIFEST_NAME)
  return manifest
}

async function textOf({ name, sizeBytes, content }: TarEntry): Promise<string> {
  if (name !== MANIFEST_NAME || sizeBytes > MANIFEST_BYTES_MAX) throw unlike(MANIFEST_NAME)
  const chunks: Uint8Array[] = []
  for await (const chunk of content) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

/** Gives the SHA-256 of what it has written. */
async function writeEntry({ name, content }: TarEntry, directory: string): Promise<string> {
  const path = join(directory, name)
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const hash = createHash('sha256')
  await using handle = await open(path, 'wx', 0o600)
  for await (const chunk of content) {
    hash.update(chunk)
    await handle.writeFile(chunk)
  }
  await handle.sync()
  return hash.digest('hex')
}

function unlike(name: string): GatewayError {
  return new GatewayError(
    'corrupt',
    `the backup cannot be used: ${name} is missing in it, or is not what was written`,
    {
      hint: 'take another backup file',
    },
  )
}
