import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type KeyStore, VERBS } from '@guichet/core'
import { folderId, sampleKey } from '../samples.ts'

/** What every `KeyStore` does. `open` gives an empty one. */
export function keyStoreContract(name: string, open: () => Promise<KeyStore>): void {
  describe(`${name} is a KeyStore`, () => {
    it('gives a key back as it was, by hash and by id', async () => {
      const store = await open()
      const key = sampleKey(1, {
        name: 'backup “été”',
        verbs: VERBS,
        root: folderId(22_700_000),
        rootPath: '/a/b',
        mayTunnel: true,
        limits: { notBeforeMs: Date.UTC(2026, 1, 1) },
        expiresMs: Date.UTC(2026, 3, 1),
      })
      await store.add(key, 'hash-1')
      assert.deepEqual(await store.byHash('hash-1'), key)
      assert.deepEqual(await store.byId(key.id), key)
    })

    it('knows nothing of an unknown hash or id', async () => {
      const store = await open()
      await store.add(sampleKey(1), 'hash-1')
      assert.equal(await store.byHash('hash-2'), undefined)
      assert.equal(await store.byId(sampleKey(2).id), undefined)
    })

    it('lists the newest first', async () => {
      const store = await open()
      for (const number of [2, 3, 1]) await store.add(sampleKey(number), `hash-${number}`)
      const names = (await store.list()).map((key) => key.name)
      assert.deepEqual(names, ['key 3', 'key 2', 'key 1'])
    })

    it('refuses a name that a living key has', async () => {
      const store = await open()
      await store.add(sampleKey(1, { name: 'laptop' }), 'hash-1')
      await assert.rejects(store.add(sampleKey(2, { name: 'laptop' }), 'hash-2'), { code: 'conflict' })
      assert.equal(await store.byHash('hash-2'), undefined)
    })

    it('gives the name of a revoked or expired key to a new one', async () => {
      const store = await open()
      const first = sampleKey(1, { name: 'laptop' })
      await store.add(first, 'hash-1')
      await store.revoke(first.id, first.createdMs + 1)
      const second = sampleKey(2, { name: 'laptop', expiresMs: first.createdMs + 10 })
      await store.add(second, 'hash-2')
      await store.add(sampleKey(3, { name: 'laptop', createdMs: first.createdMs + 10 }), 'hash-3')
      assert.equal((await store.list()).length, 3)
    })

    it('refuses a second key with the same id or hash', async () => {
      const store = await open()
      await store.add(sampleKey(1), 'hash-1')
      await assert.rejects(store.add(sampleKey(1, { name: 'other' }), 'hash-2'), { code: 'conflict' })
      await assert.rejects(store.add(sampleKey(2), 'hash-1'), { code: 'conflict' })
    })

    it('keeps the first time when a key is revoked twice (K8)', async () => {
      const store = await open()
      const key = sampleKey(1)
      await store.add(key, 'hash-1')
      assert.equal((await store.revoke(key.id, 1_000)).revokedMs, 1_000)
      assert.equal((await store.revoke(key.id, 2_000)).revokedMs, 1_000)
      assert.equal((await store.byHash('hash-1'))?.revokedMs, 1_000)
    })

    it('says not-found, with a way out, when an unknown key is revoked', async () => {
      const store = await open()
      await assert.rejects(store.revoke(sampleKey(9).id, 1), { code: 'not-found', hint: /key list/ })
    })
  })
}
