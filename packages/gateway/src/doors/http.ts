import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { MINUTE_MS, SECOND_MS, systemCodeOf } from '@guichet/core'
import { createPipelining, refuseExpectation } from '../pipelining.ts'
import { type CrowdRule, createCrowd } from './crowd.ts'
import { tunnelAmbiguity } from './framing.ts'

/** How long a client may keep a connection without anything to show for it. */
export interface HttpPatience {
  /** To send the headers of a request, from its first byte or from the opening of the connection. */
  readonly headersMs: number
  /** To send a body that is a few megabytes at the most. */
  readonly smallBodyMs: number
  /** After its answer, to send what is left of its request. */
  readonly restMs: number
  /** Without a byte, while it is to send its request or to take its answer; 1fichier itself may take longer. */
  readonly silenceMs: number
}

const PATIENCE: HttpPatience = {
  headersMs: 20 * SECOND_MS,
  smallBodyMs: 2 * MINUTE_MS,
  restMs: 30 * SECOND_MS,
  silenceMs: 15 * MINUTE_MS,
}

/** A certificate with its chain, and its key, as PEM. */
export interface CertificatePair {
  readonly cert: string
  readonly key: string
}

export const TLS_OPTIONS = { minVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'] } as const

/** The HTTP server of the port and of the local socket, with its limits. It does not listen yet. */
export function createHttp(
  listener: RequestListener,
  options: {
    /** Takes a CONNECT; without it there are none. */
    readonly connect?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
    readonly tls?: CertificatePair | undefined
    /** Told of each request that is refused before anybody here could read it, with the address it came from. */
    readonly unread?: (from: string | undefined) => void
    readonly crowd?: CrowdRule
    readonly patience?: HttpPatience
  } = {},
): Server | HttpsServer {
  const { connect, tls, crowd, unread, patience = PATIENCE } = options
  const pipelining = createPipelining()
  const guarded = pipelining.guard((request, response) => {
    limit(request, response, patience)
    listener(request, response)
  })
  const http = httpOptions(patience)
  const server =
    tls === undefined
      ? createServer(http, guarded)
      : createHttpsServer({ ...http, ...TLS_OPTIONS, ...tls, handshakeTimeout: HANDSHAKE_MS }, guarded)
  server.maxConnections = 2_000
  server.timeout = patience.silenceMs
  if (crowd !== undefined) server.on('connection', createCrowd(crowd))
  server.on('connect', (request: IncomingMessage, socket, head: Buffer) => {
    // Behind an answer under way there is no place for a tunnel: its first bytes would end up inside that answer.
    if (connect === undefined || pipelining.isBusy(socket)) socket.destroy()
    else if (tunnelAmbiguity(request) === undefined) connect(request, socket, head)
    else {
      unread?.(request.socket.remoteAddress)
      endWith(socket, '400 Bad Request', 'this CONNECT can be understood in more than one way\n')
    }
  })
  server.on('checkExpectation', pipelining.guard(refuseExpectation))
  server.on('clientError', (failure: Error, socket) => {
    const code = systemCodeOf(failure) ?? ''
    if (isMalformed(code)) unread?.(socket instanceof Socket ? socket.remoteAddress : undefined)
    // Whatever is written to a connection with an answer under way would end up inside that answer.
    if (!socket.writable || pipelining.isBusy(socket)) {
      socket.destroy()
      return
    }
    const [status, text] = UNREADABLE[code] ?? NO_HTTP
    endWith(socket, status, text)
  })
  return server
}

/** What the parser calls a fault and is none: a client that goes away, and bytes behind the last request of a connection. */
const NO_FAULTS: readonly string[] = ['HPE_INVALID_EOF_STATE', 'HPE_CLOSED_CONNECTION']

function isMalformed(code: string): boolean {
  return code.startsWith('HPE_') && !NO_FAULTS.includes(code)
}

/** A client that is here for something shakes hands at once. */
const HANDSHAKE_MS = 10 * SECOND_MS

function httpOptions({ headersMs }: HttpPatience): ServerOptions {
  return {
    maxHeaderSize: 16 * 1024,
    headersTimeout: headersMs,
    connectionsCheckingInterval: Math.min(5 * SECOND_MS, headersMs),
    // Uploads of hundreds of gigabytes are one request.
    requestTimeout: 0,
    keepAliveTimeout: 60 * SECOND_MS,
    // A client that is gone without a word would else keep its place for ever while it is silent for a reason.
    keepAlive: true,
    keepAliveInitialDelay: 10 * MINUTE_MS,
    // We look for it ourselves: Node would go on with what stands behind the request that it refuses.
    requireHostHeader: false,
    highWaterMark: 256 * 1024,
  }
}

const NO_HTTP = ['400 Bad Request', 'this is not HTTP as we know it\n'] as const

const UNREADABLE: Readonly<Record<string, readonly [status: string, text: string]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'the headers are larger than 16 KiB\n'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'the headers did not come in time\n'],
}

/** The last words on a connection. */
function endWith(socket: Duplex, status: string, text: string): void {
  socket.on('error', () => socket.destroy())
  socket.resume()
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: text/plain\r\ncontent-length: ${text.length}\r\nconnection: close\r\n\r\n${text}`,
  )
}

/** Node ends a connection that is silent for `server.timeout`, unless somebody here listens to that. */
function limit(
  request: IncomingMessage,
  response: ServerResponse,
  { restMs, smallBodyMs }: HttpPatience,
): void {
  if (isSmall(request)) endUnlessComplete(request, smallBodyMs)
  request.on('timeout', () => {
    // What has come and was not taken yet waits for us, and not for the client.
    if (request.readableLength === 0) request.destroy()
  })
  response.on('timeout', () => {
    // An answer that has not begun waits for 1fichier.
    if (response.headersSent) response.destroy()
  })
  response.once('finish', () => {
    if (request.complete) return
    endUnlessComplete(request, restMs)
  })
}

/** Content may take hours; forms and JSON are read whole before anything is done. */
function isSmall({ method, headers: { 'content-type': type = '' } }: IncomingMessage): boolean {
  return method === 'POST' && /^application\/(?:json|x-www-form-urlencoded)\b/i.test(type)
}

/** Ends the connection of a request that is not whole in time. */
function endUnlessComplete(request: IncomingMessage, afterMs: number): void {
  const { socket } = request
  const end = setTimeout(() => {
    if (!request.complete) socket.destroy()
  }, afterMs)
  const stop = (): void => {
    clearTimeout(end)
    socket.off('close', stop)
  }
  // Of the two only one comes: a request that was answered does not hear of the end of its connection.
  request.once('close', stop)
  socket.once('close', stop)
}
