import { chmod, mkdir, rm } from 'node:fs/promises'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Server as HttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { inspect } from 'node:util'
import { type Clock, GatewayError, isUpstreamHost, SECOND_MS, systemCodeOf, TRAITS } from '@guichet/core'
import type { Log } from '../log.ts'
import { plainAddress } from '../services/addresses.ts'
import { unknownCaller } from '../services/admission.ts'
import { clientAddress } from '../services/client-address.ts'
import type { Gate } from '../services/gate.ts'
import { hideKeys } from '../services/hidden-keys.ts'
import { transportOf } from '../services/transport.ts'
import { type ApiDoor, isApiPath, sendFailure } from './api/door.ts'
import { crowdRule } from './crowd.ts'
import { ambiguityOf } from './framing.ts'
import { type CertificatePair, createHttp, TLS_OPTIONS } from './http.ts'
import type { NativeDoor } from './native/door.ts'
import { retryHeaders, sendRefusal } from './native/refusals.ts'
import type { ProxyDoor } from './proxy/door.ts'
import { createVisits, dropBody, sendJson, sendText, type Visit, type Visits } from './visit.ts'

/** Transfers that are under way when the gateway is asked to stop may go on for so long. */
const DRAIN_MS = 20 * SECOND_MS
/** Whoever comes too early or too late is told to come again after so long. */
const COME_AGAIN_MS = 5 * SECOND_MS

export interface Doors {
  readonly native: NativeDoor
  readonly api: ApiDoor
  readonly proxy: ProxyDoor
  /** Has the last word on requests that no door gets to see. */
  readonly gate: Gate
  /** Is the gateway able to do its work? */
  health(): Promise<{ readonly isReady: boolean; readonly keyholder: string }>
}

/** One port for every door, and the local socket of the owner. */
export interface DoorServer extends AsyncDisposable {
  /** `127.0.0.1:8474`, with the port that was really taken. */
  readonly address: string
  readonly visits: Visits
  /** Answers a request that came through a tunnel of the proxy door. */
  serve(request: IncomingMessage, response: ServerResponse, tunnel: Visit['tunnel']): void
  /** New connections get this certificate. */
  useCertificate(pair: CertificatePair): void
  /** Begins to answer. */
  open(doors: Doors): void
  /** Takes nothing new; resolves when nothing is under way any more, cutting what takes too long. */
  drain(): Promise<void>
}

/** Takes the port and the socket; until `open`, requests are told to come again. */
export async function listen(options: {
  readonly listen: { readonly host: string; readonly port: number }
  /** The certificate of the port; without it the port speaks plain HTTP. */
  readonly tls?: CertificatePair | undefined
  readonly adminSocket: string
  /** Blocks of addresses of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies?: readonly string[]
  readonly random: (count: number) => Uint8Array
  readonly clock: Clock
  readonly log: Log
}): Promise<DoorServer> {
  await using opened = new AsyncDisposableStack()
  const visits = createVisits(options.clock)
  const { trustedProxies = [] } = options
  const state: { doors: Doors | undefined; isStopping: boolean } = { doors: undefined, isStopping: false }

  const newRequestId = (): string => Buffer.from(options.random(8)).toString('hex')

  function visit(
    request: IncomingMessage,
    response: ServerResponse,
    isLocal: boolean,
    tunnel: Visit['tunnel'],
  ): void {
    const requestId = newRequestId()
    response.setHeader('x-request-id', requestId)
    response.on('error', () => undefined) // The client went away: its visit ends by its signal.
    const { doors } = state
    if (doors === undefined || state.isStopping) {
      tellNotOpen(response, requestId, state.isStopping ? 'stopping' : 'starting')
      return
    }
    const url = URL.parse(`http://guichet${request.url}`)
    const from = isLocal ? undefined : (tunnel ?? { from: clientAddress(request, trustedProxies) }).from
    const unwelcome = unwelcomeIn(request, url, tunnel)
    if (url === null || unwelcome !== undefined) {
      const door = isLocal ? 'admin' : tunnel === undefined ? 'native' : 'proxy'
      const target = url === null ? 'a path that cannot be read' : shownPath(url)
      turnAway(response, unknownCaller(doors.gate, { door, requestId, from }, target, unwelcome))
      return
    }
    const { signal, identify } = visits.begin(response)
    const note = (error: GatewayError): void => noteFailure(options.log, requestId, shownPath(url), error)
    const transport = isLocal ? 'machine' : transportOf(request, trustedProxies)
    const way = { isLocal, from, transport, tunnel }
    const here: Visit = { request, response, requestId, url, ...way, signal, identify, note }
    signal.addEventListener('abort', () => response.destroy())
    answer(doors, here).catch((failure: unknown) => {
      note(GatewayError.from(failure))
      dropBody(request)
      if (response.headersSent) response.destroy()
      else sendText(response, 500, `something failed inside the gateway; look for ${requestId} in its log\n`)
    })
  }

  const tcp = opened.adopt(
    createHttp(
      (request, response) => {
        if (state.doors?.proxy.absolute(request, response) !== true)
          visit(request, response, false, undefined)
      },
      {
        tls: options.tls,
        crowd: crowdRule(trustedProxies),
        connect(request, socket, head) {
          if (state.doors === undefined || state.isStopping) socket.destroy()
          else state.doors.proxy.connect(request, socket, head)
        },
        unread: (address) => {
          if (state.doors !== undefined) void noteUnread(state.doors.gate, newRequestId(), address)
        },
      },
    ),
    close,
  )
  await bind(tcp, options.listen, `${options.listen.host}:${options.listen.port}`)
  const admin = opened.adopt(
    createHttp((request, response) => visit(request, response, true, undefined)),
    close,
  )
  await bindLocal(admin, options.adminSocket)

  const { address, port, family } = tcp.address() as AddressInfo
  const owned = opened.move()
  return {
    address: family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`,
    visits,
    useCertificate(pair) {
      if (tcp instanceof HttpsServer) tcp.setSecureContext({ ...TLS_OPTIONS, ...pair })
    },
    serve: (request, response, tunnel) => visit(request, response, false, tunnel),
    open: (doors) => {
      state.doors = doors
    },
    async drain() {
      state.isStopping = true
      tcp.close()
      admin.close()
      const patience = new AbortController()
      const timer = options.clock.sleep(DRAIN_MS, patience.signal).then(
        () => patience.abort(),
        () => undefined,
      )
      await visits.drain(patience.signal)
      patience.abort()
      await timer
    },
    async [Symbol.asyncDispose]() {
      state.isStopping = true
      await visits.drain(AbortSignal.abort())
      await owned.disposeAsync()
      await rm(options.adminSocket, { force: true })
    },
  }
}

/** Whoever sent it has been refused; if the ledger cannot have the line, whatever comes next is told so. */
async function noteUnread(gate: Gate, requestId: string, address: string | undefined): Promise<void> {
  const from = address === undefined ? undefined : plainAddress(address)
  const refusal = new GatewayError('invalid', 'the request cannot be read as HTTP, or in more than one way')
  await unknownCaller(gate, { door: 'native', requestId, from }, 'a request', refusal).catch(() => undefined)
}

async function answer(doors: Doors, visit: Visit): Promise<void> {
  const path = visit.url.pathname
  if (doors.native.takes(path)) return doors.native.answer(visit)
  // In a tunnel we speak for 1fichier, which has nothing else.
  if (visit.tunnel === undefined && doors.api.takes(path)) return doors.api.answer(visit)
  dropBody(visit.request)
  if (path === '/healthz') {
    const { isReady, keyholder } = await doors.health()
    return sendJson(visit.response, isReady ? 200 : 503, { status: isReady ? 'ok' : 'not ready', keyholder })
  }
  if (path === '/') return sendText(visit.response, 200, WELCOME)
  sendText(visit.response, 404, `there is no ${hideKeys(path).slice(0, 200)} here\n\n${WELCOME}`)
}

const WELCOME = `This is Guichet, the counter between your tools and one 1fichier account.

  /v1/*.cgi    1fichier's API, with a virtual key as Bearer or as the password of Basic
  /api/v1/     Guichet's own API
  /healthz     is it ready?
  CONNECT      the proxy for tools whose hosts are hard-coded: \`guichet run -- COMMAND\`

Keys are made with \`guichet key create\` on the machine of the gateway.
`

async function bind(
  server: Server,
  where: { host: string; port: number } | { path: string },
  name: string,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    // It stays: a connection that cannot be accepted (too many open files) must not end the process.
    server.on('error', (failure) => reject(cannotListen(failure, name)))
    server.listen(where, resolve)
  })
}

/** Only the owner of the home may open the socket; one left by a dead gateway is in nobody's use, as the home is locked. */
async function bindLocal(server: Server, socket: string): Promise<void> {
  await mkdir(path.dirname(socket), { recursive: true, mode: 0o700 })
  await rm(socket, { force: true })
  await bind(server, { path: socket }, socket)
  await chmod(socket, 0o600)
}

function cannotListen(failure: Error, name: string): GatewayError {
  const why = systemCodeOf(failure)
  const hints: Readonly<Record<string, string>> = {
    EADDRINUSE:
      'another program uses this port: stop it, or choose another with `guichet serve --listen HOST:PORT`',
    EACCES: 'choose a port above 1023, or another directory',
    EADDRNOTAVAIL: 'this machine has no such address',
    EINVAL: 'the path of a socket is limited to about 100 characters: choose a shorter GUICHET_HOME',
  }
  return new GatewayError('conflict', `cannot listen on ${name} (${why ?? failure.message})`, {
    hint: hints[why ?? ''],
    cause: failure,
  })
}

async function close(server: Server): Promise<void> {
  const closed = server.listening ? new Promise((resolve) => server.close(resolve)) : undefined
  server.closeAllConnections()
  await closed
}

/** Why a request is not for any door. */
function unwelcomeIn(
  request: IncomingMessage,
  url: URL | null,
  tunnel: Visit['tunnel'],
): GatewayError | undefined {
  const ambiguity = ambiguityOf(request) ?? (url === null ? 'a target that is no address' : undefined)
  if (ambiguity !== undefined)
    return new GatewayError('invalid', `this request can be understood in more than one way: ${ambiguity}`)
  if (isFromElsewhere(request, tunnel))
    return new GatewayError('forbidden', 'pages of other sites may not send anything here')
  return undefined
}

/** Nothing behind such a request on its connection is looked at. */
function turnAway(response: ServerResponse, recorded: Promise<GatewayError>): void {
  response.shouldKeepAlive = false
  recorded.catch(GatewayError.from).then((error) => {
    sendText(response, TRAITS[error.code].http, `${error.message}\n`)
  })
}

/** In the words of the door that was meant, so that its clients come again instead of taking it for somebody else. */
function tellNotOpen(response: ServerResponse, requestId: string, why: 'starting' | 'stopping'): void {
  const error = new GatewayError('unavailable', `the gateway is ${why}`, { retryAfterMs: COME_AGAIN_MS })
  response.setHeader('connection', 'close')
  const path = response.req.url ?? ''
  if (isApiPath(path)) sendFailure(response, requestId, error)
  else if (path.startsWith('/v1/')) sendRefusal(response, error)
  else sendText(response, 503, `${error.message}\n`, retryHeaders(error))
}

/**
 * A browser says which site a request comes from, and sends along what it knows of us: credentials that somebody typed,
 * or nothing at all in a tunnel, where whoever opened it is the caller. No other program sends this header.
 */
function isFromElsewhere({ method, headers }: IncomingMessage, tunnel: Visit['tunnel']): boolean {
  const { origin, host } = headers
  if (origin === undefined || method === 'GET' || method === 'HEAD') return false
  const site = URL.parse(origin)
  if (tunnel !== undefined) return site?.protocol !== 'https:' || !isUpstreamHost(site.hostname)
  return site?.host !== host?.toLowerCase()
}

/** What a person can mend is no news here; what concerns 1fichier or the gateway itself is. */
/** For the log and the ledger: the text of a link is all that it takes to use it. */
function shownPath({ pathname }: URL): string {
  return pathname.replace(/^\/(p|t\/)[\w-]{32,}/, '/$1[secret]').slice(0, 200)
}

function noteFailure(log: Log, requestId: string, path: string, error: GatewayError): void {
  const facts = { requestId, path, code: error.code, ...error.facts }
  if (error.code === 'internal') log.error({ ...facts, cause: inspect(error, { depth: 4 }) }, error.message)
  else if (TRAITS[error.code].http >= 500) log.warn(facts, error.message)
  else log.debug(facts, error.message)
}
