import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ByteRange, type Exchange, GatewayError, parseFileLink } from '@guichet/core'
import {
  chunks,
  failureOf,
  hostThatGets,
  readAll,
  unaskedHost,
  type WrittenAnswer,
} from './answering.testing.ts'
import { connectFichier } from './client.ts'

const LINK = parseFileLink('https://1fichier.com/?aaaaa11111bbbbb22222')
const URL_TEXT = 'https://a-4.1fichier.com/p1058755667'
const DIRECT = new URL(URL_TEXT)
const FILE = { 'content-type': 'application/octet-stream' }

function openOf(answer: WrittenAnswer, range?: ByteRange): Promise<unknown> {
  return hostThatGets(answer).host.openDirect(DIRECT, range, {})
}

describe('a token', () => {
  it('is asked for without spending it on one request', async () => {
    const { host, seen } = hostThatGets({ body: { url: URL_TEXT } })
    assert.equal(
      (await host.downloadToken(LINK, { inline: false, cdn: true, pass: 'secret' }, {})).href,
      URL_TEXT,
    )
    assert.deepEqual(JSON.parse(seen[0]?.body ?? ''), {
      url: 'https://1fichier.com/?aaaaa11111bbbbb22222',
      pass: 'secret',
      cdn: 1,
    })
  })

  it('must lead to 1fichier, over TLS', async () => {
    const cases = [
      ['https://example.com/p1', 'upstream-changed'],
      ['https://a-4.1fichier.com.example.com/p1', 'upstream-changed'],
      ['https://user:pass@a-4.1fichier.com/p1', 'upstream-changed'],
      ['ftp://a-4.1fichier.com/p1', 'upstream-changed'],
      ['nonsense', 'upstream-changed'],
      ['http://a-4.1fichier.com/p1', 'file-refused'],
    ] as const
    for (const [url, code] of cases) {
      const failure = await failureOf(hostThatGets({ body: { url } }).host.downloadToken(LINK, {}, {}))
      assert.equal(failure.code, code, url)
    }
  })

  it('that is not given for another location is a lock of five minutes', async () => {
    const body = { status: 'KO', message: 'Only 3 location(s) allowed at a time #887' }
    const failure = await failureOf(hostThatGets({ status: 403, body }).host.downloadToken(LINK, {}, {}))
    assert.equal(failure.code, 'locked')
    assert.equal(failure.retryAfterMs, 300_000)
    assert.equal(failure.facts['why'], 'location')
  })
})

describe('a direct link', () => {
  it('is opened without the key, for the bytes asked for', async () => {
    const headers = { ...FILE, 'content-length': '5', 'content-range': 'bytes 6-10/12' }
    const { host, seen } = hostThatGets({ status: 206, headers, body: 'world' })
    const content = await host.openDirect(DIRECT, { startByte: 6, endByte: 10 }, {})
    assert.equal(await readAll(content.body), 'world')
    assert.deepEqual([content.startByte, content.lengthBytes, content.sizeBytes], [6, 5, 12])
    assert.equal(seen[0]?.headers['range'], 'bytes=6-10')
    assert.equal(seen[0]?.via, 'open')
  })

  it('is honest about a node that ignores the range', async () => {
    const { host } = hostThatGets({ headers: { ...FILE, 'content-length': '12' }, body: 'Hello world\n' })
    const content = await host.openDirect(DIRECT, { startByte: 6 }, {})
    assert.deepEqual([content.startByte, content.lengthBytes, content.sizeBytes], [0, 12, 12])
  })

  it('gives a part without a length of its own, as the range tells it', async () => {
    const { host } = hostThatGets({ status: 206, headers: { 'content-range': 'bytes 0-1/12' }, body: 'He' })
    const content = await host.openDirect(DIRECT, { startByte: 0, endByte: 5 }, {})
    assert.equal(content.lengthBytes, 2)
    assert.equal(await readAll(content.body), 'He')
  })

  it('gives a file that is a page itself', async () => {
    for (const disposition of ['attachment; filename="a.html"', 'inline; filename="a.html"']) {
      const headers = {
        'content-type': 'text/html',
        'content-disposition': disposition,
        'content-length': '6',
      }
      const { host } = hostThatGets({ headers, body: '<html>' })
      assert.equal(await readAll((await host.openDirect(DIRECT, undefined, {})).body), '<html>')
    }
  })

  const lies: readonly (readonly [
    string,
    number,
    Readonly<Record<string, string>>,
    ByteRange | undefined,
  ])[] = [
    ['no length', 200, {}, undefined],
    ['a length that is no number', 200, { 'content-length': '12, 12' }, undefined],
    ['content that is packed', 200, { 'content-length': '12', 'content-encoding': 'gzip' }, undefined],
    ['a part nobody asked for', 206, { 'content-range': 'bytes 0-4/12' }, undefined],
    ['a part without its place', 206, { 'content-length': '5' }, { startByte: 6 }],
    ['a part of a file of unknown size', 206, { 'content-range': 'bytes 6-10/*' }, { startByte: 6 }],
    ['another part', 206, { 'content-range': 'bytes 5-10/12' }, { startByte: 6 }],
    ['more than asked for', 206, { 'content-range': 'bytes 6-11/12' }, { startByte: 6, endByte: 10 }],
    ['a part beyond the end', 206, { 'content-range': 'bytes 6-12/12' }, { startByte: 6 }],
    ['a part that ends before it begins', 206, { 'content-range': 'bytes 6-5/12' }, { startByte: 6 }],
    ['two lengths', 206, { 'content-range': 'bytes 6-10/12', 'content-length': '6' }, { startByte: 6 }],
  ]
  for (const [what, status, headers, range] of lies) {
    it(`that answers with ${what} is corrupt`, async () => {
      assert.equal(
        (await failureOf(openOf({ status, headers: { ...FILE, ...headers }, body: 'Hello' }, range))).code,
        'corrupt',
      )
    })
  }

  const refusals: readonly (readonly [string, number, string, string, boolean | undefined])[] = [
    ['a page', 200, '<html>This link has expired</html>', 'not-found', true],
    ['404', 404, '', 'not-found', true],
    ['410', 410, '<html>Gone</html>', 'not-found', true],
    ['403', 403, '<html>Forbidden</html>', 'not-found', true],
    ['a redirect', 302, '', 'not-found', true],
    ['416', 416, '<html></html>', 'invalid', undefined],
    ['429', 429, '', 'locked', undefined],
    ['an outage', 500, '', 'upstream-down', undefined],
    [
      'a page about professional equipment',
      200,
      '<p>professional infrastructure detected</p>',
      'account-refused',
      undefined,
    ],
  ]
  for (const [what, status, body, code, expired] of refusals) {
    it(`that answers with ${what} is ${code}`, async () => {
      const failure = await failureOf(openOf({ status, body, headers: { 'content-type': 'text/html' } }))
      assert.equal(failure.code, code)
      assert.equal(failure.facts['expired'], expired)
    })
  }

  for (const [what, body] of [
    ['fewer', 'Hello'],
    ['more', 'Hello world\n!'],
  ] as const) {
    it(`that sends ${what} bytes than announced ends in corrupt, not in a wrong file`, async () => {
      const { host } = hostThatGets({ headers: { ...FILE, 'content-length': '12' }, body })
      const content = await host.openDirect(DIRECT, undefined, {})
      assert.equal((await failureOf(readAll(content.body))).code, 'corrupt')
    })
  }

  it('that breaks off is upstream-down, and cancelled when its reader has gone', async () => {
    const gone = new AbortController()
    async function* cut(): AsyncGenerator<Uint8Array> {
      yield* chunks('Hello')
      throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' })
    }
    const open: Exchange = async () => ({ status: 200, headers: { 'content-length': '12' }, body: cut() })
    const host = connectFichier({ keyed: open, open, boundary: () => '' })
    const content = await host.openDirect(DIRECT, undefined, {})
    assert.equal((await failureOf(readAll(content.body))).code, 'upstream-down')
    const again = await host.openDirect(DIRECT, undefined, { signal: gone.signal })
    gone.abort()
    assert.equal((await failureOf(readAll(again.body))).code, 'cancelled')
  })

  it('lets the answer go when its reader leaves, and when it is refused', async () => {
    let open = 0
    async function* counted(): AsyncGenerator<Uint8Array> {
      open += 1
      try {
        yield* chunks('Hello world\n')
      } finally {
        open -= 1
      }
    }
    const lengths = ['12', 'nonsense'].values()
    const exchange: Exchange = async () => ({
      status: 200,
      headers: { 'content-length': lengths.next().value ?? '' },
      body: counted(),
    })
    const host = connectFichier({ keyed: exchange, open: exchange, boundary: () => '' })
    for await (const _ of (await host.openDirect(DIRECT, undefined, {})).body) break
    assert.equal(open, 0)
    assert.ok((await failureOf(host.openDirect(DIRECT, undefined, {}))) instanceof GatewayError)
    assert.equal(open, 0)
  })

  it('lets the answer go when its reader leaves before the first byte', async () => {
    let left = 0
    const body: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.reject(new Error('nobody asked for a byte')),
        async return() {
          left += 1
          return { done: true, value: undefined }
        },
      }),
    }
    const exchange: Exchange = async () => ({ status: 200, headers: { 'content-length': '12' }, body })
    const host = connectFichier({ keyed: exchange, open: exchange, boundary: () => '' })
    const content = await host.openDirect(DIRECT, undefined, {})
    await content.body[Symbol.asyncIterator]().return?.()
    assert.equal(left, 1)
  })

  it('is opened nowhere else, and for no impossible range', async () => {
    const host = unaskedHost()
    const urls = [
      'http://a-4.1fichier.com/p1',
      'https://example.com/p1',
      'https://a-4.1fichier.com:8443/p1',
      'https://u:p@a-4.1fichier.com/p1',
    ]
    for (const url of urls) {
      assert.equal((await failureOf(host.openDirect(new URL(url), undefined, {}))).code, 'invalid')
    }
    for (const range of [
      { startByte: -1 },
      { startByte: 5, endByte: 4 },
      { startByte: 0.5 },
      { startByte: Number.NaN },
    ]) {
      assert.equal((await failureOf(host.openDirect(DIRECT, range, {}))).code, 'invalid')
    }
  })
})
