import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parseTransferId, type TransferId } from '@guichet/core'
import { type ContentHasher, openSpool, type Spool } from './spool.ts'

const A = parseTransferId('aaaaaaaaaaaaaaaa')
const B = parseTransferId('bbbbbbbbbbbbbbbb')

describe('the spool', () => {
  it('keeps content and its Whirlpool, for its owner only, and gives it back from any byte', async () => {
    await using home = await Home.open()
    const content = randomBytes(3_000_001)
    const spooled = await home.spool.receive(A, chunked(content, 70_000), { hasher: hasher() })
    assert.deepEqual(spooled, { sizeBytes: content.length, whirlpool: whirlpoolOf(content) })
    assert.deepEqual(await readdir(home.directory), [A])
    assert.equal((await stat(join(home.directory, A))).mode & 0o777, 0o600)
    assert.equal((await stat(home.directory)).mode & 0o777, 0o700)
    for (const startByte of [0, 1, 999_999, content.length]) {
      assert.deepEqual(await collect(home.spool.open(A, { startByte })), content.subarray(startByte))
    }
    assert.equal(await home.spool.sizeBytes(A), content.length)
    assert.equal(await home.spool.usedBytes(), content.length)
  })

  it('closes a file whose reader leaves early, and knows nothing of a missing one', async () => {
    await using home = await Home.open()
    await home.spool.receive(A, chunked(randomBytes(2_000_000), 50_000), { hasher: hasher() })
    for await (const chunk of home.spool.open(A)) {
      assert.ok(chunk.length > 0)
      break
    }
    await home.spool.remove(A)
    await home.spool.remove(A)
    await assert.rejects(collect(home.spool.open(A)), { code: 'not-found' })
    assert.equal(await home.spool.sizeBytes(A), undefined)
  })

  it('refuses before the first byte what does not fit, counting what is promised to others', async () => {
    const { bavail, bsize } = await statfs(tmpdir())
    const roomBytes = Math.floor((bavail * bsize) / 2)
    await using home = await Home.open(bavail * bsize - roomBytes)
    // Two of these do not fit, with room to spare for what other programs write meanwhile.
    const sizeBytes = Math.floor(roomBytes * 0.6)
    let opened = 0
    async function* endless(): AsyncGenerator<Uint8Array> {
      opened += 1
      yield randomBytes(10)
      await new Promise(() => {})
    }
    const gone = new AbortController()
    const receive = (id: TransferId) =>
      home.spool.receive(id, endless(), { sizeBytes, hasher: hasher(), signal: gone.signal })
    const first = receive(A)
    await until(async () => opened === 1)
    await assert.rejects(receive(B), { code: 'disk-full', hint: /free some space/ })
    assert.equal(opened, 1)
    gone.abort()
    await assert.rejects(first, { code: 'cancelled' })
    // The room that was promised to it is free again: the next one is refused for its abort only.
    await assert.rejects(receive(B), { code: 'cancelled' })
    assert.deepEqual(await readdir(home.directory), [])
  })

  it('refuses content that is longer or shorter than announced, and keeps nothing of it', async () => {
    await using home = await Home.open()
    for (const sizeBytes of [99, 101]) {
      const receiving = home.spool.receive(A, chunked(randomBytes(100), 10), { sizeBytes, hasher: hasher() })
      await assert.rejects(receiving, { code: 'invalid' })
    }
    assert.deepEqual(await readdir(home.directory), [])
  })

  it('keeps nothing of content that breaks off or is cancelled, even when it hangs', async () => {
    await using home = await Home.open()
    async function* breaking(): AsyncGenerator<Uint8Array> {
      yield randomBytes(300_000)
      throw new Error('socket hang up')
    }
    await assert.rejects(home.spool.receive(A, breaking(), { hasher: hasher() }), { code: 'cancelled' })
    async function* hanging(): AsyncGenerator<Uint8Array> {
      yield randomBytes(300_000)
      await new Promise(() => {})
    }
    const gone = new AbortController()
    const receiving = home.spool.receive(B, hanging(), { hasher: hasher(), signal: gone.signal })
    await until(async () => (await home.spool.usedBytes()) > 0)
    gone.abort()
    await assert.rejects(receiving, { code: 'cancelled' })
    assert.deepEqual(await readdir(home.directory), [])
  })

  it('sweeps what nobody owes, half files too, but not what is just being written', async () => {
    await using home = await Home.open()
    await home.spool.receive(A, chunked(randomBytes(10), 10), { hasher: hasher() })
    await writeFile(join(home.directory, `${B}.part`), 'half')
    await writeFile(join(home.directory, B), 'left')
    await writeFile(join(home.directory, 'stray'), 'x')
    const more = Promise.withResolvers<void>()
    const C = parseTransferId('cccccccccccccccc')
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield randomBytes(10)
      await more.promise
    }
    const writing = home.spool.receive(C, slow(), { hasher: hasher() })
    await until(async () => (await readdir(home.directory)).includes(`${C}.part`))
    assert.equal(await home.spool.sweep(new Set<TransferId>([A])), 3)
    more.resolve()
    await writing
    assert.deepEqual((await home.spool.ids()).toSorted(), [A, C])
  })

  it('says that the disk is full when it becomes so in the middle, and keeps nothing (R6)', async (test) => {
    await using home = await Home.open(0, '1m')
    if (!home.isSmall) return test.skip('needs the right to mount a file system of its own')
    const receiving = home.spool.receive(A, chunked(randomBytes(3_000_000), 50_000), {
      sizeBytes: 500_000,
      hasher: hasher(),
    })
    await assert.rejects(receiving, { code: 'invalid' })
    const unlimited = openSpool({ directory: home.directory, reserveBytes: -1e9 })
    const filling = unlimited.receive(B, chunked(randomBytes(3_000_000), 50_000), { hasher: hasher() })
    await assert.rejects(filling, { code: 'disk-full' })
    assert.deepEqual(await readdir(home.directory), [])
  })
})

class Home implements AsyncDisposable {
  readonly directory: string
  readonly spool: Spool
  readonly isSmall: boolean

  constructor(directory: string, reserveBytes: number, isSmall: boolean) {
    this.directory = directory
    this.spool = openSpool({ directory, reserveBytes })
    this.isSmall = isSmall
  }

  static async open(reserveBytes = 0, size?: string): Promise<Home> {
    const directory = await mkdtemp(join(tmpdir(), 'guichet-spool-'))
    await rm(directory, { recursive: true })
    if (size === undefined) return new Home(directory, reserveBytes, false)
    try {
      execFileSync('mkdir', [directory])
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', directory], { stdio: 'ignore' })
      return new Home(directory, reserveBytes, true)
    } catch {
      // Not every machine lets a test mount something; the test then skips itself.
      return new Home(directory, reserveBytes, false)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isSmall) execFileSync('umount', [this.directory])
    await rm(this.directory, { recursive: true, force: true })
  }
}

function hasher(): ContentHasher {
  const hash = createHash('whirlpool')
  return {
    update: async (chunk) => void hash.update(chunk),
    digest: async () => hash.digest('hex'),
    abandon: () => {},
  }
}

async function* chunked(content: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size)
}

async function collect(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of content) parts.push(part)
  return Buffer.concat(parts)
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let round = 0; round < 10_000; round += 1) {
    // The directory is not there before the first content.
    if (await isSo().catch(() => false)) return
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error('it never came to be so')
}

function whirlpoolOf(content: Uint8Array): string {
  return createHash('whirlpool').update(content).digest('hex')
}
