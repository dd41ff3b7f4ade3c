import { Readable } from 'node:stream'
import { GatewayError, type Secret, systemCodeOf } from '@guichet/core'
import type { ApiRequest, ApiResponse, Content, Transport } from '@guichet/sdk'
import { Agent, request } from 'undici'
import { fileError } from './failures.ts'

/** Where a gateway is: its admin socket (the owner, no key), or an address with a virtual key, where one is needed. */
export type Target =
  | { readonly kind: 'socket'; readonly path: string; readonly missing: () => GatewayError }
  | { readonly kind: 'address'; readonly base: URL; readonly key: Secret | undefined }

/** A gateway may wait for 1fichier's limits before it answers. */
const ANSWER_TIMEOUT_MS = 30 * 60_000
/** Between two pieces of a body. */
const SILENCE_TIMEOUT_MS = 10 * 60_000

/** Sends exact lengths and whole streams, over a Unix socket or TCP; never follows a redirect. */
export function openTransport(target: Target): { readonly transport: Transport } & AsyncDisposable {
  const agent = new Agent({
    headersTimeout: ANSWER_TIMEOUT_MS,
    bodyTimeout: SILENCE_TIMEOUT_MS,
    ...(target.kind === 'socket' ? { connect: { socketPath: target.path } } : {}),
  })
  const origin = target.kind === 'socket' ? 'http://localhost' : target.base.origin
  const key = target.kind === 'socket' ? undefined : target.key
  const credential = key === undefined ? {} : { authorization: `Bearer ${key.expose()}` }
  const transport: Transport = async (call) => {
    const body = call.body === undefined ? null : bodyOf(call.body)
    try {
      const response = await request(`${origin}${call.path}`, {
        method: call.method,
        headers: { ...call.headers, ...credential },
        body,
        dispatcher: agent,
        signal: call.signal ?? null,
      })
      return {
        status: response.statusCode,
        headers: flatten(response.headers),
        body: guarded(response.body, call),
      }
    } catch (failure) {
      if (body instanceof Readable) body.destroy()
      throw translate(failure, target, call)
    }
  }
  return { transport, [Symbol.asyncDispose]: () => agent.destroy() }
}

function bodyOf(content: Content): Uint8Array | Readable {
  if (content instanceof Uint8Array) return content
  return content instanceof Blob ? Readable.fromWeb(content.stream()) : Readable.from(content)
}

function flatten(headers: Readonly<Record<string, string | string[] | undefined>>): ApiResponse['headers'] {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  )
}

async function* guarded(body: AsyncIterable<Uint8Array>, call: ApiRequest): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch (failure) {
    throw call.signal?.aborted === true ? cancelled(call.signal) : brokenOff(failure)
  }
}

const NOBODY_THERE: readonly (string | undefined)[] = [
  'ECONNREFUSED',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]

function translate(failure: unknown, target: Target, call: ApiRequest): GatewayError {
  if (failure instanceof GatewayError) return failure
  if (call.signal?.aborted === true) return cancelled(call.signal)
  // The content could not be read: what fails there has nothing to do with the gateway.
  const ofContent = isOfConnection(failure) ? undefined : fileError(failure)
  if (ofContent !== undefined) return ofContent
  const code = systemCodeOf(failure)
  if (code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH') {
    return new GatewayError('conflict', 'the content changed while it was being sent', {
      hint: 'send it again when nothing writes to it any more',
      cause: failure,
    })
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new GatewayError('forbidden', `the gateway's socket belongs to another user`, {
      hint: 'run this as the user who runs `guichet serve`, or set GUICHET_URL and GUICHET_KEY',
      cause: failure,
    })
  }
  if (NOBODY_THERE.includes(code)) {
    if (target.kind === 'socket') return target.missing()
    return new GatewayError('unavailable', `no gateway answers at ${target.base.origin} (${code})`, {
      hint: 'start it with `guichet serve` there, or correct GUICHET_URL',
      cause: failure,
    })
  }
  return (target.kind === 'address' ? ofTls(code, target.base) : undefined) ?? brokenOff(failure)
}

/** Sockets and files fail with the same codes; only the calls differ. */
function isOfConnection(failure: unknown): boolean {
  const call = failure instanceof Error && 'syscall' in failure ? failure.syscall : undefined
  return call === undefined || call === 'connect' || call === 'getaddrinfo'
}

const UNTRUSTED: readonly (string | undefined)[] = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]

/** What TLS, or the lack of it, has to do with a connection that broke. */
function ofTls(code: string | undefined, { origin, protocol, host }: URL): GatewayError | undefined {
  const unavailable = (message: string, hint: string) => new GatewayError('unavailable', message, { hint })
  if (UNTRUSTED.includes(code)) {
    return unavailable(
      `the certificate of ${origin} is not trusted here (${code})`,
      'name it, or the authority that signed it, as a PEM file in NODE_EXTRA_CA_CERTS',
    )
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return unavailable(
      `the certificate of ${origin} is not for this name`,
      'write a name that stands in it into GUICHET_URL',
    )
  }
  if (code === 'CERT_HAS_EXPIRED') {
    return unavailable(`the certificate of ${origin} has expired`, 'renew it where the gateway runs')
  }
  if (protocol === 'http:' && code === 'UND_ERR_SOCKET') {
    return unavailable(
      `${origin} ended the connection without an answer`,
      `if it speaks TLS, write https://${host} into GUICHET_URL`,
    )
  }
  if (protocol === 'https:' && (code === 'EPROTO' || code?.startsWith('ERR_SSL_') === true)) {
    return unavailable(
      `${origin} does not speak TLS (${code})`,
      `if that is meant so, write http://${host} into GUICHET_URL`,
    )
  }
  return undefined
}

function brokenOff(failure: unknown): GatewayError {
  if (failure instanceof GatewayError) return failure
  const code = systemCodeOf(failure)
  return new GatewayError(
    'unavailable',
    `the connection to the gateway broke${code === undefined ? '' : ` (${code})`}`,
    {
      hint: 'try again; `guichet status` tells whether the gateway still runs',
      cause: failure,
    },
  )
}

function cancelled(signal: AbortSignal): GatewayError {
  return GatewayError.from(signal.reason)
}
