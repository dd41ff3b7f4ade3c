import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isPlainName, readTar, writeTar } from './tar.ts'

type File = readonly [name: string, content: Uint8Array]

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function collected(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of bytes) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function tarOf(files: readonly File[]): Promise<Buffer> {
  const entries = files.map(([name, bytes]) => ({
    name,
    sizeBytes: bytes.length,
    content: pieces(bytes, 700),
  }))
  return collected(writeTar(entries, 1_700_000_000_000))
}

async function filesIn(tar: Uint8Array, size = 333): Promise<readonly File[]> {
  const files: File[] = []
  for await (const { name, content } of readTar(pieces(tar, size)))
    files.push([name, await collected(content)])
  return files
}

const files = fc.array(
  fc.tuple(
    fc.constantFrom('vault', 'guichet.db', 'tls/key.pem', 'a-b_c.d'),
    fc.uint8Array({ maxLength: 3_000 }),
  ),
  { maxLength: 4 },
)

describe('the tar file of a backup', () => {
  it('gives back what was put in, however it arrives (R11)', async () => {
    const model = fc.asyncProperty(files, fc.integer({ min: 1, max: 5_000 }), async (wanted, size) => {
      const found = await filesIn(await tarOf(wanted), size)
      assert.deepEqual(
        found.map(([name, bytes]) => [name, Buffer.from(bytes)]),
        wanted.map(([name, bytes]) => [name, Buffer.from(bytes)]),
      )
    })
    await fc.assert(model, { numRuns: 40 })
  })

  it('is opened by tar, and what tar makes of plain files is opened here (R11)', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'guichet-tar-'))
    try {
      await writeFile(join(directory, 'a.tar'), await tarOf([['vault', Buffer.alloc(1_300, 7)]]))
      execFileSync('tar', ['xf', 'a.tar'], { cwd: directory })
      assert.deepEqual(await readFile(join(directory, 'vault')), Buffer.alloc(1_300, 7))
      execFileSync('tar', ['cf', 'b.tar', '--format=ustar', 'vault'], { cwd: directory })
      assert.deepEqual(await filesIn(await readFile(join(directory, 'b.tar'))), [
        ['vault', Buffer.alloc(1_300, 7)],
      ])
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  it('is refused when it would lead out of its place, or is cut (R11)', async () => {
    for (const name of ['../vault', '/etc/passwd', 'a//b', 'a/../b', '.ssh', 'a\\b', 'x'.repeat(101), ''])
      assert.ok(!isPlainName(name), name)
    const directory = await mkdtemp(join(tmpdir(), 'guichet-tar-'))
    try {
      const made = (script: string): Promise<Buffer> => {
        execFileSync('sh', ['-ec', script], { cwd: directory })
        return readFile(join(directory, 'made.tar'))
      }
      const bad = [
        'ln -s /etc/passwd link; tar cf made.tar --format=ustar link',
        'echo x > f; tar cf made.tar --format=ustar --transform=s,f,../f, -P f',
        'mkfifo pipe; tar cf made.tar --format=ustar pipe',
      ]
      for (const script of bad) await assert.rejects(filesIn(await made(script)), { code: 'corrupt' })
    } finally {
      await rm(directory, { recursive: true })
    }
    const whole = await tarOf([['vault', Buffer.alloc(900, 1)]])
    for (const length of [0, 100, 512, 1_000, 1_535, 1_600])
      await assert.rejects(filesIn(whole.subarray(0, length)), { code: 'corrupt' }, String(length))
    const changed = Buffer.from(whole)
    changed[3] = (changed[3] ?? 0) ^ 1
    await assert.rejects(filesIn(changed), { code: 'corrupt' })
  })
})
