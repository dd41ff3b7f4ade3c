import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { createServer as createPlainServer } from 'node:net'
import { it } from 'node:test'
import { type ErrorCode, GatewayError, type HttpRequest } from '@guichet/core'
import { FakeClock } from '@guichet/testkit'
import { realWorld } from '../world.ts'
import { type ExchangeOptions, openExchange } from './open-exchange.ts'
import { openStandIn, type StandIn } from './stand-in.testing.ts'

const { clock } = realWorld('silent')

it('carries a request and its answer to the route, under the name of the URL', async () => {
  await using standIn = await openStandIn((request, response) => {
    response.setHeader('x-list', ['a', 'b'])
    response.end(`${request.method} ${request.headers.host} ${request.url} ${request.headers['range']}`)
  })
  await using open = opened(standIn)
  const answer = await open.exchange(get('https://a-4.1fichier.com/p105?inline', { range: 'bytes=0-' }))
  assert.equal(answer.status, 200)
  assert.equal(answer.headers['x-list'], 'a, b')
  assert.equal(await textOf(answer.body), 'GET a-4.1fichier.com /p105?inline bytes=0-')
  assert.deepEqual(standIn.names, ['a-4.1fichier.com'])
})

it('sends a body that comes in pieces with the length that was said', async () => {
  await using standIn = await openStandIn((request, response) => {
    assert.equal(request.headers['content-length'], '10')
    assert.equal(request.headers.expect, undefined)
    request.pipe(response)
  })
  await using open = opened(standIn)
  const answer = await open.exchange({
    method: 'POST',
    url: new URL('https://1fichier.com/check_links.pl'),
    headers: { 'content-length': '10', expect: '100-continue' },
    body: pieces(['hello', 'world']),
  })
  assert.equal(await textOf(answer.body), 'helloworld')
})

it('refuses a request that carries credentials, whatever the letter case (K4)', async () => {
  await using standIn = await openStandIn(() => assert.fail('nothing may arrive'))
  await using open = opened(standIn)
  for (const name of ['authorization', 'Authorization', 'proxy-authorization', 'cookie', 'host']) {
    const failure = await refusalOf(open.exchange(get('https://1fichier.com/', { [name]: 'Bearer x' })))
    assert.equal(failure.code, 'forbidden')
    assert.equal(failure.facts['sent'], false)
  }
})

it('connects to https, the usual port and 1fichier’s own names only (R3)', async () => {
  await using standIn = await openStandIn(() => assert.fail('nothing may arrive'))
  await using open = opened(standIn)
  for (const url of [
    'http://1fichier.com/',
    'https://1fichier.com:8443/',
    'https://user@1fichier.com/',
    'https://1fichier.com.evil.example/',
    'https://evil1fichier.com/',
    'https://127.0.0.1/',
    'https://evil.example/',
  ]) {
    assert.equal((await refusalOf(open.exchange(get(url)))).code, 'forbidden', url)
  }
})

it('without a route, refuses a name that leads to an address that is not public (R3)', async () => {
  await using open = opened(undefined, { resolve: async () => [{ address: '10.0.0.1', family: 4 }] })
  const failure = await refusalOf(open.exchange(get('https://1fichier.com/')))
  assert.equal(failure.code, 'forbidden')
  assert.equal(failure.facts['sent'], false)
})

it('without a route, uses the IPv4 addresses of a name as long as there are any (T13)', async () => {
  const seen: string[] = []
  const resolve = async () => [
    { address: '::1', family: 6 } as const,
    { address: '127.0.0.1', family: 4 } as const,
  ]
  await using open = opened(undefined, {
    resolve,
    isReachable: (address) => seen.push(address) > 0,
  })
  const failure = await refusalOf(open.exchange(get('https://1fichier.com/')))
  assert.match(failure.message, /ECONNREFUSED/)
  assert.match(String(failure.cause), /127\.0\.0\.1/)
  assert.deepEqual(seen, ['::1', '127.0.0.1'])
})

it('follows no redirect (R3)', async () => {
  await using standIn = await openStandIn((_request, response) => {
    response.writeHead(302, { location: 'https://1fichier.com/elsewhere' }).end()
  })
  await using open = opened(standIn)
  const answer = await open.exchange(get('https://1fichier.com/'))
  assert.equal(answer.status, 302)
  assert.equal(await textOf(answer.body), '')
})

it('says that nothing was sent when nobody listens, or when somebody else answers', async () => {
  const closed = createPlainServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const address = closed.address()
  assert.ok(address !== null && typeof address === 'object')
  closed.close()
  await once(closed, 'close')
  await using alone = opened(undefined, { route: { host: '127.0.0.1', port: address.port } })
  const nobody = await refusalOf(alone.exchange(get('https://1fichier.com/')))
  assert.deepEqual([nobody.code, nobody.facts['sent']], ['upstream-down', false])

  await using other = await openStandIn(() => assert.fail('nothing may arrive'), ['evil.example'])
  await using open = opened(other)
  const wrongName = await refusalOf(open.exchange(get('https://1fichier.com/')))
  assert.deepEqual([wrongName.code, wrongName.facts['sent']], ['upstream-down', false])

  await using stranger = opened(other, { extraCa: undefined })
  const unknown = await refusalOf(stranger.exchange(get('https://1fichier.com/')))
  assert.deepEqual([unknown.code, unknown.facts['sent']], ['upstream-down', false])
  assert.match(unknown.hint ?? '', /GUICHET_UPSTREAM_CA/)
})

it('does not say that nothing was sent when the connection breaks before the answer', async () => {
  await using standIn = await openStandIn((request) => request.socket.destroy())
  await using open = opened(standIn)
  const failure = await refusalOf(open.exchange(get('https://1fichier.com/')))
  assert.deepEqual([failure.code, failure.facts['sent']], ['upstream-down', undefined])
})

it('rejects when a body is cut short, by length or by chunk, and when the answer is no HTTP', async () => {
  await using standIn = await openStandIn((request, response) => {
    if (request.url === '/noise') {
      request.socket.end('not http at all\r\n\r\n')
      return
    }
    if (request.url === '/length') response.setHeader('content-length', '1000')
    response.write('some', () => request.socket.destroy())
  })
  await using open = opened(standIn)
  for (const path of ['length', 'chunked']) {
    const answer = await open.exchange(get(`https://1fichier.com/${path}`))
    const failure = await refusalOf(textOf(answer.body))
    assert.equal(failure.code, 'upstream-down', path)
  }
  assert.equal((await refusalOf(open.exchange(get('https://1fichier.com/noise')))).code, 'upstream-down')
})

it('gives up a body without bytes, and an answer without a head, after their time', async () => {
  await using standIn = await openStandIn((request, response) => {
    if (request.url === '/body') response.write('some')
  })
  await using open = opened(standIn, { limits: { headersTimeoutMs: 20, bodyTimeoutMs: 20 } })
  const answer = await open.exchange(get('https://1fichier.com/body'))
  assert.equal((await refusalOf(textOf(answer.body))).code, 'upstream-down')
  assert.equal((await refusalOf(open.exchange(get('https://1fichier.com/head')))).code, 'upstream-down')
})

it('cancels before the answer and in the middle of a body, and closes the connection', async () => {
  const started = Promise.withResolvers<ServerResponse>()
  await using standIn = await openStandIn((request, response) => {
    if (request.url !== '/silent') response.write('some')
    started.resolve(response)
  })
  await using open = opened(standIn)
  const early = new AbortController()
  const pending = open.exchange({ ...get('https://1fichier.com/silent'), signal: early.signal })
  await started.promise
  early.abort()
  assert.equal((await refusalOf(pending)).code, 'cancelled')

  const late = new AbortController()
  const answer = await open.exchange({ ...get('https://1fichier.com/body'), signal: late.signal })
  const reading = textOf(answer.body)
  late.abort(new Error('enough'))
  assert.equal((await refusalOf(reading)).code, 'cancelled')
  const aborted = await refusalOf(open.exchange({ ...get('https://1fichier.com/'), signal: late.signal }))
  assert.equal(aborted.code, 'cancelled')
})

it('leaving the loop destroys the connection, and does not read on', async () => {
  const ended = Promise.withResolvers<void>()
  let writtenBytes = 0
  await using standIn = await openStandIn((request, response) => {
    request.socket.once('close', () => ended.resolve())
    const chunk = Buffer.alloc(64 * 1024)
    const write = (): void => {
      if (writtenBytes >= 64 * 1024 * 1024 || response.destroyed) return
      writtenBytes += chunk.length
      response.write(chunk, () => setImmediate(write))
    }
    write()
  })
  await using open = opened(standIn)
  const answer = await open.exchange(get('https://a-1.1fichier.com/p1'))
  for await (const chunk of answer.body) {
    assert.ok(chunk.length > 0)
    break
  }
  await ended.promise
  assert.ok(writtenBytes < 64 * 1024 * 1024, `${writtenBytes} bytes were sent to nobody`)
})

it('gives the connection of a download back when nobody reads its body', async () => {
  await using standIn = await openStandIn((_request, response) => void response.end(Buffer.alloc(1_000_000)))
  await using open = opened(standIn, { limits: { downloads: 1 } })
  for (let round = 0; round < 3; round += 1) {
    const { body } = await open.exchange(get('https://a-1.1fichier.com/p1'))
    await body[Symbol.asyncIterator]().return?.()
  }
})

it('lets no more downloads run at one time than the account has connections, and reports pass by', async () => {
  const waiting: ServerResponse[] = []
  const arrived: (() => void)[] = []
  await using standIn = await openStandIn((request, response) => {
    if (request.url === '/end.pl?xid=x') {
      response.end('{}')
      return
    }
    waiting.push(response)
    arrived.shift()?.()
  })
  await using open = opened(standIn, { limits: { downloads: 2, waiting: 1 } })
  const twoArrived = Promise.all([1, 2].map(() => new Promise<void>((resolve) => arrived.push(resolve))))
  const first = open.exchange(get('https://a-1.1fichier.com/p1'))
  const second = open.exchange(get('https://a-2.1fichier.com/p2'))
  await twoArrived
  const third = open.exchange(get('https://a-3.1fichier.com/p3'))
  const fourth = await refusalOf(open.exchange(get('https://a-4.1fichier.com/p4')))
  assert.deepEqual([fourth.code, fourth.facts['sent']], ['paced', false])
  const report = await open.exchange(get('https://up2.1fichier.com/end.pl?xid=x'))
  assert.equal(await textOf(report.body), '{}')
  assert.equal(waiting.length, 2)

  const thirdArrived = new Promise<void>((resolve) => arrived.push(resolve))
  for (const response of waiting) response.end('done')
  assert.equal(await textOf((await first).body), 'done')
  await thirdArrived
  waiting[2]?.end('third')
  assert.equal(await textOf((await third).body), 'third')
  assert.equal(await textOf((await second).body), 'done')
})

it('takes the connection of a reader who stopped reading, when another download waits', async () => {
  const time = new FakeClock()
  await using standIn = await openStandIn((_request, response) => void response.end(Buffer.alloc(1_000_000)))
  await using open = opened(standIn, { limits: { downloads: 1 }, clock: time })
  const chunks = (await open.exchange(get('https://a-1.1fichier.com/p1'))).body[Symbol.asyncIterator]()
  assert.equal((await chunks.next()).done, false)
  const second = open.exchange(get('https://a-1.1fichier.com/p2'))
  await time.advance(40_000)
  assert.equal((await textOf((await second).body)).length, 1_000_000)
  const failure = await refusalOf(chunks.next())
  assert.deepEqual([failure.code, failure.facts['sent']], ['upstream-down', undefined])
})

it('close cuts what is under way', async () => {
  await using standIn = await openStandIn((_request, response) => {
    response.write('some')
  })
  const open = openExchange({ route: standIn.route, extraCa: standIn.caPem, clock })
  const answer = await open.exchange(get('https://1fichier.com/'))
  const reading = refusalOf(textOf(answer.body))
  await open.close()
  assert.equal((await reading).code, 'unavailable')
  assert.equal((await refusalOf(open.exchange(get('https://1fichier.com/')))).code, 'unavailable')
})

it('refuses an extra authority that is none', () => {
  for (const extraCa of ['', 'garbage', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----']) {
    assert.throws(
      () => openExchange({ extraCa, clock }),
      (error: unknown) => error instanceof GatewayError && error.code === 'invalid',
    )
  }
})

it('answers HEAD with the headers and no body', async () => {
  await using standIn = await openStandIn((_request, response) => {
    response.writeHead(200, { 'content-length': '300000000000' }).end()
  })
  await using open = opened(standIn, { limits: { downloads: 1 } })
  for (let round = 0; round < 3; round += 1) {
    const answer = await open.exchange({ ...get('https://a-1.1fichier.com/p1'), method: 'HEAD' })
    assert.equal(answer.headers['content-length'], '300000000000')
    if (round > 0) assert.equal(await textOf(answer.body), '')
  }
})

function opened(standIn: StandIn | undefined, more: Partial<ExchangeOptions> = {}) {
  const options = standIn === undefined ? {} : { route: standIn.route, extraCa: standIn.caPem }
  const open = openExchange({ ...options, clock, ...more })
  return { exchange: open.exchange, [Symbol.asyncDispose]: () => open.close() }
}

function get(url: string, headers: Readonly<Record<string, string>> = {}): HttpRequest {
  return { method: 'GET', url: new URL(url), headers }
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  let text = ''
  for await (const chunk of body) text += Buffer.from(chunk).toString()
  return text
}

async function refusalOf(promise: Promise<unknown>): Promise<GatewayError & { code: ErrorCode }> {
  try {
    await promise
  } catch (failure) {
    assert.ok(failure instanceof GatewayError, String(failure))
    return failure
  }
  return assert.fail('it was not refused')
}

async function* pieces(texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}
