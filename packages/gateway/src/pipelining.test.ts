import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { describe, it } from 'node:test'
import { createPipelining } from './pipelining.ts'

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'

describe('a connection', () => {
  it('ends when its requests come faster than their answers', async () => {
    await using server = await openServer()
    const socket = connect(server.port, '127.0.0.1')
    socket.on('error', () => undefined).resume()
    socket.write(GET.repeat(1_000))
    await once(socket, 'close')
    assert.equal(server.taken.length, 4)
    await Promise.all(server.taken.map((response) => response.closed || once(response, 'close')))
  })

  it('takes every answer with it when it ends, also those before a CONNECT', async () => {
    await using server = await openServer()
    for (const text of [GET.repeat(3), `${GET.repeat(3)}CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n`]) {
      const socket = connect(server.port, '127.0.0.1')
      socket.on('error', () => undefined).resume()
      const before = server.taken.length
      socket.write(text)
      await server.takes(before + 3)
      const closed = server.taken.slice(before).map((response) => once(response, 'close'))
      socket.resetAndDestroy()
      await Promise.all(closed)
    }
  })

  it('goes on as long as they are answered, one after the other or a few at a time', async () => {
    await using server = await openServer()
    const socket = connect(server.port, '127.0.0.1')
    for (let round = 1; round <= 5; round += 1) {
      socket.write(GET.repeat(2))
      await server.takes(round * 2)
      for (const response of server.taken.slice(-2)) response.end('x')
      await Promise.all(server.taken.map((response) => response.closed || once(response, 'close')))
    }
    assert.equal(socket.destroyed, false)
    socket.destroy()
  })
})

async function openServer() {
  const taken: ServerResponse[] = []
  let onTaken = (): void => undefined
  const server = createServer(
    createPipelining().guard((_request, response) => {
      taken.push(response)
      onTaken()
    }),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    taken,
    takes(count: number): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>()
      onTaken = () => {
        if (taken.length >= count) resolve()
      }
      onTaken()
      return promise
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
