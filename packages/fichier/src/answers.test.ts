import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Exchange, GatewayError, HOUR_MS, type HttpResponse, ROOT, SECOND_MS } from '@guichet/core'
import { chunks, failureOf, hostThatGets } from './answering.testing.ts'
import { connectFichier } from './client.ts'

const FLOOD = { status: 'KO', message: 'Flood detected: IP Locked #412' }

function hostOver(exchange: Exchange): ReturnType<typeof connectFichier> {
  return connectFichier({ keyed: exchange, open: exchange, boundary: () => 'B'.repeat(60) })
}

function answerOf(body: AsyncIterable<Uint8Array>, status = 200): HttpResponse {
  return { status, headers: { 'content-type': 'application/json' }, body }
}

describe('Retry-After', () => {
  const cases: readonly (readonly [string, Readonly<Record<string, string>>, number | undefined])[] = [
    ['seconds', { 'retry-after': '120' }, 120 * SECOND_MS],
    [
      'a date, counted from the date of the answer',
      { date: 'Tue, 22 Jun 2021 12:58:17 GMT', 'retry-after': 'Tue, 22 Jun 2021 13:58:17 GMT' },
      HOUR_MS,
    ],
    ['a date in an answer without one', { 'retry-after': 'Tue, 22 Jun 2021 13:58:17 GMT' }, undefined],
    [
      'a date that has passed',
      { date: 'Tue, 22 Jun 2021 12:58:17 GMT', 'retry-after': 'Mon, 21 Jun 2021 12:58:17 GMT' },
      undefined,
    ],
    ['more than a day', { 'retry-after': '999999999' }, 24 * HOUR_MS],
    ['nonsense', { 'retry-after': 'soon' }, undefined],
    ['zero', { 'retry-after': '0' }, undefined],
    ['nothing', {}, undefined],
  ]
  for (const [name, headers, retryAfterMs] of cases) {
    it(`is read from ${name}`, async () => {
      const { host } = hostThatGets({ status: 429, headers, body: FLOOD })
      const failure = await failureOf(host.account({}))
      assert.equal(failure.code, 'locked')
      assert.equal(failure.retryAfterMs, retryAfterMs)
      assert.deepEqual(failure.facts, {
        endpoint: 'user/info',
        status: 429,
        scope: 'ip',
        flood: true,
        number: '412',
      })
    })
  }

  it('means nothing beside a refusal that no waiting mends', async () => {
    const { host } = hostThatGets({
      status: 403,
      headers: { 'retry-after': '5' },
      body: { status: 'KO', message: 'No such user #93' },
    })
    assert.equal((await failureOf(host.account({}))).retryAfterMs, undefined)
  })
})

describe('an answer that does not come well', () => {
  it('is upstream-down when it breaks off', async () => {
    async function* cut(): AsyncGenerator<Uint8Array> {
      yield* chunks('{"status":')
      throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
    }
    const failure = await failureOf(hostOver(async () => answerOf(cut())).account({}))
    assert.equal(failure.code, 'upstream-down')
  })

  it('is upstream-changed when it does not end', async () => {
    let isClosed = false
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield new Uint8Array(1 << 20).fill(32)
      } finally {
        isClosed = true
      }
    }
    const failure = await failureOf(hostOver(async () => answerOf(endless())).account({}))
    assert.equal(failure.code, 'upstream-changed')
    assert.ok(isClosed)
  })

  it('is read no further than a message goes when it is an endless page', async () => {
    let bytes = 0
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (const piece = '<p>IP Locked</p>'.repeat(1_000); ; bytes += piece.length)
        yield* [new TextEncoder().encode(piece)]
    }
    const failure = await failureOf(hostOver(async () => answerOf(endless())).account({}))
    assert.equal(failure.code, 'locked')
    assert.ok(bytes < 1_000_000)
  })

  it('passes on what the transport says, facts included', async () => {
    const down = new GatewayError('upstream-down', 'no connection', { facts: { sent: false } })
    const failure = await failureOf(hostOver(() => Promise.reject(down)).account({}))
    assert.equal(failure, down)
  })

  it('is cancelled when its caller has gone, before, during and after the request', async () => {
    const before = AbortSignal.abort()
    const never: Exchange = () => {
      throw new Error('nothing should be sent')
    }
    assert.equal((await failureOf(hostOver(never).account({ signal: before }))).code, 'cancelled')

    const during = new AbortController()
    const waiting: Exchange = () => {
      during.abort()
      return Promise.reject(new GatewayError('upstream-down', 'the connection was closed'))
    }
    assert.equal((await failureOf(hostOver(waiting).account({ signal: during.signal }))).code, 'cancelled')

    const after = new AbortController()
    async function* aborted(): AsyncGenerator<Uint8Array> {
      yield* chunks('{')
      after.abort()
      throw new Error('aborted')
    }
    const reading = hostOver(async () => answerOf(aborted())).account({ signal: after.signal })
    assert.equal((await failureOf(reading)).code, 'cancelled')
  })

  it('counts by its status when its message is no text, and no success fails for one', async () => {
    for (const message of [{ en: 'wait' }, ['wait'], true]) {
      const cases = [
        [429, 'locked'],
        [401, 'account-refused'],
        [404, 'not-found'],
        [503, 'upstream-down'],
      ] as const
      for (const [status, code] of cases) {
        const { host } = hostThatGets({ status, body: { status: 'KO', message } })
        assert.equal((await failureOf(host.account({}))).code, code)
      }
      const { host } = hostThatGets({ body: { status: 'OK', folder_id: 12, message } })
      assert.equal(await host.makeFolder('x', ROOT, {}), 12)
    }
  })

  it('is understood under the wrong content type', async () => {
    const body = '{"status":"KO","message":"Flood detected: User Locked #223"}'
    const { host } = hostThatGets({ status: 200, headers: { 'content-type': 'text/html' }, body })
    assert.equal((await failureOf(host.account({}))).facts['scope'], 'user')
    const page = {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: '<html>IP Locked</html>',
    }
    assert.equal((await failureOf(hostThatGets(page).host.account({}))).code, 'locked')
  })
})

describe('what goes out', () => {
  it('always says that it is JSON, with its exact length', async () => {
    const { host, seen } = hostThatGets({ body: { url: 'up2.1fichier.com', id: 'ExampleTok' } })
    await host.uploadTarget({})
    assert.equal(seen[0]?.headers['content-type'], 'application/json')
    assert.equal(seen[0]?.headers['content-length'], '2')
    assert.equal(seen[0]?.body, '{}')
  })

  it('goes to another origin when told', async () => {
    const urls: string[] = []
    const note: Exchange = async (request) => {
      urls.push(request.url.href)
      return answerOf(chunks('{"folder_id":0,"name":"Root"}'))
    }
    const host = connectFichier({
      keyed: note,
      open: note,
      boundary: () => '',
      origin: 'https://api.example.test:8443',
    })
    await host.listFolder(ROOT, {})
    assert.deepEqual(urls, ['https://api.example.test:8443/v1/folder/ls.cgi'])
  })
})
