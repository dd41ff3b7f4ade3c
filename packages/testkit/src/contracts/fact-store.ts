import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FactStore } from '@guichet/core'

/** What every `FactStore` does. `open` gives an empty one. */
export function factStoreContract(name: string, open: () => Promise<FactStore>): void {
  describe(`${name} is a FactStore`, () => {
    it('gives back the last value of a name, with its moment', async () => {
      const store = await open()
      await store.put('account', { offer: 'premium', bytes: 2 ** 50, list: [1, 'é', null] }, 1_000)
      await store.put('other', 'text', 1_500)
      assert.deepEqual(await store.get('account'), {
        value: { offer: 'premium', bytes: 2 ** 50, list: [1, 'é', null] },
        atMs: 1_000,
      })
      await store.put('account', 7, 2_000)
      assert.deepEqual(await store.get('account'), { value: 7, atMs: 2_000 })
    })

    it('knows nothing of an unknown name', async () => {
      assert.equal(await (await open()).get('account'), undefined)
    })

    it('keeps its own copy of a value', async () => {
      const store = await open()
      const value = { calls: 1 }
      await store.put('calls', value, 1)
      value.calls = 2
      assert.deepEqual((await store.get('calls'))?.value, { calls: 1 })
    })
  })
}
