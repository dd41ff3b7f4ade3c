import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BudgetStore } from '@guichet/core'

/** What every `BudgetStore` does. `open` gives an empty one. */
export function budgetStoreContract(name: string, open: () => Promise<BudgetStore>): void {
  describe(`${name} is a BudgetStore`, () => {
    it('knows nothing at first, and saving nothing changes nothing', async () => {
      const store = await open()
      await store.save(new Map())
      assert.equal((await store.load()).size, 0)
    })

    it('gives back the last spend of each counter (K10)', async () => {
      const store = await open()
      const large = { startMs: Date.UTC(2026, 0), amount: 2 ** 50 }
      await store.save(
        new Map([
          ['k-aaaaaaaa calls day', { startMs: 1, amount: 3 }],
          ['owner down month', large],
        ]),
      )
      await store.save(new Map([['k-aaaaaaaa calls day', { startMs: 2, amount: 0 }]]))
      assert.deepEqual(
        await store.load(),
        new Map([
          ['k-aaaaaaaa calls day', { startMs: 2, amount: 0 }],
          ['owner down month', large],
        ]),
      )
    })
  })
}
