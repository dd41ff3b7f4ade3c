import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HOUR_MS, parseBudgets, ROOT, VERBS } from '@guichet/core'
import { type Counter, openCounter } from './counter.testing.ts'

describe('a link to one file', () => {
  it('is that file for whoever has it, until its time is over (K11)', async () => {
    await using counter = await openWithFile()
    const { text } = await counter.key({ verbs: ['list', 'download'] })
    const path = await link(counter, text, { forMs: HOUR_MS })
    assert.equal((await counter.ask({ path })).text, 'content')
    assert.equal((await counter.ask({ path, headers: { range: 'bytes=1-3' } })).text, 'ont')
    assert.equal((await counter.ask({ path, method: 'POST' })).status, 400)
    await counter.clock.advance(HOUR_MS)
    assert.equal((await counter.ask({ path })).status, 404)
  })

  it('is used as often as it says, of many who come at one time; looking is no use (K11)', async () => {
    await using counter = await openWithFile()
    const path = await link(counter, undefined, { forMs: HOUR_MS, uses: 3 })
    assert.equal((await counter.ask({ path, method: 'HEAD' })).status, 200)
    const answers = await Promise.all(Array.from({ length: 20 }, () => counter.ask({ path })))
    assert.equal(answers.filter(({ text }) => text === 'content').length, 3)
    assert.equal(answers.filter(({ status }) => status === 404).length, 17)
  })

  it('ends with the key that made it, and with what that may do (K8, K11)', async () => {
    await using counter = await openWithFile()
    const { text, key } = await counter.key({ verbs: ['list', 'download'], lifetimeMs: HOUR_MS })
    const path = await link(counter, text, { forMs: 5 * HOUR_MS })
    await counter.api(undefined, 'DELETE', `/keys/${key.id}`)
    const refused = await counter.ask({ path })
    assert.equal(refused.status, 401)
    assert.equal(refused.text.includes('content'), false)
  })

  it('is good from its own addresses and from those of its key (K9, K11)', async () => {
    await using counter = await openWithFile({ trustedProxies: ['127.0.0.1'] })
    const { text } = await counter.key({ verbs: VERBS, limits: { from: ['10.0.0.0/8'] } })
    const path = await link(counter, text, {
      forMs: HOUR_MS,
      uses: 1,
      from: ['10.1.0.0/16', '192.168.0.0/16'],
    })
    const from = async (address: string) =>
      (await counter.ask({ path, headers: { 'x-forwarded-for': address } })).status
    assert.deepEqual(
      [await from('10.2.0.1'), await from('192.168.0.1'), await from('10.1.0.1'), await from('10.1.0.1')],
      [404, 401, 200, 404],
    )
    const reasons = (await counter.ledger.recent(20)).map(({ reason }) => reason).join('\n')
    assert.match(reasons, /a link of k-\w+ may not be used from 10\.2\.0\.1/)
    assert.match(reasons, /the key "key 1" may not be used from 192\.168\.0\.1/)
  })

  it('is made only of what the key may download, for a while, and stands in no log (K11, U5)', async () => {
    await using counter = await openWithFile()
    const { text: blind } = await counter.key({ verbs: ['list'] })
    const refused = await counter.api(blind, 'POST', '/tickets', { at: '/file', forMs: HOUR_MS })
    assert.deepEqual([refused.status, refused.json['rule']], [403, 'verb'])
    const { text } = await counter.key({ verbs: VERBS })
    for (const wish of [
      { forMs: 31 * 24 * HOUR_MS },
      { forMs: 0 },
      { forMs: 1, uses: 0 },
      { forMs: 1, from: ['x'] },
    ])
      assert.equal((await counter.api(text, 'POST', '/tickets', { at: '/file', ...wish })).status, 400)
    const path = await link(counter, text, { forMs: HOUR_MS })
    counter.fail('downloadToken', () => Promise.reject(new Error('a fault')))
    await counter.ask({ path })
    await counter.clock.advance(HOUR_MS)
    await counter.ask({ path })
    assert.ok(!counter.logged.join('\n').includes(path.slice(3)))
  })

  it('stands in no line of the ledger, whatever it is refused for, and neither does one that does not last (K18)', async () => {
    await using counter = await openWithFile()
    const budgets = parseBudgets(['calls=3/day'])
    const { text, key } = await counter.key({ verbs: VERBS, limits: { budgets } })
    const lasting = await link(counter, text, { forMs: HOUR_MS })
    const { json } = await counter.api(text, 'GET', '/children?at=/')
    const [{ link: url }] = json['files'] as [{ link: string }]
    const { json: token } = await counter.native(text, 'download/get_token', { url })
    const short = new URL(String(token['url'])).pathname
    for (const path of [lasting, short]) assert.equal((await counter.ask({ path })).status, 429, path)
    for (const path of [lasting, short])
      await counter.ask({ path, method: 'PUT', headers: { origin: 'http://elsewhere' } })
    await counter.api(undefined, 'DELETE', `/keys/${key.id}`)
    for (const path of [lasting, short]) assert.ok((await counter.ask({ path })).status >= 400)
    const written = (await counter.ledger.recent(50))
      .map(({ target, reason }) => `${target} ${reason}`)
      .join('\n')
    assert.match(written, /budget calls=3/)
    for (const secret of [lasting.slice(3), short.slice(2)]) {
      assert.ok(!written.includes(secret), written)
      assert.ok(!counter.logged.join('\n').includes(secret), secret)
    }
  })
})

async function openWithFile(options: Parameters<typeof openCounter>[0] = {}): Promise<Counter> {
  const counter = await openCounter(options)
  counter.account.plant(ROOT, 'file', Buffer.from('content'), 1e12)
  return counter
}

async function link(counter: Counter, key: string | undefined, wish: object): Promise<string> {
  const answer = await counter.ask({
    ...{ method: 'POST', path: '/api/v1/tickets', key, local: key === undefined },
    headers: { 'content-type': 'application/json', 'x-forwarded-for': '10.0.0.1' },
    body: JSON.stringify({ at: '/file', ...wish }),
  })
  assert.equal(answer.status, 200, answer.text)
  return String(answer.json['path'])
}
