import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { describe, it } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { selfSigned } from '../self-signed.testing.ts'
import { createHttp, type HttpPatience } from './http.ts'

const POST = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n'
const HOUR = 3_600_000
type HttpOptions = Omit<NonNullable<Parameters<typeof createHttp>[1]>, 'patience'>

describe('a client that keeps a connection for nothing', () => {
  it('is cut off some time after its answer, though it goes on sending bit by bit', async () => {
    await using server = await openServer({ restMs: 20 })
    const { socket, response } = await server.asks(POST)
    response.end('no')
    await once(socket, 'data')
    const trickle = setInterval(() => socket.write('x'), 1)
    await closeOf(socket)
    clearInterval(trickle)
  })

  it('is cut off when it does not send the request that it has begun', async () => {
    await using server = await openServer({ silenceMs: 20 })
    const { socket, request } = await server.asks(`${POST}some of it`)
    request.resume()
    await closeOf(socket)
  })

  it('is cut off when it does not take the answer that it has asked for', async () => {
    await using server = await openServer({ silenceMs: 20 })
    const { socket, response } = await server.asks('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    socket.pause()
    response.write(Buffer.alloc(64 * 1024 * 1024))
    await once(response, 'close')
  })
})

describe('a client that is slow on purpose (R4)', () => {
  it('is cut off when its headers do not come in time, however many bytes it sends, or none (R4)', async () => {
    await using server = await openServer({ headersMs: 50 })
    const silent = connect(server.port, '127.0.0.1').on('error', () => undefined)
    const slow = connect(server.port, '127.0.0.1').on('error', () => undefined)
    slow.write('GET / HTTP/1.1\r\nHost: x\r\n')
    const drip = setInterval(() => slow.write('X-A: b\r\n'), 5)
    let told = ''
    slow.on('data', (chunk: Buffer) => {
      told += chunk.toString('latin1')
    })
    await Promise.all([closeOf(silent.resume()), closeOf(slow)])
    clearInterval(drip)
    assert.match(told, /^(?:HTTP\/1\.1 408 |$)/)
  })

  it('is cut off when a form or JSON does not come in time, and content may take hours (R4)', async () => {
    await using server = await openServer({ smallBodyMs: 50 })
    const post = (type: string): string =>
      `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: 100000\r\n\r\n`
    const small = ['application/json', 'application/json; charset=utf-8', 'application/x-www-form-urlencoded']
    const content = await server.asks(post('multipart/form-data; boundary=x'))
    for (const type of small) {
      const { socket, request } = await server.asks(post(type))
      request.resume()
      const drip = setInterval(() => socket.write('x'), 5)
      await closeOf(socket)
      clearInterval(drip)
    }
    assert.equal(content.socket.destroyed, false)
  })

  it('answers a request that came whole though its answer takes longer (R4)', async () => {
    await using server = await openServer({ smallBodyMs: 20 })
    const text = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'
    const { socket, request, response } = await server.asks(text)
    await once(request.resume(), 'end')
    const late = await server.asks(text.slice(0, -2))
    await closeOf(late.socket)
    response.end('late')
    assert.match(String((await once(socket, 'data'))[0]), /late$/)
  })
})

describe('one address (R4)', () => {
  it('holds so many connections and no more, and others are not touched by it (R4)', async () => {
    await using server = await openServer({}, { crowd: { most: 3, exempt: ['127.0.0.9'] } })
    const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
    const held = [await server.asks(GET), await server.asks(GET), await server.asks(GET)]
    const fourth = connect(server.port, '127.0.0.1').on('error', () => undefined)
    await closeOf(fourth.resume())
    for (const localAddress of ['127.0.0.2', ...Array<string>(5).fill('127.0.0.9')])
      await server.asks(GET, localAddress)
    const [first] = held
    first?.socket.destroy()
    await once(first?.response ?? assert.fail(), 'close')
    await server.asks(GET)
  })
})

describe('the port with a certificate (U6)', () => {
  it('speaks TLS 1.2 or newer and HTTP/1.1, and nothing in clear (U6)', async () => {
    const pair = await selfSigned(['guichet.example'])
    await using server = await openServer({}, { tls: pair })
    const plain = connect(server.port, '127.0.0.1').on('error', () => undefined)
    plain.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    let got = ''
    plain.on('data', (chunk: Buffer) => {
      got += chunk.toString('latin1')
    })
    await closeOf(plain)
    assert.doesNotMatch(got, /HTTP/)
    const old = connectTls({
      port: server.port,
      ca: pair.cert,
      servername: 'guichet.example',
      maxVersion: 'TLSv1.1',
    })
    await assert.rejects(once(old, 'secureConnect'))
    const socket = connectTls({
      ...{ port: server.port, host: '127.0.0.1', ca: pair.cert },
      ...{ servername: 'guichet.example', ALPNProtocols: ['h2', 'http/1.1'] },
    })
    await once(socket, 'secureConnect')
    assert.deepEqual([socket.authorized, socket.alpnProtocol], [true, 'http/1.1'])
    const { response } = await server.takes(() => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'))
    response.end('safe')
    assert.match(String((await once(socket, 'data'))[0]), /safe$/)
    socket.destroy()
  })
})

describe('a client that waits for us', () => {
  it('keeps its connection, whether its request is whole or we have not read it yet', async () => {
    await using server = await openServer({ silenceMs: 20 })
    const whole = await server.asks('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    const unread = await server.asks(`${POST}some of it`)
    // Those that are cut off tell that the time is over, several times.
    for (let round = 0; round < 3; round += 1) {
      const { socket, request } = await server.asks(POST)
      request.resume()
      await closeOf(socket)
    }
    for (const { socket, response } of [whole, unread]) {
      response.end('here it is')
      const [answer] = await once(socket, 'data')
      assert.match(String(answer), /here it is$/)
    }
  })
})

describe('a CONNECT', () => {
  const CONNECT = 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n'

  it('ends a connection that still owes an answer, and the answer with it', async () => {
    await using server = await openServer({})
    const { socket, response } = await server.asks(`GET / HTTP/1.1\r\nHost: x\r\n\r\n${CONNECT}`)
    await Promise.all([closeOf(socket), once(response, 'close')])
    assert.equal(server.tunnels(), 0)
  })

  it('is handed on when nothing is owed', async () => {
    await using server = await openServer({})
    const { socket, response } = await server.asks('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    response.end('first')
    await once(socket, 'data')
    socket.write(CONNECT)
    const [tunnel] = await once(socket, 'data')
    assert.equal(String(tunnel), 'a tunnel')
    assert.equal(server.tunnels(), 1)
  })
})

async function openServer(patience: Partial<HttpPatience>, more: HttpOptions = {}) {
  let tunnels = 0
  const connectTo = (_request: IncomingMessage, socket: Duplex): void => {
    tunnels += 1
    socket.end('a tunnel')
  }
  const arrivals: ((come: { request: IncomingMessage; response: ServerResponse }) => void)[] = []
  const server = createHttp(
    (request, response) => {
      request.on('error', () => undefined)
      response.on('error', () => undefined)
      arrivals.shift()?.({ request, response })
    },
    {
      patience: { headersMs: HOUR, smallBodyMs: HOUR, restMs: HOUR, silenceMs: HOUR, ...patience },
      connect: connectTo,
      ...more,
    },
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const sockets: Socket[] = []
  const takes = (send: () => void) => {
    const come = new Promise<{ request: IncomingMessage; response: ServerResponse }>((resolve) =>
      arrivals.push(resolve),
    )
    send()
    return come
  }
  return {
    server,
    port,
    tunnels: () => tunnels,
    takes,
    /** Sends this much of a request, and gives both ends of it. */
    async asks(text: string, localAddress?: string) {
      const socket = connect({ port, host: '127.0.0.1', ...(localAddress !== undefined && { localAddress }) })
      socket.on('error', () => undefined)
      sockets.push(socket)
      return { socket, ...(await takes(() => socket.write(text))) }
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** However it came about: a client that still sends meets an error first. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve())
  })
}
