import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Ledger, type LedgerEntry, parseKeyId } from '@guichet/core'

/** What every `Ledger` does. `open` gives an empty one. */
export function ledgerContract(name: string, open: () => Promise<Ledger>): void {
  describe(`${name} is a Ledger`, () => {
    it('gives back what was recorded, newest first', async () => {
      const ledger = await open()
      const denied: LedgerEntry = {
        ...entry(2),
        key: parseKeyId('k-00000001'),
        door: 'proxy',
        verb: 'delete',
        target: '/é/"x"',
        decision: 'deny',
        reason: 'the key may not delete',
      }
      await ledger.record(entry(1))
      await ledger.record(denied)
      assert.deepEqual(await ledger.recent(10), [denied, entry(1)])
      assert.equal(await ledger.count(), 2)
    })

    it('keeps the order of overlapping calls (K17)', async () => {
      const ledger = await open()
      const entries = Array.from({ length: 500 }, (_, index) => entry(index))
      await Promise.all(entries.map((one) => ledger.record(one)))
      assert.deepEqual(await ledger.recent(500), entries.toReversed())
    })

    it('gives at most as many as asked for', async () => {
      const ledger = await open()
      assert.deepEqual(await ledger.recent(5), [])
      for (let number = 0; number < 5; number += 1) await ledger.record(entry(number))
      assert.deepEqual(await ledger.recent(2), [entry(4), entry(3)])
      assert.deepEqual(await ledger.recent(0), [])
      assert.equal(await ledger.count(), 5)
    })
  })
}

function entry(number: number): LedgerEntry {
  return {
    atMs: Date.UTC(2026, 0, 1) + number,
    requestId: `r-${number}`,
    key: 'owner',
    door: 'api',
    verb: 'list',
    target: '/',
    decision: 'allow',
    reason: '',
  }
}
