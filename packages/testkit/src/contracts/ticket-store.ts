import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LastingTicket, TicketStore } from '@guichet/core'
import { fileId, sampleKey } from '../samples.ts'

const sample: LastingTicket = {
  hash: 'hash',
  key: sampleKey(1).id,
  file: fileId('file1'),
  untilMs: 5_000,
  usesLeft: 3,
  from: ['10.0.0.0/8'],
}

/** What every `TicketStore` does. `open` gives an empty one. */
export function ticketStoreContract(name: string, open: () => Promise<TicketStore>): void {
  describe(`${name} is a TicketStore`, () => {
    it('gives a ticket back as it was, while its time is not over (K11)', async () => {
      const store = await open()
      const forEver: LastingTicket = {
        ...sample,
        hash: 'other',
        key: 'owner',
        usesLeft: undefined,
        from: undefined,
      }
      await store.add(sample)
      await store.add(forEver)
      assert.deepEqual(await store.find('hash', 4_999), sample)
      assert.deepEqual(await store.find('other', 0), forEver)
      assert.equal(await store.find('hash', 5_000), undefined)
      assert.equal(await store.find('nobody', 0), undefined)
    })

    it('is used as often as it says, of many at one time (K11)', async () => {
      const store = await open()
      await store.add(sample)
      await store.add({ ...sample, hash: 'late', untilMs: 1_000 })
      await store.add({ ...sample, hash: 'often', usesLeft: undefined })
      const used = await Promise.all(Array.from({ length: 20 }, () => store.use('hash', 1_000)))
      assert.equal(used.filter(Boolean).length, 3)
      assert.equal(await store.find('hash', 1_000), undefined)
      assert.equal(await store.use('late', 1_000), false)
      for (let round = 0; round < 5; round += 1) assert.ok(await store.use('often', 1_000))
      assert.equal((await store.find('often', 1_000))?.usesLeft, undefined)
    })

    it('counts what lives of a key, and forgets what is over', async () => {
      const store = await open()
      await store.add(sample)
      await store.add({ ...sample, hash: 'late', untilMs: 1_000 })
      await store.add({ ...sample, hash: 'other', key: 'owner' })
      assert.equal(await store.count(sample.key, 500), 2)
      assert.equal(await store.count(sample.key, 1_000), 1)
      await store.prune(1_000)
      assert.equal(await store.count(sample.key, 500), 1)
    })

    it('forgets what is used up: many short-lived ones do not add up', async () => {
      const store = await open()
      const once = { ...sample, usesLeft: 1 }
      await store.add(once)
      await store.add({ ...sample, hash: 'often', usesLeft: undefined })
      assert.ok(await store.use(once.hash, 500))
      await store.prune(500)
      // Its place is free again.
      await store.add(once)
      assert.equal(await store.count(sample.key, 500), 2)
    })

    it('ends all that one key has made, and no other (K11)', async () => {
      const store = await open()
      await store.add(sample)
      await store.add({ ...sample, hash: 'other', key: 'owner' })
      await store.drop('owner')
      assert.equal(await store.find('other', 0), undefined)
      assert.deepEqual(await store.find('hash', 0), sample)
    })
  })
}
