import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { GatewayError, Secret } from '@guichet/core'
import { connectGuichet, type Guichet } from './client.ts'
import type { ApiRequest } from './transport.ts'

const KEY = new Secret('gch_a-key-for-tests')

/** A server that answers as told, on a free port of loopback. */
async function serve(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ readonly url: string } & AsyncDisposable> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Connects to an answer that never changes, and notes what was asked. */
function connectTo(
  answer: object,
  status = 200,
): { readonly guichet: Guichet; readonly asked: ApiRequest[] } {
  const asked: ApiRequest[] = []
  const guichet = connectGuichet({
    transport: async (request) => {
      asked.push(request)
      return { status, headers: {}, body: bytesOf(JSON.stringify(answer)) }
    },
  })
  return { guichet, asked }
}

async function* bytesOf(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const piece of texts) yield new TextEncoder().encode(piece)
}

describe('the routes', () => {
  const cases: readonly [string, (guichet: Guichet) => Promise<unknown>, string, string?][] = [
    ['stat', (g) => g.stat('/a b'), 'GET /api/v1/nodes?at=%2Fa+b'],
    ['list', (g) => g.list('/'), 'GET /api/v1/children?at=%2F'],
    ['a fresh list', (g) => g.list('/', { refresh: true }), 'GET /api/v1/children?at=%2F&refresh=1'],
    ['a transfer', (g) => g.transfer('a/b'), 'GET /api/v1/transfers/a%2Fb'],
    ['transfers', (g) => g.transfers(), 'GET /api/v1/transfers'],
    [
      'mkdir',
      (g) => g.makeFolder({ at: '/a', parents: true }),
      'POST /api/v1/folders',
      '{"at":"/a","parents":true}',
    ],
    ['move', (g) => g.move({ from: ['/a'], to: '/b' }), 'POST /api/v1/move', '{"from":["/a"],"to":"/b"}'],
    ['copy', (g) => g.copy({ from: ['/a'], to: '/b' }), 'POST /api/v1/copy', '{"from":["/a"],"to":"/b"}'],
    [
      'remove',
      (g) => g.remove({ at: ['/a'], dryRun: true }),
      'POST /api/v1/remove',
      '{"at":["/a"],"dryRun":true}',
    ],
    ['share', (g) => g.share({ at: '/a', public: true }), 'POST /api/v1/share', '{"at":"/a","public":true}'],
    ['attributes', (g) => g.attributes('/a'), 'GET /api/v1/attributes?at=%2Fa'],
    [
      'changes',
      (g) => g.changeAttributes({ at: ['/a'], inline: true }),
      'POST /api/v1/attributes',
      '{"at":["/a"],"inline":true}',
    ],
    ['scan', (g) => g.scan('/a'), 'POST /api/v1/scan', '{"at":"/a"}'],
    ['direct', (g) => g.direct('/a'), 'POST /api/v1/direct', '{"at":"/a"}'],
    [
      'a remote upload',
      (g) => g.startRemote({ urls: ['https://x/'], at: '/' }),
      'POST /api/v1/remote',
      '{"urls":["https://x/"],"at":"/"}',
    ],
    ['remote uploads', (g) => g.remotes(), 'GET /api/v1/remote'],
    ['one remote upload', (g) => g.remote(7), 'GET /api/v1/remote/7'],
    ['account', (g) => g.account(), 'GET /api/v1/account'],
    [
      'a new key',
      (g) => g.issueKey({ name: 'n', verbs: ['list'] }),
      'POST /api/v1/keys',
      '{"name":"n","verbs":["list"]}',
    ],
    ['keys', (g) => g.keys(), 'GET /api/v1/keys'],
    ['one key', (g) => g.key('k-1'), 'GET /api/v1/keys/k-1'],
    ['revoke', (g) => g.revokeKey('k-1'), 'DELETE /api/v1/keys/k-1'],
    ['status', (g) => g.status(), 'GET /api/v1/status'],
    ['resume', (g) => g.resume(), 'POST /api/v1/resume', '{}'],
    ['seal', (g) => g.seal(), 'POST /api/v1/seal', '{}'],
  ]
  for (const [name, call, line, body] of cases) {
    it(`asks for ${name} as the contract says`, async () => {
      const { guichet, asked } = connectTo({})
      await call(guichet)
      const [request] = asked
      assert.equal(`${request?.method} ${request?.path}`, line)
      const sent = request?.body instanceof Uint8Array ? new TextDecoder().decode(request.body) : undefined
      assert.equal(sent, body)
      assert.equal(request?.headers['content-length'], body === undefined ? undefined : String(body.length))
    })
  }

  it('sends content with its length and its wishes', async () => {
    const { guichet, asked } = connectTo({})
    await guichet.put('/a', new Uint8Array(3), {
      sizeBytes: 3,
      more: true,
      overwrite: true,
      parents: true,
      wait: false,
      whirlpool: 'ab',
    })
    assert.equal(asked[0]?.path, '/api/v1/content?at=%2Fa&parents=1&more=1&overwrite=1&wait=0')
    assert.equal(asked[0]?.headers['content-length'], '3')
    assert.equal(asked[0]?.headers['x-guichet-whirlpool'], 'ab')
  })
})

describe('content over fetch', () => {
  it('arrives with the key and an exact length', async () => {
    await using server = await serve(async (request, response) => {
      const { authorization, 'content-length': length } = request.headers
      const whirlpool = `${authorization} ${length} ${await text(request)}`
      response.end(JSON.stringify({ transfer: 't', state: 'stored', whirlpool }))
    })
    const guichet = connectGuichet({ url: server.url, key: KEY })
    const stored = await guichet.put('/a', new Blob(['hello']), { sizeBytes: 5 })
    assert.equal(stored.whirlpool, `Bearer ${KEY.expose()} 5 hello`)
  })

  it('is not sent as a stream whose length fetch could not announce', async () => {
    const guichet = connectGuichet({ url: 'http://127.0.0.1:9', key: KEY })
    await assert.rejects(guichet.put('/a', bytesOf('x'), { sizeBytes: 1 }), { code: 'invalid' })
  })

  it('comes back from the byte that was asked for', async () => {
    await using server = await serve((request, response) => {
      assert.equal(request.headers.range, 'bytes=2-')
      response.writeHead(206, { 'content-range': 'bytes 2-4/5', 'x-guichet-whirlpool': 'ab' }).end('llo')
    })
    const guichet = connectGuichet({ url: server.url, key: KEY })
    const content = await guichet.get('/a', { range: { startByte: 2 } })
    assert.equal(content.startByte, 2)
    assert.equal(content.whirlpool, 'ab')
    assert.equal(await text(content.body), 'llo')
  })

  it('ends the connection when the reader has enough', async () => {
    const closed = Promise.withResolvers<void>()
    await using server = await serve((request, response) => {
      request.on('close', closed.resolve)
      response.write('x'.repeat(1_000_000))
    })
    const { body } = await connectGuichet({ url: server.url, key: KEY }).get('/a')
    for await (const _ of body) break
    await closed.promise
  })
})

describe('failures', () => {
  it('become the error they stand for', async () => {
    const failure = { code: 'paced', message: 'not now', hint: 'wait', retryAfterMs: 3_000, requestId: 'r1' }
    const { guichet } = connectTo(failure, 503)
    await assert.rejects(guichet.list('/'), (error: GatewayError) => {
      assert.ok(error instanceof GatewayError)
      const { code, message, hint, retryAfterMs, facts } = error
      assert.deepEqual(
        { code, message, hint, retryAfterMs },
        { code: 'paced', message: 'not now', hint: 'wait', retryAfterMs: 3_000 },
      )
      assert.deepEqual(facts, { status: 503, requestId: 'r1' })
      return true
    })
  })

  it('of a newer gateway are known by their status', async () => {
    const { guichet } = connectTo({ code: 'brand-new', message: 'x', requestId: 'r' }, 404)
    await assert.rejects(guichet.list('/'), { code: 'not-found' })
  })

  it('say so when somebody else answers there', async () => {
    await using server = await serve((_request, response) => response.end('<html>hello</html>'))
    const guichet = connectGuichet({ url: server.url, key: KEY })
    await assert.rejects(guichet.list('/'), {
      code: 'unavailable',
      message: 'what answers there is not a gateway (HTTP 200)',
    })
  })

  it('say so when nobody answers', async () => {
    const { url } = await serve(() => {}).then(async (server) => {
      await server[Symbol.asyncDispose]()
      return server
    })
    await assert.rejects(connectGuichet({ url, key: KEY }).list('/'), { code: 'unavailable' })
  })

  it('are cancellations when the signal is aborted', async () => {
    await using server = await serve(() => {})
    const guichet = connectGuichet({ url: server.url, key: KEY })
    await assert.rejects(guichet.list('/', { signal: AbortSignal.abort() }), { code: 'cancelled' })
  })
})

describe('the key', () => {
  it('does not follow a redirect', async () => {
    const asked: (string | undefined)[] = []
    await using elsewhere = await serve((request, response) => {
      asked.push(request.headers.authorization)
      response.end('{}')
    })
    await using server = await serve((_request, response) => {
      response.writeHead(302, { location: elsewhere.url }).end()
    })
    await assert.rejects(connectGuichet({ url: server.url, key: KEY }).list('/'), { code: 'unavailable' })
    assert.deepEqual(asked, [])
  })

  it('is refused inside the address', () => {
    assert.throws(() => connectGuichet({ url: 'http://user:pass@127.0.0.1/', key: KEY }), { code: 'invalid' })
    assert.throws(() => connectGuichet({ url: 'ftp://127.0.0.1/', key: KEY }), { code: 'invalid' })
  })
})
