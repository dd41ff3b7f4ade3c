import type { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Clock, GatewayError, isUpstreamHost, type KeyId, SECOND_MS } from '@guichet/core'
import type { Log } from '../../log.ts'
import type { TunnelAttempt, TunnelMeters, TunnelWay } from '../../services/admission.ts'
import { clientAddress } from '../../services/client-address.ts'
import { untilMoment } from '../../services/expiry.ts'
import { hideKeys } from '../../services/hidden-keys.ts'
import { type Credentials, type Principal, parseCredentials } from '../../services/principals.ts'
import { transportOf } from '../../services/transport.ts'
import type { Authority } from './authority.ts'
import { createInterceptor, type Serve } from './intercept.ts'
import { join } from './join.ts'
import { PROXY_LIMITS, type ProxyLimits } from './limits.ts'
import { type Refusal, refusalOf, refuseRequest, refuseTunnel } from './refusals.ts'
import { parseTarget, type Target } from './target.ts'
import { createTunnels, type Tunnel } from './tunnels.ts'

/**
 * The intercepting proxy: the way in for tools whose hosts are hard-coded.
 *
 * For names of 1fichier it speaks TLS in their place and hands the requests to `serve`; to other hosts it passes bytes
 * for those who may. It speaks nothing to anybody without a virtual key.
 */
export interface ProxyDoor extends AsyncDisposable {
  /** For `connect` of the HTTP server. */
  connect(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Answers a request in the absolute form (`GET http://…`), which only proxies get; false for any other request. */
  absolute(request: IncomingMessage, response: ServerResponse): boolean
  /** Ends the tunnels of a key, as when it is revoked; returns how many there were. */
  cut(key: KeyId | 'owner'): number
  /** Lets the tunnels that a key has now go on until a moment and no longer: its text has been replaced. */
  limit(key: KeyId, untilMs: number): void
  /** Takes no new tunnel, ends each as soon as nothing is being answered in it, and resolves when all are gone. */
  drain(): Promise<void>
}

/** A refused client has so long to read why. */
const LINGER_MS = 2 * SECOND_MS

export interface ProxyDoorOptions {
  readonly authority: Authority
  /** Who is behind these credentials. Records a refusal; rejects with `unauthenticated`. */
  readonly authenticate: (
    credentials: Credentials | undefined,
    target: string,
    way: TunnelWay,
  ) => Promise<Principal>
  /** Blocks of addresses of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies?: readonly string[]
  readonly serve: Serve
  /** May this principal have bytes passed to a host that is not 1fichier's? Records the decision; rejects with `forbidden`. */
  readonly mayTunnel: (principal: Principal, target: string) => Promise<void>
  /** Records what is refused on the way to a tunnel, and gives back the error to tell. */
  readonly refused: (attempt: TunnelAttempt, failure: unknown) => Promise<GatewayError>
  /** Counts what passes against the budgets of whoever opened the tunnel; rejects with `over-budget`. */
  readonly count: (principal: Principal, target: string, gone: AbortSignal) => Promise<TunnelMeters>
  /** Opens a connection to a public address of a host. */
  readonly dial: (host: string, port: number, signal: AbortSignal) => Promise<Socket>
  readonly clock: Clock
  readonly log: Log
  readonly limits?: Partial<ProxyLimits>
}

export function openProxyDoor(options: ProxyDoorOptions): ProxyDoor {
  const { authority, serve, clock, log } = options
  const limits: ProxyLimits = { ...PROXY_LIMITS, ...options.limits }
  const tunnels = createTunnels(limits.tunnels)
  const interceptor = createInterceptor({ authority, serve, clock, log, limits })

  const refuse = (socket: Socket, refusal: Refusal, gone: AbortSignal): void => {
    refuseTunnel(socket, refusal)
    clock.sleep(LINGER_MS, gone).then(
      () => socket.destroy(),
      () => undefined,
    )
  }

  /** Resolves when the tunnel is over; rejects when it was not opened, or its handshake failed. */
  const enter = async (request: IncomingMessage, socket: Socket, head: Buffer, tunnel: Tunnel) => {
    const { trustedProxies = [] } = options
    const from = clientAddress(request, trustedProxies)
    const way = { from, transport: transportOf(request, trustedProxies) }
    const noted = noteWith(options.refused, { from, target: () => tunnel.target })
    const target = await noted(undefined, () => parseTarget(request.url ?? ''))
    tunnel.leadsTo(`${target.host}:${target.port}`)
    const credentials = await noted(undefined, () => credentialsOf(request))
    const principal = await options.authenticate(credentials, tunnel.target, way)
    if (tunnels.of(principal.key).length >= limits.tunnelsPerKey) throw tooMany()
    tunnel.authenticated(principal.key)
    endAt(principal.expiresMs, tunnel, clock)
    if (isUpstreamHost(target.host)) {
      await noted(principal, () => refuseUncovered(target))
      await interceptor.prepare()
      accept(tunnel, head)
      await interceptor.speak(socket, tunnel, { principal, host: target.host, from })
    } else {
      await noted(principal, () => refuseClosedPort(target, limits.ports))
      await options.mayTunnel(principal, tunnel.target)
      const meters = await options.count(principal, tunnel.target, tunnel.gone)
      const dialled = noted(principal, () => options.dial(target.host, target.port, tunnel.gone))
      await using server = ownSocket(await dialled)
      accept(tunnel, head)
      await join(socket, server.socket, limits.idleTimeoutMs, meters)
    }
  }

  const connect = (request: IncomingMessage, socket: Socket, head: Buffer): void => {
    // Errors show as `close`, which everybody here waits for; without a listener they would end the process.
    socket.on('error', () => undefined)
    socket.setTimeout(0)
    const startMs = clock.nowMs()
    const facts = { remote: socket.remoteAddress ?? '' }
    const tunnel = tunnels.admit(socket)
    if (tunnel === undefined) {
      log.warn(facts, 'refused a tunnel: too many, or stopping')
      refuse(socket, refusalOf(tooMany()), goneOf(socket))
      return
    }
    enter(request, socket, head, tunnel)
      .then(() => {
        const { bytesRead, bytesWritten } = socket
        const durationMs = clock.nowMs() - startMs
        log.info({ ...facts, ...namesOf(tunnel), bytesRead, bytesWritten, durationMs }, 'a tunnel ended')
      })
      .catch((failure: unknown) => {
        if (tunnel.gone.aborted && !(failure instanceof GatewayError)) return
        const error = GatewayError.from(failure)
        const what = { ...facts, ...namesOf(tunnel), code: error.code, ...error.facts }
        if (error.code === 'internal') log.error({ ...what, cause: String(error.cause) }, error.message)
        else log.warn(what, error.message)
        // A tunnel that has begun carries somebody else's protocol: there is no place for our words in it.
        if (tunnel.isAccepted) socket.destroy()
        else refuse(socket, refusalOf(error), tunnel.gone)
      })
  }

  return {
    connect(request, socket, head) {
      if (socket instanceof Socket) connect(request, socket, head)
      else socket.destroy()
    },
    absolute(request, response) {
      if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(request.url ?? '')) return false
      response.shouldKeepAlive = false
      const from = clientAddress(request, options.trustedProxies ?? [])
      const attempt = { principal: undefined, from, target: hideKeys(request.url ?? '').slice(0, 200) }
      options.refused(attempt, plainHttp(request.url ?? '')).then(
        (error) => refuseRequest(response, refusalOf(error)),
        (failure: unknown) => refuseRequest(response, refusalOf(GatewayError.from(failure))),
      )
      return true
    },
    cut: (key) => tunnels.cut(key),
    limit(key, untilMs) {
      for (const tunnel of tunnels.of(key)) endAt(untilMs, tunnel, clock)
    },
    drain: () => tunnels.drain(),
    [Symbol.asyncDispose]: () => tunnels[Symbol.asyncDispose](),
  }
}

/** Runs a step before the tunnel; what it refuses is recorded before it is told. */
function noteWith(
  refused: ProxyDoorOptions['refused'],
  { from, target }: { readonly from: string | undefined; readonly target: () => string },
) {
  return async <T>(principal: Principal | undefined, step: () => T | Promise<T>): Promise<T> => {
    try {
      return await step()
    } catch (failure) {
      throw await refused({ principal, from, target: target() }, failure)
    }
  }
}

function credentialsOf(request: IncomingMessage): Credentials | undefined {
  const sent = request.headersDistinct['proxy-authorization'] ?? []
  if (sent.length > 1) {
    throw new GatewayError('invalid', 'there is more than one Proxy-Authorization header', {
      hint: 'send it once',
    })
  }
  return parseCredentials(sent[0])
}

/** Tells the client to begin. What it sent before being told belongs to the tunnel. */
function accept(tunnel: Tunnel, head: Buffer): void {
  const { socket } = tunnel
  if (socket.destroyed) throw new GatewayError('cancelled', 'the client left before its tunnel was open')
  tunnel.accepted()
  if (head.length > 0) socket.unshift(head)
  socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
}

/** A tunnel ends when its key does: what passes through it is asked for no key again. */
function endAt(momentMs: number | undefined, { socket, gone }: Tunnel, clock: Clock): void {
  if (momentMs === undefined) return
  untilMoment(clock, momentMs, gone).then(
    () => socket.destroy(),
    () => undefined,
  )
}

function namesOf(tunnel: Tunnel): { readonly key: string; readonly target: string } {
  return { key: tunnel.key ?? 'nobody', target: tunnel.target }
}

function ownSocket(socket: Socket): AsyncDisposable & { readonly socket: Socket } {
  return {
    socket,
    async [Symbol.asyncDispose]() {
      socket.destroy()
    },
  }
}

/** Our certificate covers `1fichier.com` and the names one label below it, and only TLS. */
function refuseUncovered({ host, port }: Target): void {
  if (!/^(?:[^.]+\.)?1fichier\.com$/.test(host)) {
    throw new GatewayError('forbidden', `${host} is 1fichier's, but not a name that this proxy speaks for`, {
      hint: 'the proxy speaks for 1fichier.com and the names right below it; open links of other domains with `guichet get`',
      facts: { host },
    })
  }
  if (port !== 443) {
    throw new GatewayError('forbidden', `this proxy speaks for ${host} on port 443 only`, {
      hint: 'use https:// and the usual port: nothing of 1fichier goes in clear',
      facts: { host, port },
    })
  }
}

function refuseClosedPort({ host, port }: Target, ports: readonly number[]): void {
  if (ports.includes(port)) return
  throw new GatewayError('forbidden', `tunnels to port ${port} are closed`, {
    hint: `this proxy opens tunnels to the ports ${ports.join(', ')}`,
    facts: { host, port },
  })
}

function tooMany(): GatewayError {
  return new GatewayError('unavailable', 'there are too many tunnels, or the gateway is stopping', {
    hint: 'end some, then try again',
    retryAfterMs: 5 * SECOND_MS,
  })
}

function plainHttp(url: string): GatewayError {
  const isUpstream = URL.canParse(url) && isUpstreamHost(new URL(url).hostname)
  const message = isUpstream ? 'nothing of 1fichier goes in clear' : 'this proxy passes no requests in clear'
  return new GatewayError('forbidden', message, { hint: 'use https://, for which the client opens a tunnel' })
}

function goneOf(socket: Socket): AbortSignal {
  const closed = new AbortController()
  socket.once('close', () => closed.abort())
  return closed.signal
}
