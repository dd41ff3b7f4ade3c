import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { GatewayError, Secret } from '@guichet/core'
import { connectGuichet } from '@guichet/sdk'
import { openTransport } from './transport.ts'
import { openTestWorld } from './world.testing.ts'

const MISSING = new GatewayError('unavailable', 'nobody is there')

async function serveOn(
  place: { readonly path: string } | { readonly port: 0; readonly host: string },
  answer: RequestListener,
): Promise<{ readonly base: URL } & AsyncDisposable> {
  const server = createServer(answer).listen(place)
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 80
  return {
    base: new URL(`http://127.0.0.1:${port}`),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const LOOPBACK = { port: 0, host: '127.0.0.1' } as const
const key = new Secret('gch_test')

async function* pieces(count: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index += 1) yield new Uint8Array(64 * 1024)
}

describe('the transport', () => {
  it('speaks over a Unix socket without a key', async () => {
    await using test = await openTestWorld()
    const path = join(test.folder, 'admin.sock')
    await using _server = await serveOn({ path }, (request, response) => {
      assert.equal(request.headers.authorization, undefined)
      response.end('{"keys":[]}')
    })
    await using opened = openTransport({ kind: 'socket', path, missing: () => MISSING })
    assert.deepEqual(await connectGuichet(opened).keys(), [])
  })

  it('says in the words of its owner that nobody listens at a socket', async () => {
    await using opened = openTransport({
      kind: 'socket',
      path: '/nowhere/admin.sock',
      missing: () => MISSING,
    })
    await assert.rejects(connectGuichet(opened).keys(), MISSING)
  })

  it('does not blame the gateway for content that cannot be read', async () => {
    await using server = await serveOn(LOOPBACK, (request, response) => {
      request.resume().on('end', () => response.end('{}'))
    })
    await using opened = openTransport({ kind: 'address', base: server.base, key })
    async function* content(): AsyncGenerator<Uint8Array> {
      yield await readFile('/nowhere/file')
    }
    const put = connectGuichet(opened).put('/a', content(), { sizeBytes: 1 })
    await assert.rejects(put, {
      code: 'not-found',
      message: '"/nowhere/file" does not exist on this machine',
    })
  })

  it('sends a stream with its exact length, and the key', async () => {
    await using server = await serveOn(LOOPBACK, async (request, response) => {
      const whirlpool = `${request.headers.authorization} ${request.headers['content-length']} ${(await text(request)).length}`
      response.end(JSON.stringify({ transfer: 't', state: 'spooled', whirlpool }))
    })
    await using opened = openTransport({ kind: 'address', base: server.base, key })
    const stored = await connectGuichet(opened).put('/a', pieces(4), { sizeBytes: 4 * 64 * 1024 })
    assert.equal(stored.whirlpool, `Bearer gch_test ${4 * 64 * 1024} ${4 * 64 * 1024}`)
  })

  it('tells that the content changed when its length does not fit', async () => {
    await using server = await serveOn(LOOPBACK, (request) => request.resume())
    await using opened = openTransport({ kind: 'address', base: server.base, key })
    const put = connectGuichet(opened).put('/a', pieces(1), { sizeBytes: 64 * 1024 + 1 })
    await assert.rejects(put, { code: 'conflict' })
  })

  it('passes on why a body could not be read', async () => {
    await using server = await serveOn(LOOPBACK, (request) => request.resume())
    await using opened = openTransport({ kind: 'address', base: server.base, key })
    const unreadable = async function* (): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1)
      throw new GatewayError('forbidden', 'no reading here')
    }
    const put = connectGuichet(opened).put('/a', unreadable(), { sizeBytes: 10 })
    await assert.rejects(put, { code: 'forbidden', message: 'no reading here' })
  })

  it('hears a refusal that comes before the body is sent', async () => {
    await using server = await serveOn(LOOPBACK, (request, response) => {
      request.resume()
      const failure = { code: 'disk-full', message: 'the disk is full', requestId: 'r' }
      response.writeHead(507).end(JSON.stringify(failure))
    })
    await using opened = openTransport({ kind: 'address', base: server.base, key })
    const put = connectGuichet(opened).put('/a', pieces(200), { sizeBytes: 200 * 64 * 1024 })
    await assert.rejects(put, { code: 'disk-full' })
  })

  it('follows no redirect', async () => {
    const visitors: (string | undefined)[] = []
    await using elsewhere = await serveOn(LOOPBACK, (request, response) => {
      visitors.push(request.headers.authorization)
      response.end('{}')
    })
    await using server = await serveOn(LOOPBACK, (_request, response) => {
      response.writeHead(307, { location: elsewhere.base.href }).end()
    })
    await using opened = openTransport({ kind: 'address', base: server.base, key })
    await assert.rejects(connectGuichet(opened).keys(), { code: 'unavailable' })
    assert.deepEqual(visitors, [])
  })

  it('tells a cut answer from a whole one', async () => {
    await using server = await serveOn(LOOPBACK, (_request, response) => {
      response.writeHead(200, { 'content-length': '10' })
      response.write('12345', () => response.destroy())
    })
    await using opened = openTransport({ kind: 'address', base: server.base, key })
    const { body } = await connectGuichet(opened).get('/a')
    await assert.rejects(text(body), { code: 'unavailable' })
  })

  it('gives the reason of its signal', async () => {
    const stop = new AbortController()
    await using server = await serveOn(LOOPBACK, () => stop.abort(new GatewayError('cancelled', 'enough')))
    await using opened = openTransport({ kind: 'address', base: server.base, key })
    await assert.rejects(connectGuichet(opened).keys({ signal: stop.signal }), { message: 'enough' })
  })
})
