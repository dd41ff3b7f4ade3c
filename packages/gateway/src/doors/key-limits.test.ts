import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createKeyText, ROOT, VERBS } from '@guichet/core'
import { type Counter, openCounter } from './counter.testing.ts'

const STRANGER = createKeyText((count) => new Uint8Array(count).fill(7))

describe('a key with addresses', () => {
  it('is good from where it may be used, at every door that asks for it (K9)', async () => {
    await using counter = await openCounter({ trustedProxies: ['127.0.0.1'] })
    const limits = { from: ['10.0.0.0/8', '2001:db8::/32'], notFrom: ['10.6.6.6'] }
    const { text } = await counter.key({ verbs: VERBS, limits })
    const cases: readonly [from: string | undefined, isIn: boolean][] = [
      ['10.1.2.3', true],
      ['::ffff:10.1.2.3', true],
      ['2001:db8::1', true],
      ['10.6.6.6', false],
      ['::ffff:10.6.6.6', false],
      ['192.168.1.1', false],
      ['10.1.2.3, 192.168.1.1', false],
      ['nonsense', false],
      [undefined, false],
    ]
    for (const [from, isIn] of cases) {
      for (const path of ['/api/v1/children?at=/', '/v1/folder/ls.cgi']) {
        const { status } = await counter.ask(asking(path, text, from))
        // The native door answers 401 in the words of 1fichier.
        assert.equal(status, isIn ? 200 : 401, `${path} from ${from}`)
      }
    }
  })

  it('looks from elsewhere like a key that nobody knows, and stands in the ledger as what it is (K9)', async () => {
    await using counter = await openCounter()
    const { text, key } = await counter.key({ verbs: VERBS, limits: { from: ['10.0.0.0/8'] } })
    for (const path of ['/api/v1/children?at=/', '/v1/folder/ls.cgi']) {
      // Nobody is named as a proxy here, so that the header counts for nothing.
      const known = await counter.ask(asking(path, text, '10.1.2.3'))
      const [entry] = await counter.ledger.recent(1)
      const unknown = await counter.ask(asking(path, STRANGER, '10.1.2.3'))
      assert.equal(known.status, unknown.status)
      assert.equal(withoutId(known.text), withoutId(unknown.text))
      assert.match(entry?.reason ?? '', new RegExp(`the key "${key.name}" may not be used from 127.0.0.1`))
    }
  })

  it('has its tickets refused from elsewhere (K9)', async () => {
    await using counter = await openCounter({ trustedProxies: ['127.0.0.1'] })
    const { text } = await counter.key({ verbs: VERBS, limits: { from: ['10.0.0.0/8'] } })
    const path = await ticketOf(counter, text, '10.1.2.3')
    assert.equal((await counter.ask(asking(path, undefined, '192.168.1.1'))).status, 401)
    assert.equal((await counter.ask(asking(path, undefined, '10.1.2.3'))).text, 'x')
  })
})

describe('a key with uses', () => {
  it('is told that it is used up, while its tickets go on (K7)', async () => {
    await using counter = await openCounter()
    const { text } = await counter.key({ verbs: VERBS, limits: { uses: 2 } })
    await counter.native(text, 'folder/ls')
    const path = await ticketOf(counter, text)
    assert.equal((await counter.ask({ path })).text, 'x')
    const refused = await counter.api(text, 'GET', '/children?at=/')
    assert.equal(refused.status, 401)
    assert.match(refused.text, /is used up/)
  })
})

async function ticketOf(counter: Counter, key: string, from?: string): Promise<string> {
  const { link } = counter.account.plant(ROOT, 'file', Buffer.from('x'), 1e12)
  const body = JSON.stringify({ url: `https://1fichier.com/?${link.id}` })
  const answer = await counter.ask({ ...asking('/v1/download/get_token.cgi', key, from), body })
  return new URL(String(answer.json['url'])).pathname
}

function asking(path: string, key: string | undefined, from: string | undefined) {
  const isNative = path.startsWith('/v1/')
  const headers: Record<string, string> = isNative ? { 'content-type': 'application/json' } : {}
  if (from !== undefined) headers['x-forwarded-for'] = from
  return { path, key, headers, ...(isNative && { method: 'POST', body: '{}' }) }
}

function withoutId(text: string): string {
  return text.replace(/"requestId":"[0-9a-f]+"/, '')
}
