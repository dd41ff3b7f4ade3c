import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { createKeyText, VERBS } from '@guichet/core'
import { type Counter, openCounter } from './counter.testing.ts'

let counter: Counter
before(async () => {
  counter = await openCounter()
})
after(() => counter[Symbol.asyncDispose]())

async function statusWith(key: string): Promise<number> {
  return (await counter.api(key, 'GET', '/children?at=/')).status
}

describe('keys that were found lying about', () => {
  it('are revoked by their texts, which are told to nobody (K8, K19)', async () => {
    const leaked = await counter.key({ verbs: VERBS })
    const kept = await counter.key({ verbs: VERBS })
    const unknown = createKeyText((count) => randomBytes(count))
    const answer = await counter.api(undefined, 'POST', '/leaked-keys', {
      keys: [leaked.text, unknown, 'no key at all'],
    })
    assert.equal(answer.status, 200, answer.text)
    const { keys } = JSON.parse(answer.text)
    assert.equal(keys[0].id, leaked.key.id)
    assert.equal(keys[0].wasOver, false)
    assert.deepEqual(keys.slice(1), [null, null])
    for (const text of [leaked.text, unknown])
      assert.ok(!answer.text.includes(text) && !counter.logged.join('').includes(text))
    assert.equal(await statusWith(leaked.text), 401)
    assert.equal(await statusWith(kept.text), 200)
    const again = await counter.api(undefined, 'POST', '/leaked-keys', { keys: [leaked.text] })
    assert.equal(JSON.parse(again.text).keys[0].wasOver, true)
  })

  it('are revoked by a token that fetches one, used or not (K12, K19)', async () => {
    const wish = { name: 'wrapped', verbs: ['list'], wrapMs: 60_000 }
    const { json } = await counter.api(undefined, 'POST', '/keys', wish)
    const { token } = json['wrap'] as { token: string }
    const answer = await counter.api(undefined, 'POST', '/leaked-keys', { keys: [token] })
    assert.ok(!answer.text.includes(token) && !counter.logged.join('').includes(token))
    assert.equal(JSON.parse(answer.text).keys[0].id, json['id'])
    assert.notEqual((await counter.api(undefined, 'POST', '/unwrap', { token })).status, 200)
  })

  it('are revoked for the owner only', async () => {
    const holder = await counter.key({ verbs: VERBS })
    const other = await counter.key({ verbs: VERBS })
    const answer = await counter.api(holder.text, 'POST', '/leaked-keys', { keys: [other.text] })
    assert.equal(answer.status, 403)
    assert.equal(await statusWith(other.text), 200)
  })
})
