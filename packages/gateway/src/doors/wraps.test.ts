import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { createWrapToken, MINUTE_MS } from '@guichet/core'
import { type Counter, openCounter } from './counter.testing.ts'

const form = { 'content-type': 'application/x-www-form-urlencoded' }

describe('the text of a key that is handed over by a token', () => {
  it('is given once, to whoever brings the token first (K12)', async () => {
    await using counter = await openCounter()
    const { token, id } = await wrap(counter)
    const fetched = await unwrap(counter, token)
    assert.equal(fetched.status, 200, fetched.text)
    assert.deepEqual([fetched.json['id'], fetched.json['name']], [id, 'new'])
    assert.equal((await counter.native(String(fetched.json['key']), 'folder/ls')).status, 200)
    const entry = (await counter.ledger.recent(9)).find(({ verb }) => verb === 'authenticate')
    assert.deepEqual([entry?.decision, entry?.target], ['allow', `the text of the key ${id}`])
  })

  it('ends with an alarm and the key when its token comes a second time (K12)', async () => {
    await using counter = await openCounter()
    const { token, id } = await wrap(counter)
    const text = String((await unwrap(counter, token)).json['key'])
    const again = await unwrap(counter, token)
    assert.equal(again.status, 401)
    assert.match(again.text, /was used before.*it has been revoked/)
    assert.equal(again.json['key'], id)
    assert.match((await counter.native(text, 'folder/ls')).text, /is revoked/)
    assert.ok(counter.logged.some((line) => /"level":50.*was used twice/.test(line)))
    const denied = (await counter.ledger.recent(5)).find(
      ({ target }) => target === `the text of the key ${id}`,
    )
    assert.deepEqual([denied?.decision, denied?.verb], ['deny', 'authenticate'])
  })

  it('goes to one of many who come at the same time, and then the key is over (K12)', async () => {
    await using counter = await openCounter()
    const { token } = await wrap(counter)
    const answers = await Promise.all(Array.from({ length: 20 }, () => unwrap(counter, token)))
    const texts = answers.flatMap(({ status, json }) => (status === 200 ? [String(json['key'])] : []))
    assert.equal(texts.length, 1)
    assert.equal((await counter.native(texts[0] ?? '', 'folder/ls')).status, 401)
  })

  it('is revoked when nobody fetches it in time (K12)', async () => {
    await using counter = await openCounter()
    const { token, id } = await wrap(counter)
    await counter.clock.advance(11 * MINUTE_MS)
    assert.match((await unwrap(counter, token)).text, /was not fetched in time/)
    assert.equal(typeof (await counter.api(undefined, 'GET', `/keys/${id}`)).json['revokedMs'], 'number')
  })

  it('is not used up by looking at the link, and shown on a page that asks first (K12)', async () => {
    await using counter = await openCounter()
    const { token } = await wrap(counter)
    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      for (const path of ['/unwrap', `/unwrap?token=${token}`, '/api/v1/unwrap', `/unwrap/${token}`])
        await counter.ask({ method, path })
    }
    const page = await counter.ask({ path: '/unwrap' })
    assert.match(page.text, /<form method="post">/)
    assert.match(String(page.headers['content-security-policy']), /default-src 'none'.*script-src 'sha256-/)
    const wrong = await counter.ask({ method: 'POST', path: '/unwrap', headers: form, body: 'token=%3Cb%3E' })
    assert.deepEqual([wrong.status, wrong.text.includes('<b>')], [401, false])
    const shown = await counter.ask({
      method: 'POST',
      path: '/unwrap',
      headers: form,
      body: `token=${token}`,
    })
    assert.match(shown.text, /<pre>gch_[0-9A-Za-z]{28}<\/pre>/)
    assert.equal(shown.headers['cache-control'], 'no-store')
  })

  it('is not given where the key may not be used, and that uses nothing up (K9, K12)', async () => {
    await using counter = await openCounter({ trustedProxies: ['127.0.0.1'] })
    const { token } = await wrap(counter, { limits: { from: ['10.0.0.0/8'] } })
    const elsewhere = await unwrap(counter, token, '192.168.1.1')
    const stranger = await unwrap(
      counter,
      createWrapToken((count) => new Uint8Array(count)),
      '192.168.1.1',
    )
    assert.equal(elsewhere.status, 401)
    assert.equal(elsewhere.json['message'], stranger.json['message'])
    assert.equal((await unwrap(counter, token, '10.0.0.1')).status, 200)
  })

  it('stands in no byte of the database and in no line of the log, nor does its token (K12)', async () => {
    await using counter = await openCounter()
    const { token } = await wrap(counter)
    await counter.ask({ path: `/unwrap/${token}` })
    await counter.ask({ method: 'POST', path: `/api/v1/${token}`, body: token })
    const before = await bytesOf(counter)
    const text = String((await unwrap(counter, token)).json['key'])
    await unwrap(counter, token)
    for (const secret of [token, text]) {
      assert.ok(!before.includes(secret) && !(await bytesOf(counter)).includes(secret))
      assert.ok(!counter.logged.join('\n').includes(secret))
    }
  })
})

async function wrap(
  counter: Counter,
  fields: object = {},
): Promise<{ readonly token: string; readonly id: string }> {
  const wish = { name: 'new', verbs: ['list'], wrapMs: 10 * MINUTE_MS, ...fields }
  const { json } = await counter.api(undefined, 'POST', '/keys', wish)
  assert.equal(json['key'], undefined)
  return { token: String(Reflect.get(Object(json['wrap']), 'token')), id: String(json['id']) }
}

function unwrap(counter: Counter, token: string, from = '127.0.0.1') {
  return counter.ask({
    method: 'POST',
    path: '/api/v1/unwrap',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': from },
    body: JSON.stringify({ token }),
  })
}

async function bytesOf(counter: Counter): Promise<Buffer> {
  const parts = ['', '-wal'].map((suffix) => readFile(`${counter.databasePath}${suffix}`))
  return Buffer.concat(await Promise.all(parts))
}
