import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { describe, it } from 'node:test'
import { createHttp, type HttpPatience } from './http.ts'

const POST = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n'
const HOUR = 3_600_000

describe('a client that keeps a connection for nothing', () => {
  it('is cut off some time after its answer, though it goes on sending bit by bit', async () => {
    await using server = await openServer({ restMs: 20, silenceMs: HOUR })
    const { socket, response } = await server.asks(POST)
    response.end('no')
    await once(socket, 'data')
    const trickle = setInterval(() => socket.write('x'), 1)
    await closeOf(socket)
    clearInterval(trickle)
  })

  it('is cut off when it does not send the request that it has begun', async () => {
    await using server = await openServer({ restMs: HOUR, silenceMs: 20 })
    const { socket, request } = await server.asks(`${POST}some of it`)
    request.resume()
    await closeOf(socket)
  })

  it('is cut off when it does not take the answer that it has asked for', async () => {
    await using server = await openServer({ restMs: HOUR, silenceMs: 20 })
    const { socket, response } = await server.asks('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    socket.pause()
    response.write(Buffer.alloc(64 * 1024 * 1024))
    await once(response, 'close')
  })
})

describe('a client that waits for us', () => {
  it('keeps its connection, whether its request is whole or we have not read it yet', async () => {
    await using server = await openServer({ restMs: HOUR, silenceMs: 20 })
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
    await using server = await openServer({ restMs: HOUR, silenceMs: HOUR })
    const { socket, response } = await server.asks(`GET / HTTP/1.1\r\nHost: x\r\n\r\n${CONNECT}`)
    await Promise.all([closeOf(socket), once(response, 'close')])
    assert.equal(server.tunnels(), 0)
  })

  it('is handed on when nothing is owed', async () => {
    await using server = await openServer({ restMs: HOUR, silenceMs: HOUR })
    const { socket, response } = await server.asks('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    response.end('first')
    await once(socket, 'data')
    socket.write(CONNECT)
    const [tunnel] = await once(socket, 'data')
    assert.equal(String(tunnel), 'a tunnel')
    assert.equal(server.tunnels(), 1)
  })
})

async function openServer(patience: HttpPatience) {
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
    { patience, connect: connectTo },
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const sockets: Socket[] = []
  return {
    tunnels: () => tunnels,
    /** Sends this much of a request, and gives both ends of it. */
    async asks(text: string) {
      const come = new Promise<{ request: IncomingMessage; response: ServerResponse }>((resolve) =>
        arrivals.push(resolve),
      )
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => undefined)
      sockets.push(socket)
      socket.write(text)
      return { socket, ...(await come) }
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
