import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { GatewayError, type Ledger, ROOT, VERBS } from '@guichet/core'
import { type Ask, type Counter, openCounter } from './counter.testing.ts'

/** In the form of a real one. */
const API_KEY = 'aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0x='
const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`
const json = { 'content-type': 'application/json' }

describe('a text that looks like an API key of 1fichier', () => {
  it('is refused wherever it stands at a door, recorded as exposed, and repeated nowhere', async () => {
    await using counter = await openCounter()
    const { text: key } = await counter.key({ verbs: VERBS })
    const ls = { method: 'POST', path: '/v1/folder/ls.cgi', headers: json, body: '{}' }
    const asks: Ask[] = [
      { ...ls, key: API_KEY },
      { ...ls, key: `"${API_KEY}"` },
      { ...ls, headers: { ...json, authorization: API_KEY } },
      { ...ls, headers: { ...json, authorization: `Token ${API_KEY}` } },
      { ...ls, headers: { ...json, authorization: basic(`any:${API_KEY}`) } },
      { ...ls, headers: { ...json, authorization: basic(`${API_KEY}:`) } },
      { ...ls, headers: { ...json, authorization: basic(API_KEY) } },
      { ...ls, key, headers: { ...json, 'x-api-key': API_KEY } },
      { ...ls, key, body: JSON.stringify({ api_key: API_KEY }) },
      { ...ls, key, path: `/v1/folder/ls.cgi?api_key=${encodeURIComponent(API_KEY)}` },
      { ...ls, key, path: `/v1/${API_KEY}.cgi` },
      { path: `/upload.cgi?id=${API_KEY}`, method: 'POST', key },
      { path: `/end.pl?xid=${API_KEY}`, key },
      { path: `/dir/${API_KEY}`, key },
      { path: '/api/v1/children?at=/', key: API_KEY },
      { path: `/api/v1/children?at=/&key=${API_KEY}`, key },
      { path: '/api/v1/children?at=/', local: true, key: API_KEY },
    ]
    for (const [index, ask] of asks.entries()) {
      const answer = await counter.ask(ask)
      assert.equal(answer.status, 401, `${index}: ${answer.text}`)
      assert.match(answer.text, /looks like an API key of 1fichier.*guichet rotate/)
      assert.ok(
        !answer.text.includes(API_KEY) && !JSON.stringify(answer.headers).includes(API_KEY),
        String(index),
      )
      const [entry] = await counter.ledger.recent(1)
      assert.equal(entry?.decision, 'deny')
      assert.match(entry?.target ?? '', /take it for exposed/)
    }
    assert.deepEqual(counter.calls(), [])
    await nowhere(counter, API_KEY)
  })

  it('is not repeated by a refusal of something else', async () => {
    await using counter = await openCounter()
    const { text: key } = await counter.key({ verbs: VERBS })
    const answers = [
      await counter.native(key, 'file/info', { url: API_KEY }),
      await counter.native(key, 'file/info', { filename: API_KEY }),
      await counter.native(key, 'folder/mkdir', { name: `${API_KEY}"` }),
      await counter.native(key, 'folder/ls', { folder_id: API_KEY }),
      await counter.native(key, 'file/ls', { sent_after: API_KEY }),
      await counter.api(key, 'GET', `/nodes?at=/${API_KEY}`),
      await counter.api(undefined, 'POST', '/keys', { name: `?${API_KEY}`, verbs: [API_KEY] }),
      await counter.ask({ path: `/${API_KEY}` }),
    ]
    for (const answer of answers) {
      assert.ok(answer.status >= 400, answer.text)
      assert.ok(!answer.text.includes(API_KEY), answer.text)
    }
    assert.ok(!counter.logged.join('\n').includes(API_KEY))
  })

  it('is told apart from a virtual key with a typing error', async () => {
    await using counter = await openCounter()
    const { text } = await counter.key({ verbs: VERBS })
    const typo = `${text.slice(0, -1)}${text.endsWith('a') ? 'b' : 'a'}`
    const answer = await counter.native(typo, 'folder/ls')
    assert.equal(answer.status, 401)
    assert.match(answer.text, /not known here/)
  })
})

describe('a virtual key', () => {
  it('is taken as Bearer, in quotation marks, and as the password of Basic with any user', async () => {
    await using counter = await openCounter()
    const { text } = await counter.key({ verbs: ['list'] })
    for (const authorization of [
      `Bearer ${text}`,
      `bearer  "${text}"`,
      basic(`any:${text}`),
      basic(`:${text}`),
    ]) {
      const answer = await counter.ask({ path: '/api/v1/children?at=/', headers: { authorization } })
      assert.equal(answer.status, 200, authorization)
    }
    for (const authorization of [
      '',
      'Bearer',
      `Digest ${text}`,
      basic(text),
      'Basic !!!',
      `Bearer ${text}x`,
    ]) {
      const answer = await counter.ask({ path: '/api/v1/children?at=/', headers: { authorization } })
      assert.equal(answer.status, 401, authorization)
      const [entry] = await counter.ledger.recent(1)
      assert.deepEqual([entry?.decision, entry?.verb, entry?.key], ['deny', 'authenticate', 'nobody'])
    }
  })

  it('stands in no byte of the database, and in no line of the log', async () => {
    await using counter = await openCounter()
    const { text } = await counter.key({ verbs: ['list'] })
    await counter.native(text, 'folder/ls')
    // In places where it does not belong, as people paste it.
    const misplaced: readonly Ask[] = [
      { path: `/v1/${text}.cgi` },
      { path: `/api/v1/children?at=/&key=${text}` },
      { path: `/api/v1/${text}/children?at=/${text}` },
      { path: `/api/v1/content?at=/${text}`, key: text },
      { path: `/dir/${text}`, key: text },
    ]
    for (const ask of misplaced) assert.ok((await counter.ask(ask)).status >= 400, ask.path)
    await nowhere(counter, text)
    await nowhere(counter, Buffer.from(text).toString('base64').slice(0, -2))
  })

  it('ends at the moment that it expires, and when it is revoked', async () => {
    await using counter = await openCounter()
    const { text, key } = await counter.key({ verbs: ['list'], lifetimeMs: 60_000 })
    const status = async () => (await counter.native(text, 'folder/ls')).status
    assert.equal(await status(), 200)
    await counter.clock.advance(60_000)
    assert.equal(await status(), 401)
    assert.match((await counter.native(text, 'folder/ls')).text, /is expired.*guichet key create/)
    await counter.api(undefined, 'DELETE', `/keys/${key.id}`)
    assert.match((await counter.native(text, 'folder/ls')).text, /is revoked/)
  })
})

describe('a refusal', () => {
  it('says in words what the key may not', async () => {
    await using counter = await openCounter()
    const { text } = await counter.key({ verbs: ['list'] })
    const { json } = await counter.api(text, 'GET', '/account')
    assert.match(String(json['message']), /may not see or change the account \(verb account\)$/)
    assert.match(String(json['hint']), /--verbs list,account`$/)
  })
})

describe('the ledger', () => {
  it('has every decision before anything is answered or asked', async () => {
    const order: string[] = []
    await using counter = await openCounter({
      ledger: (real): Ledger => ({
        record: async (entry) => {
          await real.record(entry)
          order.push(`${entry.decision} ${entry.verb}`)
        },
        recent: (limit) => real.recent(limit),
        count: () => real.count(),
      }),
      host: (account) => {
        const list = account.listFolder.bind(account)
        account.listFolder = async (...wish) => {
          order.push('asked')
          return list(...wish)
        }
        return account
      },
    })
    const { text } = await counter.key({ verbs: ['list', 'upload'] })
    order.length = 0
    await counter.native(text, 'folder/ls', {})
    assert.deepEqual(order, ['allow list', 'allow list', 'asked'])
    order.length = 0
    await counter.native(text, 'folder/ls', {})
    assert.deepEqual(order, ['allow list'])
  })

  it('stops everything when it cannot be written (R2)', async () => {
    let isBroken = false
    await using counter = await openCounter({
      ledger: (real): Ledger => ({
        record: (entry) =>
          isBroken ? Promise.reject(new GatewayError('disk-full', 'no space')) : real.record(entry),
        recent: (limit) => real.recent(limit),
        count: () => real.count(),
      }),
    })
    const folder = await counter.account.makeFolder('folder', ROOT, {})
    const { link } = counter.account.plant(ROOT, 'file', Buffer.from('x'), 1e12)
    const { text } = await counter.key({ verbs: VERBS })
    await counter.native(text, 'folder/ls', {})
    const ticket = await counter.native(text, 'download/get_token', {
      url: `https://1fichier.com/?${link.id}`,
    })
    counter.calls()
    isBroken = true
    const url = `https://1fichier.com/?${link.id}`
    const answers = [
      await counter.native(text, 'folder/ls', {}),
      await counter.native(text, 'folder/ls', { folder_id: folder }),
      await counter.native(text, 'folder/mkdir', { name: 'x' }),
      await counter.native(text, 'file/rm', { files: [{ url }] }),
      await counter.native(text, 'download/get_token', { url }),
      await counter.native(text, 'user/info'),
      await counter.native(text, 'upload/get_upload_server'),
      await counter.native('nobody', 'folder/ls', {}),
      await counter.api(text, 'GET', '/content?at=/file'),
      await counter.api(text, 'GET', '/nodes?at=/folder/new'),
      await counter.api(undefined, 'GET', '/keys'),
      await counter.ask({ path: new URL(String(ticket.json['url'])).pathname }),
      await counter.ask({ method: 'PUT', path: '/api/v1/content?at=/new', key: text, body: 'x' }),
    ]
    for (const [index, answer] of answers.entries()) {
      assert.equal(answer.status, 507, `${index}: ${answer.text}`)
      assert.match(answer.text, /the ledger cannot be written/)
    }
    assert.deepEqual(counter.calls(), [])
    assert.deepEqual(await counter.spooled(), [])
  })
})

async function nowhere(counter: Counter, secret: string): Promise<void> {
  assert.ok(!counter.logged.join('\n').includes(secret), 'logged')
  for (const suffix of ['', '-wal']) {
    const bytes = await readFile(`${counter.databasePath}${suffix}`).catch(() => Buffer.alloc(0))
    assert.ok(!bytes.includes(secret), `in the database${suffix}`)
  }
}
