import { createServer, type Socket } from 'node:net'
import { connect } from 'node:tls'
import { GatewayError, SECOND_MS } from '@guichet/core'

/**
 * A way to a gateway that speaks TLS for programs that cannot speak it to a proxy, or do not trust its certificate: a
 * port on loopback, open as long as the program runs. Who connects there still needs a virtual key.
 */
export interface Relay extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string
}

export interface RelayOptions {
  /** `https://…` */
  readonly gateway: string
  /**
   * The fingerprint (SHA-256, `XX:XX:…`) that the certificate of the gateway has now; absent: it must be good for the
   * name, by what this process trusts.
   */
  readonly fingerprint?: (() => Promise<string | undefined>) | undefined
  /** Told once for each connection that did not come about. */
  readonly onFailure: (failure: GatewayError) => void
}

const CONNECT_TIMEOUT_MS = 10 * SECOND_MS

export async function openRelay({ gateway, fingerprint, onFailure }: RelayOptions): Promise<Relay> {
  const { hostname, port } = new URL(gateway)
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const open = new Set<Socket>()
  let known: string | undefined
  const requireCertificate = async (seen: string | undefined): Promise<void> => {
    if (fingerprint === undefined) return
    if (seen !== known) known = await fingerprint()
    if (seen === undefined || seen !== known)
      throw new GatewayError('forbidden', 'its certificate is not the one of the gateway')
  }
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    const upstream = connect({
      ...{ host, port: Number(port || 443), allowHalfOpen: true },
      ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
      // Then it is compared with the one that the gateway has told us on its local socket, before anything is sent.
      rejectUnauthorized: fingerprint === undefined,
    })
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.once('close', () => {
        open.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    client.on('error', () => undefined) // It closes, too.
    upstream.setTimeout(CONNECT_TIMEOUT_MS, () => upstream.destroy(new Error('it does not answer')))
    let failed = (cause: Error): void => {
      failed = () => undefined
      onFailure(unreachable(gateway, cause))
    }
    upstream.on('error', (cause) => failed(cause))
    upstream.once('secureConnect', async () => {
      try {
        await requireCertificate(upstream.getPeerX509Certificate()?.fingerprint256)
      } catch (cause) {
        upstream.destroy(GatewayError.from(cause))
        return
      }
      failed = () => undefined
      upstream.setTimeout(0)
      client.pipe(upstream).pipe(client)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}

function unreachable(gateway: string, cause: Error): GatewayError {
  return new GatewayError(
    'unavailable',
    `there was no connection to the gateway at ${gateway}: ${cause.message}`,
    {
      hint: '`guichet status` tells whether it runs',
      cause,
    },
  )
}
