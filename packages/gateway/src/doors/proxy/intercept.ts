import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import { type Clock, GatewayError, systemCodeOf } from '@guichet/core'
import type { Log } from '../../log.ts'
import { createPipelining, refuseExpectation } from '../../pipelining.ts'
import type { ThroughTunnel } from '../../services/admission.ts'
import type { Authority } from './authority.ts'
import type { Leaf } from './certificates.ts'
import type { ProxyLimits } from './limits.ts'
import { refusalOf, refuseRequest } from './refusals.ts'
import { hostOfHeader } from './target.ts'
import type { Tunnel } from './tunnels.ts'

/** Answers one request inside a tunnel to a name of 1fichier. */
export type Serve = (request: IncomingMessage, response: ServerResponse, tunnel: ThroughTunnel) => void

export interface Interceptor {
  /**
   * Speaks TLS in 1fichier's place on a socket whose CONNECT has been answered, and serves the requests inside.
   * Resolves when the connection is over; rejects with `forbidden` when the client does not accept our certificate.
   */
  speak(socket: Socket, tunnel: Tunnel, through: ThroughTunnel): Promise<void>
  /** The certificate is ready: what can fail about it fails here, before CONNECT is answered. */
  prepare(): Promise<void>
}

interface Inside {
  readonly tunnel: Tunnel
  readonly through: ThroughTunnel
}

export function createInterceptor(options: {
  readonly authority: Authority
  readonly serve: Serve
  readonly clock: Clock
  readonly log: Log
  readonly limits: ProxyLimits
}): Interceptor {
  const { authority, serve, clock, log, limits } = options
  const inside = new WeakMap<Socket, Inside>()
  let current: { readonly leaf: Leaf; readonly context: SecureContext } | undefined

  // This server never listens: it is handed sockets that have finished their handshake.
  const server = createServer({
    maxHeaderSize: limits.headerBytes,
    keepAliveTimeout: limits.keepAliveMs,
    requireHostHeader: false,
  })
  server.timeout = limits.idleTimeoutMs
  const take = (request: IncomingMessage, response: ServerResponse): void => {
    const found = inside.get(request.socket)
    if (found === undefined) {
      request.socket.destroy()
      return
    }
    request.socket.setTimeout(limits.idleTimeoutMs)
    found.tunnel.began()
    response.once('close', () => found.tunnel.ended())
    answer(request, response, found, serve, log)
  }
  const pipelining = createPipelining()
  server.on('request', pipelining.guard(take))
  server.on('checkExpectation', pipelining.guard(refuseExpectation))

  const contextNow = async (): Promise<SecureContext> => {
    const leaf = await authority.leaf(clock.nowMs())
    if (current?.leaf !== leaf) {
      const context = createSecureContext({ key: leaf.keyPem, cert: leaf.certPem, minVersion: 'TLSv1.2' })
      current = { leaf, context }
    }
    return current.context
  }

  return {
    async prepare() {
      await contextNow()
    },

    async speak(socket, tunnel, through) {
      const secured = new TLSSocket(socket, {
        isServer: true,
        secureContext: await contextNow(),
        ALPNProtocols: ['http/1.1'],
      })
      // After the handshake the HTTP server watches the socket; before it, and after it, errors end here.
      secured.on('error', () => secured.destroy())
      secured.once('close', () => socket.destroy())
      await handshake(secured, tunnel.gone, clock, limits.handshakeMs, through.host)
      inside.set(secured, { tunnel, through })
      server.emit('connection', secured)
      secured.setTimeout(limits.keepAliveMs)
      await closeOf(secured)
    },
  }
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  found: Inside,
  serve: Serve,
  log: Log,
): void {
  const { principal, host } = found.through
  const problem = problemOf(request, host)
  if (problem !== undefined) {
    refuseRequest(response, problem)
    return
  }
  try {
    serve(request, response, found.through)
  } catch (failure) {
    const error = GatewayError.from(failure)
    log.error({ host, key: principal.key, code: error.code, cause: String(error.cause) }, error.message)
    if (response.headersSent) response.destroy()
    else refuseRequest(response, refusalOf(error))
  }
}

/** Requests that two readers could understand in two ways are refused before anybody reads them. */
function problemOf(
  request: IncomingMessage,
  host: string,
): { readonly status: number; readonly message: string; readonly hint: string } | undefined {
  const hosts = request.headersDistinct['host'] ?? []
  const authorizations = request.headersDistinct['authorization'] ?? []
  if (hosts.length !== 1 || authorizations.length > 1) {
    return {
      status: 400,
      message: 'a request needs exactly one Host header and at the most one Authorization header',
      hint: 'send each of them once',
    }
  }
  const named = hostOfHeader(hosts[0] ?? '')
  if (named?.host !== host || (named.port !== undefined && named.port !== 443)) {
    return {
      status: 421,
      message: `this tunnel leads to ${host}, not to the host of the request`,
      hint: 'open a tunnel for each host',
    }
  }
  if (request.url?.startsWith('/') !== true) {
    return {
      status: 400,
      message: 'the target of a request inside a tunnel begins with a slash',
      hint: 'do not speak to a second proxy inside the tunnel',
    }
  }
  return undefined
}

async function handshake(
  secured: TLSSocket,
  gone: AbortSignal,
  clock: Clock,
  timeoutMs: number,
  host: string,
): Promise<void> {
  const settled = new AbortController()
  try {
    await Promise.race([
      new Promise<void>((resolve, reject) => {
        secured.once('secure', () => resolve())
        secured.once('error', reject)
        secured.once('close', () => reject(new Error('closed')))
      }),
      clock.sleep(timeoutMs, AbortSignal.any([settled.signal, gone])).then(() => {
        throw new Error('no handshake in time')
      }),
    ])
  } catch (failure) {
    secured.destroy()
    throw new GatewayError('forbidden', `the client ended the TLS handshake for ${host}`, {
      hint: 'if it says that the certificate is unknown, let it trust the ca.pem of this gateway',
      facts: { host, reason: systemCodeOf(failure) ?? (failure instanceof Error ? failure.message : '') },
    })
  } finally {
    settled.abort()
  }
}

function closeOf(socket: Socket): Promise<void> {
  if (socket.closed) return Promise.resolve()
  return new Promise((resolve) => {
    socket.once('close', () => resolve())
  })
}
