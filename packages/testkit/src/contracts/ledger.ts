import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import {
  hex,
  isConsistent,
  type Ledger,
  LedgerAudit,
  type LedgerBook,
  type LedgerEntry,
  parseKeyId,
} from '@guichet/core'
import { sampleEntry } from '../samples.ts'

/** What every `Ledger` does. `open` gives an empty one. */
export function ledgerContract(name: string, open: () => Promise<Ledger>): void {
  describe(`${name} is a Ledger`, () => {
    it('gives back what was recorded, newest first', async () => {
      const ledger = await open()
      const denied: LedgerEntry = {
        ...sampleEntry(2),
        key: parseKeyId('k-00000001'),
        door: 'proxy',
        verb: 'delete',
        target: '/é/"x"',
        decision: 'deny',
        reason: 'the key may not delete',
      }
      await ledger.record(sampleEntry(1))
      await ledger.record(denied)
      assert.deepEqual(await ledger.recent(10), [denied, sampleEntry(1)])
      assert.equal(await ledger.count(), 2)
    })

    it('keeps the order of overlapping calls (K17)', async () => {
      const ledger = await open()
      const entries = Array.from({ length: 500 }, (_, index) => sampleEntry(index))
      await Promise.all(entries.map((one) => ledger.record(one)))
      assert.deepEqual(await ledger.recent(500), entries.toReversed())
    })

    it('gives at most as many as asked for', async () => {
      const ledger = await open()
      assert.deepEqual(await ledger.recent(5), [])
      for (let number = 0; number < 5; number += 1) await ledger.record(sampleEntry(number))
      assert.deepEqual(await ledger.recent(2), [sampleEntry(4), sampleEntry(3)])
      assert.deepEqual(await ledger.recent(0), [])
      assert.equal(await ledger.count(), 5)
    })
  })
}

/** What every `LedgerBook` does for its ledger. `open` gives an empty one. */
export function ledgerBookContract(name: string, open: () => Promise<Ledger & LedgerBook>): void {
  describe(`${name} is a LedgerBook`, () => {
    it('has the tree of what was recorded, in one call or in many (K17)', async () => {
      const [one, other] = [await open(), await open()]
      const entries = Array.from({ length: 37 }, (_, index) => sampleEntry(index))
      await Promise.all(entries.map((each) => one.record(each)))
      for (const each of entries) await other.record(each)
      assert.equal((await one.head()).size, 37)
      assert.equal(hex((await one.head()).root), hex((await other.head()).root))
      const audit = new LedgerAudit(sha256, [{ ...(await one.head()), source: 'its head' }])
      for (const each of await one.page(0, 100)) audit.add(each)
      assert.equal(audit.finish(await one.written()).problem, undefined)
    })

    it('proves that it goes on from every tree it has had (K17)', async () => {
      const ledger = await open()
      const heads = [await ledger.head()]
      for (let number = 0; number < 20; number += 1) {
        await ledger.record(sampleEntry(number))
        heads.push(await ledger.head())
      }
      for (const older of heads) {
        for (const newer of heads.slice(older.size)) {
          const proof = await ledger.proof(older.size, newer.size)
          assert.equal(isConsistent(sha256, older, newer, proof), true, `${older.size} to ${newer.size}`)
        }
      }
    })

    it('finds what fits every condition, newest first', async () => {
      const ledger = await open()
      for (let number = 0; number < 10; number += 1) {
        const isOdd = number % 2 === 1
        await ledger.record({
          ...sampleEntry(number),
          target: `/folder ${number % 3}/%_`,
          key: isOdd ? parseKeyId('k-00000001') : 'owner',
          decision: isOdd ? 'deny' : 'allow',
        })
      }
      const found = async (filter: Parameters<LedgerBook['find']>[0], limit = 10): Promise<number[]> =>
        (await ledger.find(filter, limit)).map(({ sequence }) => sequence)
      assert.deepEqual(await found({}), [10, 9, 8, 7, 6, 5, 4, 3, 2, 1])
      assert.deepEqual(await found({}, 2), [10, 9])
      assert.deepEqual(await found({ key: 'k-00000001', target: 'folder 1' }), [8, 2])
      assert.deepEqual(await found({ target: 'r 1/%_' }), [8, 5, 2])
      assert.deepEqual(await found({ target: '%' }, 1), [10])
      assert.deepEqual(await found({ target: 'f_lder' }), [])
      assert.deepEqual(await found({ decision: 'allow', before: 6, after: 1 }), [5, 3])
      assert.deepEqual(await found({ sinceMs: sampleEntry(3).atMs, untilMs: sampleEntry(5).atMs }), [5, 4])
      assert.deepEqual(await found({ verb: 'delete' }), [])
      assert.deepEqual(await found({ door: 'api', verb: 'list' }, 1), [10])
    })

    it('keeps checkpoints, the first of each size', async () => {
      const ledger = await open()
      assert.equal(await ledger.lastCheckpoint(), undefined)
      const checkpoint = { size: 2, atMs: 1, note: 'a note', verifierKey: 'a key' }
      await ledger.keepCheckpoint(checkpoint)
      await ledger.keepCheckpoint({ ...checkpoint, note: 'another' })
      await ledger.keepCheckpoint({ ...checkpoint, size: 1 })
      assert.deepEqual(await ledger.lastCheckpoint(), checkpoint)
      assert.deepEqual(
        (await ledger.checkpoints(0, 10)).map(({ size }) => size),
        [1, 2],
      )
      assert.deepEqual(await ledger.checkpoints(1, 10), [checkpoint])
    })
  })
}

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest()
