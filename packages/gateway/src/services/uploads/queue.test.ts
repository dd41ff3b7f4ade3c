import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type FolderId, parseFolderId, parseTransferId, type Transfer } from '@guichet/core'
import fc from 'fast-check'
import { UPLOADER_LIMITS } from './limits.ts'
import { UploadQueue } from './queue.ts'
import { FOLDER, KEY } from './world.testing.ts'

const LIMITS = { ...UPLOADER_LIMITS, filesMax: 3, bytesMax: 1_000, aloneBytes: 500, inFlightMax: 2 }
const LINGER = { alone: 150, more: 5_000 }
const NOBODY: ReadonlySet<FolderId> = new Set()

describe('the queue of uploads', () => {
  it('never puts two files of one name into one request, nor under way at one time', () => {
    const queue = new UploadQueue(LIMITS, LINGER)
    const [first, second] = [transfer(1, 'same'), transfer(2, 'same')]
    queue.offer([first, second], { more: false }, 0)
    assert.deepEqual(queue.take(FOLDER, 200), [first])
    assert.deepEqual(queue.next(10_000, NOBODY), { kind: 'wait', waitMs: undefined })
    assert.deepEqual(queue.take(FOLDER, 10_000), [])
    queue.finish([first])
    assert.equal(queue.next(10_000, NOBODY).kind, 'ready')
    assert.deepEqual(queue.take(FOLDER, 10_000), [second])
    assert.equal(queue.size, 0)
  })

  it('says how long it lingers, and not at all for what need not', () => {
    const queue = new UploadQueue(LIMITS, LINGER)
    queue.offer([transfer(1, 'a')], { more: false }, 1_000)
    assert.deepEqual(queue.next(1_000, NOBODY), { kind: 'wait', waitMs: 150 })
    queue.offer([transfer(2, 'b')], { more: true }, 1_100)
    assert.deepEqual(queue.next(1_100, NOBODY), { kind: 'wait', waitMs: 5_000 })
    queue.offer([transfer(3, 'c')], { more: true }, 1_200)
    assert.equal(queue.next(1_200, NOBODY).kind, 'ready', 'a full request waits for nobody')
    queue.take(FOLDER, 1_200)
    queue.offer([transfer(4, 'big', 501)], { more: true }, 2_000)
    assert.equal(queue.next(2_000, NOBODY).kind, 'ready', 'a big file goes alone anyway')
  })

  it('does not linger for ever, however steadily files arrive', () => {
    const queue = new UploadQueue({ ...LIMITS, filesMax: 500, bytesMax: 1e9 }, LINGER)
    let atMs = 0
    for (let index = 0; queue.next(atMs, NOBODY).kind === 'wait'; index += 1) {
      assert.ok(atMs <= LINGER.more)
      queue.offer([transfer(index, `${index}`)], { more: false }, atMs)
      atMs += 100
    }
  })

  it('sends in smaller groups what was refused as a whole', () => {
    const queue = new UploadQueue({ ...LIMITS, filesMax: 4 }, LINGER)
    const all = [1, 2, 3, 4].map((number) => transfer(number, `${number}`))
    queue.offer(all, { more: false }, 0)
    assert.equal(queue.take(FOLDER, 200).length, 4)
    queue.putBack(all, 2, 200)
    assert.deepEqual(queue.take(FOLDER, 200), all.slice(0, 2))
    assert.deepEqual(queue.take(FOLDER, 200), all.slice(2))
  })

  it('forms requests within every limit, loses nothing and sends nothing twice', () => {
    const file = fc.record({
      folder: fc.constantFrom(1, 2, 3),
      name: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      sizeBytes: fc.integer({ min: 1, max: 700 }),
    })
    fc.assert(
      fc.property(fc.array(file, { maxLength: 40 }), (files) => {
        const queue = new UploadQueue(LIMITS, LINGER)
        const offered = files.map(({ folder, name, sizeBytes }, index) => ({
          ...transfer(index, name, sizeBytes),
          folder: parseFolderId(folder),
        }))
        queue.offer(offered, { more: false }, 0)
        const sent: Transfer[] = []
        for (let next = queue.next(1e6, NOBODY); next.kind === 'ready'; next = queue.next(1e6, NOBODY)) {
          const batch = queue.take(next.folder, 0)
          const bytes = batch.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
          assert.ok(batch.length > 0 && batch.length <= LIMITS.filesMax && bytes <= LIMITS.bytesMax)
          assert.equal(new Set(batch.map(({ name }) => name)).size, batch.length)
          assert.ok(batch.every(({ folder }) => folder === batch[0]?.folder))
          assert.ok(batch.length === 1 || batch.every(({ sizeBytes }) => sizeBytes <= LIMITS.aloneBytes))
          sent.push(...batch)
          queue.finish(batch)
        }
        const ids = (transfers: readonly Transfer[]): readonly string[] =>
          transfers.map(({ id }) => id).toSorted()
        assert.deepEqual(ids(sent), ids(offered))
      }),
    )
  })
})

function transfer(number: number, name: string, sizeBytes = 10): Transfer {
  return {
    id: parseTransferId(String(number).padStart(16, '0')),
    upload: 'u1',
    key: KEY,
    folder: FOLDER,
    name,
    sizeBytes,
    whirlpool: '0'.repeat(128),
    attempts: 0,
    createdMs: 0,
    isClaimed: false,
    state: { kind: 'spooled' },
  }
}
