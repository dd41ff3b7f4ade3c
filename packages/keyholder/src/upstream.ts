import { type LookupAddress, type LookupAllOptions, lookup } from 'node:dns'
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import type { LookupFunction, Socket } from 'node:net'
import { createSecureContext, getCACertificates, TLSSocket } from 'node:tls'
import { GatewayError, isPublicAddress, MINUTE_MS, SECOND_MS, systemCodeOf } from '@guichet/core'
import type { Target } from './closed-list.ts'

export interface UpstreamOptions {
  /** Where connections go instead; names and certificates are checked as ever. */
  readonly connect?: { readonly host: string; readonly port: number } | undefined
  /** Certificates in PEM that are trusted besides the usual ones. */
  readonly ca?: string | undefined
  /** How long a connection may be silent once it stands. */
  readonly silenceMs?: (target: Target) => number
  /** Asks for the addresses of a name; the system unless told otherwise. */
  readonly resolve?: Resolve | undefined
}

/** As `lookup` of `node:dns` with `all`. */
export type Resolve = (
  name: string,
  options: LookupAllOptions,
  done: (failure: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

/** One request on its way. */
export interface Sending {
  readonly request: ClientRequest
  /** Rejects with `upstream-down` or with the reason of the signal, always with the fact `sent`. */
  readonly answer: Promise<IncomingMessage>
  /** False as long as it is certain that no byte of the request has left. */
  sent(): boolean
}

const CONNECT_MS = 10 * SECOND_MS

/** TLS to 1fichier, always verified, on port 443. Follows nothing, repeats nothing. */
export class Upstream implements Disposable {
  readonly #connect: UpstreamOptions['connect']
  readonly #calls: Agent
  /** An upload never meets a connection that the node is about to close. */
  readonly #uploads: Agent
  readonly #silenceMs: (target: Target) => number
  readonly #lookup: LookupFunction

  constructor(options: UpstreamOptions) {
    this.#connect = options.connect
    this.#silenceMs = options.silenceMs ?? silenceMsOf
    this.#lookup = lookupFor(options.connect?.host, options.resolve ?? lookup)
    const ca = [...getCACertificates('default'), ...(options.ca === undefined ? [] : [options.ca])]
    // Made once: to read the certificates of the world takes longer than a call.
    const secureContext = createSecureContext({ ca, minVersion: 'TLSv1.2' })
    this.#calls = new Agent({ secureContext, keepAlive: true, maxFreeSockets: 8, timeout: 15 * SECOND_MS })
    this.#uploads = new Agent({ secureContext, keepAlive: false })
  }

  send(target: Target, headers: OutgoingHttpHeaders, apiKey: Buffer, signal: AbortSignal): Sending {
    const connect = this.#connect
    const request = httpsRequest({
      agent: target.kind === 'upload' ? this.#uploads : this.#calls,
      method: target.method,
      hostname: target.host,
      servername: target.host,
      port: connect?.port ?? 443,
      path: target.path,
      headers: { ...headers, host: target.host, authorization: `Bearer ${apiKey.toString('latin1')}` },
      timeout: CONNECT_MS,
      signal,
      // Written out, because the environment could turn the default around.
      rejectUnauthorized: true,
      lookup: this.#lookup,
    })
    return watch(request, target.host, this.#silenceMs(target), signal)
  }

  /** Ends every connection, whatever it is doing. */
  cut(): void {
    this.#calls.destroy()
    this.#uploads.destroy()
  }

  [Symbol.dispose](): void {
    this.cut()
  }
}

/** 1fichier takes minutes to answer the end of a large upload, or to look for viruses; with all else nobody waits so long. */
function silenceMsOf({ kind, path }: Target): number {
  return kind === 'upload' || path === '/v1/file/scan.cgi' ? 10 * MINUTE_MS : 2 * MINUTE_MS
}

function watch(request: ClientRequest, host: string, silenceMs: number, signal: AbortSignal): Sending {
  let sent = false
  let problem = 'cannot be reached'
  request.once('socket', (socket: Socket) => {
    const connected = (): void => {
      sent = true
      problem = 'broke off before it answered'
      socket.setTimeout(silenceMs)
    }
    // A socket that is used again has its handshake behind it, and the request goes out at once.
    if (socket instanceof TLSSocket && socket.authorized) connected()
    else socket.once('secureConnect', connected)
  })
  request.once('timeout', () => {
    const [what, ms] = sent ? ['byte moved', silenceMs] : ['connection', CONNECT_MS]
    request.destroy(new Error(`no ${what} for ${ms / SECOND_MS} s`))
  })
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve)
    // Not `once`: a connection may fail again while it is torn down.
    request.on('error', (cause) => reject(failureOf(cause, `${host} ${problem}`, sent, signal)))
  })
  return { request, answer, sent: () => sent }
}

function failureOf(cause: Error, message: string, sent: boolean, signal: AbortSignal): GatewayError {
  if (signal.reason instanceof GatewayError) {
    const { code, message: why, hint } = signal.reason
    return new GatewayError(code, why, { hint, facts: { sent }, cause })
  }
  if (cause instanceof GatewayError) return cause
  return new GatewayError('upstream-down', message, {
    hint: 'check the network and the name service of this machine, or wait until 1fichier is back',
    facts: { sent, reason: systemCodeOf(cause) ?? cause.message },
    cause,
  })
}

/**
 * Looks up the host that stands in for all, or the one that is asked for, which must be at public addresses only.
 * The connection goes to what was checked here: nobody asks a second time.
 * 1fichier counts IPv4 and IPv6 in turn as two locations (wire.md, section 7.3): one family, always the same.
 */
function lookupFor(standIn: string | undefined, resolve: Resolve): LookupFunction {
  return (name, options, done) =>
    resolve(standIn ?? name, { ...options, all: true }, (failure, answers) => {
      if (failure !== null) return done(failure, '')
      const inner = answers.find(({ address }) => standIn === undefined && !isPublicAddress(address))
      if (inner !== undefined) return done(notPublic(name, inner.address), '')
      const v4 = answers.filter(({ family }) => family === 4)
      const addresses = v4.length > 0 ? v4 : answers
      if (options.all === true) return done(null, addresses)
      const [first = { address: '', family: 4 }] = addresses
      done(null, first.address, first.family)
    })
}

function notPublic(name: string, address: string): GatewayError {
  return new GatewayError('forbidden', `${name} is at ${address}, which is not a public address`, {
    hint: 'look into the name service and the hosts file of this machine: the API key goes to 1fichier only',
    facts: { sent: false },
  })
}
