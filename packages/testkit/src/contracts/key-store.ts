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
        limits: {
          ...{ notBeforeMs: Date.UTC(2026, 1, 1), idleMs: 1_000, uses: 3, mayIssue: true },
          ...{ from: ['10.0.0.0/8'], notFrom: ['10.1.2.3'] },
        },
        expiresMs: Date.UTC(2026, 3, 1),
      })
      await store.add(key, 'hash-1')
      assert.deepEqual(await store.byHash('hash-1', 0), { key, untilMs: undefined })
      assert.deepEqual(await store.byId(key.id), key)
    })

    it('knows nothing of an unknown hash or id', async () => {
      const store = await open()
      await store.add(sampleKey(1), 'hash-1')
      assert.equal(await store.byHash('hash-2', 0), undefined)
      assert.equal(await store.byId(sampleKey(2).id), undefined)
    })

    it('lists the newest first', async () => {
      const store = await open()
      for (const number of [2, 3, 1]) await store.add(sampleKey(number), `hash-${number}`)
      const names = (await store.list()).map((key) => key.name)
      assert.deepEqual(names, ['key 3', 'key 2', 'key 1'])
    })

    it('tells those that have not ended from the others (K7, K8)', async () => {
      const store = await open()
      for (const number of [1, 2, 3, 4]) await store.add(sampleKey(number), `hash-${number}`)
      await store.revoke(sampleKey(2).id, 1)
      await store.end(sampleKey(3).id, 'idle', 1)
      const names = (await store.unended()).map((key) => key.name)
      assert.deepEqual(names, ['key 4', 'key 1'])
    })

    it('refuses a name that a living key has', async () => {
      const store = await open()
      await store.add(sampleKey(1, { name: 'laptop' }), 'hash-1')
      await assert.rejects(store.add(sampleKey(2, { name: 'laptop' }), 'hash-2'), { code: 'conflict' })
      assert.equal(await store.byHash('hash-2', 0), undefined)
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

    it('takes a key that is not good yet for living (K7)', async () => {
      const store = await open()
      const limits = { notBeforeMs: Date.UTC(2099, 0, 1) }
      await store.add(sampleKey(1, { name: 'laptop', limits }), 'hash-1')
      await assert.rejects(store.add(sampleKey(2, { name: 'laptop' }), 'hash-2'), { code: 'conflict' })
    })

    it('keeps the first end that was seen of a key (K7)', async () => {
      const store = await open()
      const { id } = sampleKey(1)
      await store.add(sampleKey(1), 'hash-1')
      await store.end(id, 'idle', 1_000)
      await store.end(id, 'expired', 2_000)
      assert.deepEqual((await store.byId(id))?.ended, { problem: 'idle', atMs: 1_000 })
    })

    it('counts uses of several keys together, and none when one of them has no more (K7)', async () => {
      const store = await open()
      const [wide, narrow] = [sampleKey(1, { limits: { uses: 5 } }), sampleKey(2, { limits: { uses: 2 } })]
      await store.add(wide, 'hash-1')
      await store.add(narrow, 'hash-2')
      const ids = [narrow.id, wide.id]
      assert.equal(await store.use(ids, 2_000), undefined)
      assert.equal(await store.use(ids, 1_000), undefined)
      assert.equal(await store.use([wide.id, narrow.id], 3_000), narrow.id)
      assert.deepEqual((await store.byId(wide.id))?.use, { count: 2, lastMs: 2_000 })
    })

    it('ends what was issued under a key with it, and nothing else (K8)', async () => {
      const store = await open()
      const family = [1, 2, 3].map((number) =>
        sampleKey(number, number === 1 ? {} : { parent: sampleKey(number - 1).id }),
      )
      for (const [index, key] of family.entries()) await store.add(key, `hash-${index}`)
      await store.add(sampleKey(9), 'hash-9')
      const ids = (keys: readonly { readonly id: string }[]) => keys.map(({ id }) => id)
      assert.deepEqual(ids(await store.ancestors(sampleKey(3, { parent: sampleKey(2).id }))), [
        sampleKey(2).id,
        sampleKey(1).id,
      ])
      assert.deepEqual(ids(await store.revoke(sampleKey(2).id, 1_000)), [sampleKey(2).id, sampleKey(3).id])
      assert.equal((await store.byId(sampleKey(1).id))?.revokedMs, undefined)
      assert.equal((await store.byId(sampleKey(9).id))?.revokedMs, undefined)
    })

    it('finds a key by its old text until that ends, which is for good, and by its new one (K16)', async () => {
      const store = await open()
      const key = sampleKey(1)
      await store.add(key, 'hash-1')
      assert.equal((await store.replaceText(key.id, 'hash-2', 5_000)).id, key.id)
      assert.deepEqual(await store.byHash('hash-1', 4_999), { key, untilMs: 5_000 })
      assert.equal(await store.byHash('hash-1', 5_000), undefined)
      assert.equal(await store.byHash('hash-1', 4_000), undefined)
      await store.replaceText(key.id, 'hash-3', 9_000)
      await store.replaceText(key.id, 'hash-4', 6_000)
      assert.equal((await store.byHash('hash-2', 5_999))?.untilMs, 6_000)
      assert.deepEqual(await store.byHash('hash-4', 10_000), { key, untilMs: undefined })
      await assert.rejects(store.replaceText(sampleKey(2).id, 'hash-9', 0), { code: 'not-found' })
    })

    it('gives a key other limits and another end, and leaves what it was used for (K10)', async () => {
      const store = await open()
      const key = sampleKey(1, { limits: { uses: 5, from: ['10.0.0.0/8'] } })
      await store.add(key, 'hash-1')
      await store.use([key.id], 1_000)
      const to = { limits: { uses: 9, idleMs: 10, idleFromMs: 5 }, expiresMs: undefined }
      const limited = { ...key, ...to, use: { count: 1, lastMs: 1_000 } }
      assert.deepEqual(await store.relimit(key.id, to), limited)
      assert.deepEqual(await store.byId(key.id), limited)
      await assert.rejects(store.relimit(sampleKey(2).id, to), { code: 'not-found' })
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
      assert.equal((await store.revoke(key.id, 1_000))[0].revokedMs, 1_000)
      assert.equal((await store.revoke(key.id, 2_000))[0].revokedMs, 1_000)
      assert.equal((await store.byHash('hash-1', 0))?.key.revokedMs, 1_000)
    })

    it('says not-found, with a way out, when an unknown key is revoked', async () => {
      const store = await open()
      await assert.rejects(store.revoke(sampleKey(9).id, 1), { code: 'not-found', hint: /key list/ })
    })
  })
}
