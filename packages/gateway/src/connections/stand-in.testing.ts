import type { RequestListener } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { selfSigned } from '../self-signed.testing.ts'

/** A TLS server on a port of its own that answers as 1fichier's names would. */
export interface StandIn extends AsyncDisposable {
  readonly route: { readonly host: string; readonly port: number }
  readonly caPem: string
  readonly server: Server
  /** How many connections are open now. */
  openCount(): number
  /** The names that clients asked for by SNI, in order. */
  readonly names: readonly (string | undefined)[]
}

export async function openStandIn(
  listener: RequestListener,
  certNames: readonly string[] = ['1fichier.com', '*.1fichier.com'],
): Promise<StandIn> {
  const { key, cert } = await selfSigned(certNames)
  const names: (string | undefined)[] = []
  const open = new Set<Socket>()
  const server = createServer({ key, cert }, listener)
  server.on('secureConnection', (socket) => {
    names.push(typeof socket.servername === 'string' ? socket.servername : undefined)
  })
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    route: { host: '127.0.0.1', port },
    caPem: cert,
    server,
    names,
    openCount: () => open.size,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
