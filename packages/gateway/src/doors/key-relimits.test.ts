import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { describe, it } from 'node:test'
import { DAY_MS, HOUR_MS, parseBudgets, VERBS } from '@guichet/core'
import { type Counter, openCounter } from './counter.testing.ts'

const CALLS_3 = parseBudgets(['calls=3/day'])

function limit(counter: Counter, id: string, change: object) {
  return counter.api(undefined, 'POST', `/keys/${id}/limits`, change)
}

describe('the limits of a living key', () => {
  it('are changed by the owner alone, and the ledger has what was changed (K7)', async () => {
    await using counter = await openCounter()
    const { text, key } = await counter.key({
      verbs: VERBS,
      limits: { mayIssue: true, uses: 9, idleMs: HOUR_MS },
    })
    const change = { uses: 3, idleMs: null, from: ['127.0.0.0/8'], lifetimeMs: DAY_MS }
    const refused = await counter.api(text, 'POST', `/keys/${key.id}/limits`, change)
    assert.equal(refused.status, 403)
    const changed = await limit(counter, key.id, change)
    assert.equal(changed.status, 200, changed.text)
    // One use was counted before: the refused request.
    assert.deepEqual(changed.json['limits'], { mayIssue: true, uses: 4, from: ['127.0.0.0/8'] })
    assert.equal(changed.json['expiresMs'], counter.clock.nowMs() + DAY_MS)
    const [entry] = await counter.ledger.recent(1)
    assert.equal(
      entry?.target,
      `limit the key ${key.id}: ends in 86400 s; no idle end; uses: 3 more; from: 127.0.0.0/8`,
    )
    for (const wrong of [{}, { from: ['300.1.1.1'] }, { uses: 0 }, { verbs: ['list'] }, { mayIssue: true }])
      assert.equal((await limit(counter, key.id, wrong)).status, 400, JSON.stringify(wrong))
  })

  it('keep what is used up when a budget is raised, lowered or taken away and given again (K10)', async () => {
    await using counter = await openCounter()
    const { text, key } = await counter.key({ verbs: VERBS, limits: { budgets: CALLS_3 } })
    const ask = async (): Promise<number> => (await counter.native(text, 'folder/ls')).status
    assert.deepEqual([await ask(), await ask(), await ask(), await ask()], [200, 200, 200, 429])
    const raised = await limit(counter, key.id, { budgets: parseBudgets(['calls=4/day']) })
    assert.equal((raised.json['spends'] as { used: number }[])[0]?.used, 3)
    assert.deepEqual([await ask(), await ask()], [200, 429])
    await limit(counter, key.id, { budgets: null })
    assert.equal(await ask(), 200)
    await limit(counter, key.id, { budgets: CALLS_3 })
    assert.equal(await ask(), 429)
  })

  it('never get wider than those of the key above, whatever was changed there meanwhile (K11)', async () => {
    await using counter = await openCounter()
    const { text, key } = await counter.key({
      verbs: VERBS,
      lifetimeMs: DAY_MS,
      limits: { mayIssue: true, uses: 10 },
    })
    const child = await counter.api(text, 'POST', '/keys', {
      name: 'child',
      verbs: ['list'],
      limits: { uses: 2 },
    })
    const id = String(child.json['id'])
    for (const change of [{ lifetimeMs: 0 }, { lifetimeMs: 2 * DAY_MS }, { uses: 11 }]) {
      const refused = await limit(counter, id, change)
      assert.equal(refused.json['rule'], 'narrower', refused.text)
      assert.match(String(refused.json['hint']), new RegExp(`guichet key limit ${key.id}`))
    }
    assert.equal((await limit(counter, id, { uses: 5 })).status, 200)
    await limit(counter, key.id, { lifetimeMs: HOUR_MS })
    assert.equal((await limit(counter, id, { lifetimeMs: 2 * HOUR_MS })).json['rule'], 'narrower')
    assert.equal((await limit(counter, id, { budgets: CALLS_3 })).status, 200)
  })

  it('do not revive a key, and leave no key that would end before it begins (K7)', async () => {
    await using counter = await openCounter()
    const { key } = await counter.key({ verbs: VERBS, lifetimeMs: HOUR_MS })
    counter.clock.jump(HOUR_MS)
    const refused = await limit(counter, key.id, { lifetimeMs: DAY_MS })
    assert.equal(refused.json['code'], 'conflict')
    const notBeforeMs = counter.clock.nowMs() + DAY_MS
    const made = await counter.api(undefined, 'POST', '/keys', {
      ...{ name: 'late', verbs: ['list'], lifetimeMs: HOUR_MS, limits: { notBeforeMs } },
    })
    assert.match(made.text, /would end before it begins/)
    const late = await counter.key({ verbs: VERBS, lifetimeMs: 2 * DAY_MS, limits: { notBeforeMs } })
    assert.match(
      (await limit(counter, late.key.id, { lifetimeMs: HOUR_MS })).text,
      /would end before it begins/,
    )
  })

  it('count idle time from when that was limited, not from before it was noted (K7)', async () => {
    await using counter = await openCounter()
    const { text, key } = await counter.key({ verbs: VERBS })
    counter.clock.jump(10 * DAY_MS)
    await limit(counter, key.id, { idleMs: DAY_MS })
    assert.equal((await counter.native(text, 'folder/ls')).status, 200)
    counter.clock.jump(DAY_MS)
    assert.equal((await counter.native(text, 'folder/ls')).status, 401)
  })

  it('cut what is under way when they take something away, of keys below too, and only then (K8)', async () => {
    await using counter = await openCounter()
    const { text, key } = await counter.key({ verbs: VERBS, limits: { mayIssue: true, budgets: CALLS_3 } })
    const child = await counter.api(text, 'POST', '/keys', { name: 'child', verbs: ['upload', 'list'] })
    const uploads = [text, String(child.json['key'])].map((secret) => halfAnUpload(counter.port, secret))
    while (counter.server.visits.count() < 2) await counter.clock.settle()
    await limit(counter, key.id, { budgets: parseBudgets(['calls=9/day']), idleMs: HOUR_MS, lifetimeMs: 0 })
    assert.equal(counter.server.visits.count(), 2)
    await limit(counter, key.id, { from: ['10.0.0.0/8'] })
    for (const upload of uploads) await upload
  })
})

describe('a key that is given another text', () => {
  it('has its budgets as they were, with what is used up of them (K16, K10)', async () => {
    await using counter = await openCounter()
    const { text, key } = await counter.key({ verbs: VERBS, limits: { budgets: CALLS_3 } })
    for (let count = 0; count < 2; count += 1) await counter.native(text, 'folder/ls')
    const rotated = await counter.api(undefined, 'POST', `/keys/${key.id}/rotate`, { overlapMs: HOUR_MS })
    const fresh = String(rotated.json['key'])
    assert.equal((await counter.native(fresh, 'folder/ls')).status, 200)
    assert.equal((await counter.native(fresh, 'folder/ls')).status, 429)
    assert.equal((await counter.native(text, 'folder/ls')).status, 429)
    const shown = await counter.api(undefined, 'GET', `/keys/${key.id}`)
    assert.deepEqual(shown.json['limits'], { budgets: CALLS_3 })
    assert.equal((shown.json['spends'] as { used: number }[])[0]?.used, 3)
  })
})

/** Resolves when it is cut. */
async function halfAnUpload(port: number, key: string): Promise<void> {
  const sent = request({
    ...{ host: '127.0.0.1', port, method: 'PUT', path: `/api/v1/content?at=/${key.slice(-6)}` },
    headers: { authorization: `Bearer ${key}`, 'content-length': '1000' },
  })
  sent.write('half')
  await once(sent, 'close').catch(() => undefined)
}
