import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { dispatch } from '../dispatch.ts'
import type { Service } from '../service.ts'
import type { Certificates } from './certificates.ts'
import { Hangup } from './hangup.ts'

// nginx's own default; the service answers as nginx (wire.md §1).
const KEEP_ALIVE_MS = 75_000

export interface RunningServer extends AsyncDisposable {
  readonly address: { readonly host: string; readonly port: number }
}

/** One TLS port for all host names: the certificate is good for every one, the Host header decides. */
export async function startServer(
  service: Service,
  certificates: Certificates,
  host: string,
  port: number,
): Promise<RunningServer> {
  const stopping = new AbortController()
  const server = createServer(
    // An upload may take four hours, so that no request has a time limit here.
    { cert: certificates.certPem, key: certificates.keyPem, ALPNProtocols: ['http/1.1'], requestTimeout: 0 },
    (request, response) => void dispatch(service, request, response, stopping.signal),
  )
  server.keepAliveTimeout = KEEP_ALIVE_MS
  await listen(server, host, port)
  const { port: actualPort } = addressOf(server)
  return {
    address: { host, port: actualPort },
    [Symbol.asyncDispose]: async () => {
      stopping.abort(new Hangup('at once'))
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen(port, host)
  await once(server, 'listening')
}

function addressOf(server: Server): AddressInfo {
  const address = server.address()
  if (address === null || typeof address === 'string')
    throw new Error('the emulator is not listening on a port')
  return address
}
