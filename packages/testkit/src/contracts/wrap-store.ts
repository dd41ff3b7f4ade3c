import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { KeyStore, WrapStore } from '@guichet/core'
import { sampleKey } from '../samples.ts'

/** What every `WrapStore` does. `open` gives an empty one, and the store of the keys that it is about. */
export function wrapStoreContract(
  name: string,
  open: () => Promise<{ readonly wraps: WrapStore; readonly keys: KeyStore }>,
): void {
  const key = sampleKey(1)
  const openWithKey = async (): Promise<WrapStore> => {
    const { wraps, keys } = await open()
    await keys.add(key, 'key-hash')
    await wraps.add({ hash: 'hash', key: key.id, sealed: 'sealed', untilMs: 5_000 })
    return wraps
  }

  describe(`${name} is a WrapStore`, () => {
    it('gives what is sealed to one caller, and says to the others when it was fetched (K12)', async () => {
      const wraps = await openWithKey()
      assert.equal((await wraps.byHash('hash'))?.sealed, 'sealed')
      const got = await Promise.all([1_000, 1_001, 1_002].map((nowMs) => wraps.fetch('hash', nowMs)))
      assert.deepEqual(got, ['sealed', undefined, undefined])
      const wrap = await wraps.byHash('hash')
      assert.deepEqual([wrap?.sealed, wrap?.fetchedMs, wrap?.key], [undefined, 1_000, key.id])
    })

    it('forgets what is not fetched in time, once and for good (K12)', async () => {
      const wraps = await openWithKey()
      assert.equal(await wraps.fetch('hash', 5_000), undefined)
      assert.deepEqual(await wraps.overdue(4_999), [])
      for (let round = 0; round < 2; round += 1)
        assert.deepEqual(
          (await wraps.overdue(5_000)).map((wrap) => wrap.key),
          [key.id],
        )
      await wraps.forget('hash')
      assert.deepEqual(await wraps.overdue(6_000), [])
      assert.equal(await wraps.fetch('hash', 1_000), undefined)
    })

    it('keeps the first time that a used token came again (K12)', async () => {
      const wraps = await openWithKey()
      assert.deepEqual(await wraps.misused(), [])
      await wraps.misuse('hash', 2_000)
      await wraps.misuse('hash', 3_000)
      assert.deepEqual(
        (await wraps.misused()).map((wrap) => wrap.misusedMs),
        [2_000],
      )
    })

    it('knows nothing of an unknown hash', async () => {
      const wraps = await openWithKey()
      assert.equal(await wraps.byHash('other'), undefined)
      assert.equal(await wraps.fetch('other', 0), undefined)
    })
  })
}
