import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DAY_MS, HOUR_MS, parseBudgets, ROOT, VERBS } from '@guichet/core'
import { type Counter, openCounter } from './counter.testing.ts'

describe('explain', () => {
  it('says that a budget is used up, of the key or of one above it, and when it opens (U5, K10)', async () => {
    await using counter = await openCounter()
    const { text } = await counter.key({
      ...{ name: 'above', verbs: VERBS },
      limits: { mayIssue: true, budgets: parseBudgets(['calls=3/day', 'deletes=0/day']) },
    })
    const { json: below } = await counter.api(text, 'POST', '/keys', {
      name: 'below',
      verbs: ['list', 'delete'],
    })
    const told = async (verb: string, more: object = {}) =>
      (await explain(counter, { key: 'below', verb, at: '/', ...more })).json
    assert.equal((await told('list'))['isAllowed'], true)
    const refused = await told('delete')
    assert.deepEqual([refused['isAllowed'], refused['rule']], [false, 'budget'])
    assert.match(
      String(refused['why']),
      /budget deletes=0\/day of the key "above"; it opens again 2026-06-02T/,
    )
    for (const status of [200, 200, 429])
      assert.equal((await counter.api(String(below['key']), 'GET', '/children?at=/')).status, status)
    assert.deepEqual((await told('list'))['rule'], 'budget')
    assert.equal((await told('list', { atMs: counter.clock.nowMs() + DAY_MS }))['isAllowed'], true)
  })

  it('says yes or no as a request would be answered, with the rule, and what would allow it (U5)', async () => {
    await using counter = await openCounter({ trustedProxies: ['127.0.0.1'] })
    const films = await counter.account.makeFolder('films', ROOT, {})
    await counter.account.makeFolder('other', ROOT, {})
    const { text, key } = await counter.key({
      ...{ name: 'tv', verbs: ['list', 'download'], root: films, rootPath: '/films' },
      limits: { from: ['10.0.0.0/8'], notFrom: ['10.6.6.6'] },
    })
    const nowMs = counter.clock.nowMs()
    const cases: readonly [question: object, isAllowed: boolean, rule: string, remedy?: RegExp][] = [
      [{ verb: 'list', at: '/films' }, true, 'none'],
      [{ verb: 'stat', at: '/films/not/there/yet', from: '10.0.0.1' }, true, 'none'],
      [{ verb: 'list', at: '/films', from: '::ffff:10.0.0.1' }, true, 'none'],
      [
        { verb: 'list', at: '/films', from: '192.168.0.1' },
        false,
        'address',
        /^guichet key limit k-\w+ --from 10\.0\.0\.0\/8,192\.168\.0\.1$/,
      ],
      [
        { verb: 'list', at: '/films', from: '10.6.6.6' },
        false,
        'address',
        /^guichet key limit k-\w+ --not-from none$/,
      ],
      [{ verb: 'upload', at: '/films/new' }, false, 'verb', /--verbs list,download,upload --root '\/films'/],
      [{ verb: 'list', at: '/other' }, false, 'root', /--root '\/other'/],
      [{ verb: 'list', at: '/' }, false, 'root'],
      [
        { verb: 'list', at: '/films', atMs: nowMs + 90 * DAY_MS },
        false,
        'expired',
        /^guichet key limit k-\w+ --expires 91d$/,
      ],
    ]
    for (const [question, isAllowed, rule, remedy] of cases) {
      const { json, text } = await explain(counter, { key: 'tv', ...question })
      assert.deepEqual(
        [json['isAllowed'], json['rule']],
        [isAllowed, rule],
        `${JSON.stringify(question)}: ${text}`,
      )
      assert.match(String(json['why']), /the (virtual )?key "tv"/)
      if (remedy !== undefined) assert.match(String(json['remedy']), remedy)
    }
    const asked = async (path: string, from = '10.0.0.1') =>
      (await counter.ask({ path, key: text, headers: { 'x-forwarded-for': from } })).status
    assert.equal(await asked('/api/v1/children?at=/films'), 200)
    assert.equal(await asked('/api/v1/children?at=/films', '10.6.6.6'), 401)
    assert.equal(await asked('/api/v1/children?at=/other'), 404)
    assert.equal(
      (await explain(counter, { key: key.id, verb: 'list', at: '/films' })).json['isAllowed'],
      true,
    )
  })

  it('names the key above that decides, and the moment from which a key is good (K11, U5)', async () => {
    await using counter = await openCounter()
    const { text, key } = await counter.key({ name: 'above', verbs: VERBS, limits: { mayIssue: true } })
    const notBeforeMs = counter.clock.nowMs() + HOUR_MS
    await counter.api(text, 'POST', '/keys', { name: 'below', verbs: ['list'], limits: { notBeforeMs } })
    const early = await explain(counter, { key: 'below', verb: 'list', at: '/' })
    assert.equal(early.json['rule'], 'not-yet')
    assert.match(String(early.json['why']), /it is good from 2026-06-01T13:00:00.000Z on$/)
    await counter.api(undefined, 'DELETE', `/keys/${key.id}`)
    const { json } = await explain(counter, { key: 'below', verb: 'list', at: '/', atMs: notBeforeMs })
    assert.equal(json['rule'], 'revoked')
  })

  it('is for the owner alone, and refuses what is no question (U5)', async () => {
    await using counter = await openCounter()
    const { text, key } = await counter.key({ name: 'tv', verbs: VERBS })
    const refused = await counter.api(text, 'POST', '/explain', { key: 'tv', verb: 'list', at: '/' })
    assert.deepEqual([refused.status, refused.json['rule'], refused.json['key']], [403, 'owner', key.id])
    for (const [wrong, status] of [
      [{ verb: 'fly', at: '/' }, 400],
      [{ verb: 'read', at: '/' }, 400],
      [{ verb: 'list', at: 'nowhere' }, 400],
      [{ verb: 'list', at: '/', from: '10.0.0.0/8' }, 400],
      [{ verb: 'list', at: '/', key: 'nobody' }, 404],
    ] as const)
      assert.equal((await explain(counter, { key: 'tv', ...wrong })).status, status, JSON.stringify(wrong))
  })
})

describe('a refusal of a key', () => {
  it('names the rule, the key and what would allow it (U5)', async () => {
    await using counter = await openCounter()
    const films = await counter.account.makeFolder('films', ROOT, {})
    await counter.api(undefined, 'GET', '/children?at=/')
    const { text, key } = await counter.key({
      ...{ name: 'tv', verbs: ['list'], root: films, rootPath: '/films', lifetimeMs: HOUR_MS },
    })
    const refusals = [
      [await counter.api(text, 'POST', '/folders', { at: '/films/new' }), 'verb', /--verbs list,mkdir/],
      [await counter.api(text, 'GET', '/children?at=/nowhere'), 'root', /sees only \/films: make one with/],
      [await counter.api(text, 'GET', '/keys'), 'owner', /on the machine of the gateway/],
    ] as const
    for (const [{ json }, rule, hint] of refusals) {
      assert.deepEqual([json['rule'], json['key']], [rule, key.id])
      assert.match(String(json['hint']), hint)
    }
    await counter.clock.advance(HOUR_MS)
    const { json } = await counter.api(text, 'GET', '/children?at=/films')
    assert.deepEqual([json['rule'], json['key']], ['expired', key.id])
    assert.match(String(json['message']), /"tv" is expired since 2026-06-01T13:00:00\.000Z/)
  })
})

function explain(counter: Counter, question: object) {
  return counter.api(undefined, 'POST', '/explain', question)
}
