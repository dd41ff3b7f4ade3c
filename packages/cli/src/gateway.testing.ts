import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createKeyText } from '@guichet/core'
import type { TestWorld } from './world.testing.ts'

/** What a command finds in the place of the gateway: its environment leads to this server until it is disposed of. */
export async function answerAsGateway(test: TestWorld, listener: RequestListener): Promise<AsyncDisposable> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  leadTo(test, (server.address() as AddressInfo).port)
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Nobody listens at port 1. */
export function leadNowhere(test: TestWorld): void {
  leadTo(test, 1)
}

function leadTo(test: TestWorld, port: number): void {
  const GUICHET_KEY = createKeyText((count) => new Uint8Array(count))
  test.env = { GUICHET_URL: `http://127.0.0.1:${port}`, GUICHET_KEY }
}
