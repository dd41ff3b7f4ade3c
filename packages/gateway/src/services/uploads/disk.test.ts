import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { ROOT } from '@guichet/core'
import { FakeClock, MemoryHost } from '@guichet/testkit'
import { openHashers } from '../../hashing/hashers.ts'
import { openSpool } from '../../stores/disk/spool.ts'
import {
  openDatabase,
  SqliteFactStore,
  SqliteTransferJournal,
  SqliteTree,
} from '../../stores/sqlite/index.ts'
import { createUploads } from './journaled-uploads.ts'
import { startUploader } from './patient-uploader.ts'
import { KEY, whirlpoolOf } from './world.testing.ts'

describe('an upload through disk, journal and hashing threads', () => {
  it('stores the bytes that were sent, whatever their size (R8)', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'guichet-uploads-'))
    const clock = new FakeClock()
    try {
      await using db = openDatabase({ path: join(directory, 'guichet.db') })
      await using hashers = openHashers({ size: 1 })
      const journal = new SqliteTransferJournal(db)
      const tree = new SqliteTree(db)
      const spool = openSpool({ directory: join(directory, 'spool'), reserveBytes: 0 })
      const host = new MemoryHost({ clock, whirlpool: whirlpoolOf })
      const lingerMs = { alone: 150, more: 5_000 }
      const limits = { stopMs: 0 }
      await using uploader = startUploader({
        host: () => host,
        tree,
        journal,
        facts: new SqliteFactStore(db),
        spool,
        reaches: async () => true,
        clock,
        lingerMs,
        limits,
      })
      await uploader.recover()
      const uploads = createUploads({ journal, tree, spool, hashers, uploader, clock, random: randomBytes })
      const sizes = [1, 100_000, 256 * 1024, 512 * 1024, 1_300_001]
      const contents = sizes.map((size) => randomBytes(size))
      const received = await Promise.all(
        contents.map((content, index) =>
          uploads.receive(
            { key: KEY },
            ROOT,
            { name: `f${index}`, sizeBytes: content.length },
            chunks(content),
          ),
        ),
      )
      await uploads.commit('u1', received, { more: false })
      const stored = await passing(clock, uploads.whenStored('u1'))
      assert.equal(host.uploads.length, 1)
      for (const [index, content] of contents.entries()) {
        const file = host.filesIn(ROOT).find(({ entry }) => entry.name === `f${index}`)
        assert.ok(file !== undefined && Buffer.compare(file.content, content) === 0)
        assert.equal(stored[index]?.whirlpool, whirlpoolOf(content))
      }
      await uploader[Symbol.asyncDispose]()
      assert.deepEqual(await readdir(join(directory, 'spool')), [])
    } finally {
      await rm(directory, { recursive: true })
    }
  })
})

async function* chunks(content: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += 65_536) yield content.subarray(at, at + 65_536)
}

/** Here the disk takes real time, in which the clock moves on in small steps. */
async function passing<T>(clock: FakeClock, promise: Promise<T>): Promise<T> {
  let isOver = false
  const over = promise.finally(() => {
    isOver = true
  })
  over.catch(() => {})
  for (let steps = 0; steps < 20_000 && !isOver; steps += 1) await clock.advance(10)
  return await over
}
