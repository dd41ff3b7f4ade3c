import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { GatewayError, HOUR_MS, type KeyStore, MINUTE_MS } from '@guichet/core'
import { FakeClock, sampleKey } from '@guichet/testkit'
import { createLog } from '../log.ts'
import { openDatabase, SqliteKeyStore, SqliteLedger, SqliteWrapStore } from '../stores/sqlite/index.ts'
import { createGate } from './gate.ts'
import { startKeyEndings } from './key-endings.ts'
import { createPrincipals } from './principals.ts'
import { createWraps } from './wraps.ts'

describe('the end of a key', () => {
  it('is noted while nobody uses it, before the clock is set back (K7)', async () => {
    await using db = openDatabase({ path: ':memory:' })
    const keys = new SqliteKeyStore(db)
    const { id, createdMs } = sampleKey(1)
    const clock = new FakeClock(createdMs)
    await keys.add(sampleKey(1, { expiresMs: createdMs + HOUR_MS }), 'hash-1')
    await keys.add(sampleKey(2, { limits: { idleMs: HOUR_MS } }), 'hash-2')
    await keys.add(sampleKey(3, { limits: { notBeforeMs: createdMs + 9 * HOUR_MS } }), 'hash-3')
    const wraps = { expire: async () => {} }
    await using _ = await startKeyEndings({ keys, wraps, clock, log: createLog('silent') })
    await clock.advance(HOUR_MS + MINUTE_MS)
    clock.jump(-HOUR_MS)
    const ended = (await keys.list()).map((key) => key.ended?.problem)
    assert.deepEqual(ended, [undefined, 'idle', 'expired'])
    assert.equal((await keys.byId(id))?.ended?.atMs, createdMs + HOUR_MS)
  })

  it('comes to keys that nobody fetched, while nobody asks (K12)', async () => {
    await using db = openDatabase({ path: ':memory:' })
    const keys = new SqliteKeyStore(db)
    const store = new SqliteWrapStore(db)
    const clock = new FakeClock()
    const log = createLog('silent')
    const gate = createGate({ ledger: new SqliteLedger(db), clock, log })
    const principals = createPrincipals({ keys, pepper: randomBytes(32), clock })
    const cut: string[] = []
    const wraps = createWraps({
      ...{ wraps: store, keys, principals, gate, clock, log, random: (count) => randomBytes(count) },
      onRevoked: (id) => void cut.push(id),
    })
    const key = sampleKey(1)
    await keys.add(key, 'hash-1')
    await wraps.wrap({ key, text: 'a text' }, 10 * MINUTE_MS)
    await using _ = await startKeyEndings({ keys, wraps, clock, log })
    await clock.advance(9 * MINUTE_MS)
    assert.deepEqual(cut, [])
    await clock.advance(MINUTE_MS)
    assert.deepEqual(cut, [key.id])
    assert.notEqual((await keys.byId(key.id))?.revokedMs, undefined)
    const [entry] = await new SqliteLedger(db).recent(1)
    assert.equal(entry?.target, `revoke the key ${key.id}, whose text was not fetched in time`)
  })

  it('comes to a key that nobody fetched also when the disk has failed at first (K12, R6)', async () => {
    await using db = openDatabase({ path: ':memory:' })
    const real = new SqliteKeyStore(db)
    let isFull = true
    const keys: KeyStore = new Proxy(real, {
      get(target, name) {
        if (name === 'revoke' && isFull) return () => Promise.reject(new GatewayError('disk-full', 'no room'))
        const value = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const clock = new FakeClock()
    const log = createLog('silent')
    const gate = createGate({ ledger: new SqliteLedger(db), clock, log })
    const principals = createPrincipals({ keys, pepper: randomBytes(32), clock })
    const random = (count: number): Uint8Array => randomBytes(count)
    const stores = { wraps: new SqliteWrapStore(db), keys }
    const wraps = createWraps({ ...stores, principals, gate, clock, log, random, onRevoked: () => {} })
    const key = sampleKey(1)
    await keys.add(key, 'hash-1')
    await wraps.wrap({ key, text: 'a text' }, MINUTE_MS)
    await using _ = await startKeyEndings({ keys, wraps, clock, log })
    await clock.advance(MINUTE_MS)
    assert.equal((await keys.byId(key.id))?.revokedMs, undefined)
    isFull = false
    await clock.advance(MINUTE_MS)
    assert.notEqual((await keys.byId(key.id))?.revokedMs, undefined)
  })
})
