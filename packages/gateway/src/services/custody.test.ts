import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { GatewayError } from '@guichet/core'
import { openCounter } from '../doors/counter.testing.ts'

describe('panic', () => {
  it('ends every key, on disk before it answers, and leaves its line in the ledger (K2, K8)', async () => {
    await using counter = await openCounter()
    const keys = [await counter.key({ verbs: ['list'] }), await counter.key({ verbs: ['list', 'download'] })]
    for (const { text } of keys) assert.equal((await counter.native(text, 'folder/ls')).status, 200)
    const answer = await counter.ask({ method: 'POST', path: '/api/v1/panic', local: true })
    assert.deepEqual([answer.status, answer.json], [200, { revoked: 2 }])
    using db = new DatabaseSync(counter.databasePath, { readOnly: true })
    const { left } = db.prepare('SELECT count(*) AS left FROM keys WHERE revoked_ms IS NULL').get() ?? {}
    assert.equal(left, 0)
    counter.calls()
    for (const { text } of keys) assert.notEqual((await counter.native(text, 'folder/ls')).status, 200)
    assert.deepEqual(counter.calls(), [])
    const again = await counter.ask({ method: 'POST', path: '/api/v1/panic', local: true })
    assert.deepEqual(again.json, { revoked: 0 })
  })

  it('is for the owner alone (K5)', async () => {
    await using counter = await openCounter()
    const { text } = await counter.key({ verbs: ['account', 'delete'] })
    for (const route of ['/seal', '/panic'])
      assert.equal((await counter.api(text, 'POST', route, {})).status, 403)
    assert.equal((await counter.native(text, 'folder/ls')).json['status'], 'KO')
  })

  it('is done when the ledger cannot be written, and says that its line is missing (K2)', async () => {
    let isBroken = false
    await using counter = await openCounter({
      ledger: (real) =>
        new Proxy(real, {
          get(target, name) {
            if (name === 'record' && isBroken)
              return async () => {
                throw new GatewayError('disk-full', 'no room')
              }
            const value = Reflect.get(target, name)
            return typeof value === 'function' ? value.bind(target) : value
          },
        }),
    })
    const { text } = await counter.key({ verbs: ['list'] })
    isBroken = true
    const answer = await counter.ask({ method: 'POST', path: '/api/v1/panic', local: true })
    assert.equal(answer.json['code'], 'disk-full')
    assert.match(String(answer.json['message']), /this was done: panic.*ledger could not be written/)
    isBroken = false
    assert.equal((await counter.api(text, 'GET', '/children?at=/')).status, 401)
  })
})
