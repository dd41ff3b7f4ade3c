import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Clock, GatewayError, type KeyId, SECOND_MS } from '@guichet/core'
import type { ThroughTunnel } from '../services/admission.ts'
import { untilMoment } from '../services/expiry.ts'
import type { Principal } from '../services/principals.ts'
import type { Transport } from '../services/transport.ts'

/** One HTTP request at a door. */
export interface Visit {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly requestId: string
  readonly url: URL
  /** The local admin socket: whoever can open it is the owner. */
  readonly isLocal: boolean
  /** The address of the client, where it is known; the local socket has none. */
  readonly from: string | undefined
  /** How it came; inside a tunnel there is TLS. */
  readonly transport: Transport
  /** Set inside a tunnel of the proxy door. */
  readonly tunnel?: ThroughTunnel | undefined
  /** Aborted when the client leaves, the key ends or the gateway stops. */
  readonly signal: AbortSignal
  /** From here on the visit ends when this principal's key does. Throws `unavailable` when the key has too many. */
  identify(principal: Principal): void
  /** Notes a failure that the client is told of, with the cause that it is not told. */
  note(error: GatewayError): void
}

/** The requests under way, so that they can be ended: by key, or all of them. */
export interface Visits {
  begin(response: ServerResponse): { readonly signal: AbortSignal; identify(principal: Principal): void }
  /** Ends what a key has under way, and what still begins with it. */
  cut(key: KeyId): void
  /** Lets what a key has under way now go on until a moment and no longer: its text has been replaced. */
  limit(key: KeyId, untilMs: number): void
  /** Resolves when nothing is under way any more, at the latest when the signal aborts; then the rest is cut. */
  drain(signal: AbortSignal): Promise<void>
  count(): number
}

type Key = KeyId | 'owner'

interface State {
  key: Key | undefined
  /** When the key, or the text of it that was sent, ends by itself. */
  expiresMs: number | undefined
}

export function createVisits(clock: Clock): Visits {
  const open = new Map<AbortController, State>()
  /** Revoked while the gateway runs: a request may have been let in a moment before, and be identified a moment after. */
  const revoked = new Set<Key>()
  /** One watch for each moment at which something ends. */
  const watched = new Set<number>()
  const over = new AbortController()
  let onEmpty: (() => void) | undefined

  function end(isOver: (state: State) => boolean, problem: 'revoked' | 'expired'): void {
    const reason = new GatewayError('unauthenticated', `the virtual key was ${problem}`)
    for (const [controller, state] of open) if (isOver(state)) controller.abort(reason)
  }

  function countOf(key: Key): number {
    let count = 0
    for (const state of open.values()) if (state.key === key) count += 1
    return count
  }

  async function watch(momentMs: number): Promise<void> {
    watched.add(momentMs)
    try {
      await untilMoment(clock, momentMs, over.signal)
      end(({ expiresMs }) => expiresMs !== undefined && expiresMs <= momentMs, 'expired')
    } catch {
      // The gateway stops, and everything under way ends with it.
    } finally {
      watched.delete(momentMs)
    }
  }

  return {
    begin(response) {
      const controller = new AbortController()
      const state: State = { key: undefined, expiresMs: undefined }
      open.set(controller, state)
      response.once('close', () => {
        open.delete(controller)
        if (open.size === 0) onEmpty?.()
        if (!response.writableFinished) controller.abort(new GatewayError('cancelled', 'the client has left'))
      })
      return {
        signal: controller.signal,
        identify({ key, expiresMs }) {
          if (key !== 'owner' && countOf(key) >= REQUESTS_PER_KEY_MAX) throw tooMany()
          state.key = key
          state.expiresMs = expiresMs
          if (revoked.has(key)) end((one) => one === state, 'revoked')
          if (expiresMs !== undefined && !watched.has(expiresMs)) void watch(expiresMs)
        },
      }
    },

    cut(key) {
      revoked.add(key)
      end((state) => state.key === key, 'revoked')
    },

    limit(key, untilMs) {
      for (const state of open.values()) {
        if (state.key === key) state.expiresMs = Math.min(state.expiresMs ?? untilMs, untilMs)
      }
      if (!watched.has(untilMs)) void watch(untilMs)
    },

    async drain(signal) {
      if (open.size > 0 && !signal.aborted) {
        await new Promise<void>((resolve) => {
          onEmpty = resolve
          signal.addEventListener('abort', () => resolve(), { once: true })
        })
      }
      over.abort()
      const reason = new GatewayError('unavailable', 'the gateway is stopping')
      for (const controller of open.keys()) controller.abort(reason)
    },

    count: () => open.size,
  }
}

/** One key does not take all the 2,000 connections that there are; a thousand questions at once are still answered. */
const REQUESTS_PER_KEY_MAX = 1_500

function tooMany(): GatewayError {
  return new GatewayError('unavailable', `this key has ${REQUESTS_PER_KEY_MAX} requests under way already`, {
    hint: 'wait until some of them have ended',
    retryAfterMs: SECOND_MS,
  })
}

/** What a client may still send after it has been answered; more ends the connection. */
const UNREAD_MAX_BYTES = 16 * 1024 * 1024

/** Lets the rest of a body go by, so that the answer arrives and the connection stays usable. */
export function dropBody(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return
  let leftBytes = UNREAD_MAX_BYTES
  request.on('data', (chunk: Buffer) => {
    leftBytes -= chunk.length
    if (leftBytes < 0) request.destroy()
  })
  request.resume()
}

/** The body of a request; leaving it early leaves the connection open, so that there can be an answer. */
export function bodyOf(request: IncomingMessage): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => request.iterator({ destroyOnReturn: false }) }
}

/** The whole body as text, up to a limit. */
export async function readText(request: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  try {
    for await (const chunk of bodyOf(request)) {
      sizeBytes += chunk.length
      if (sizeBytes > maxBytes) throw tooLarge(maxBytes)
      chunks.push(chunk)
    }
  } catch (failure) {
    if (failure instanceof GatewayError) throw failure
    throw new GatewayError('cancelled', 'the request broke off', { cause: failure })
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch (cause) {
    throw new GatewayError('invalid', 'the body is not text in UTF-8', { hint: 'send it in UTF-8', cause })
  }
}

function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError('too-large', `the request is larger than ${maxBytes} bytes`, {
    hint: 'split it into several',
  })
}

/** A JSON object from a request; an empty body is an empty object. */
export async function readJson(request: IncomingMessage, maxBytes: number): Promise<object> {
  const text = await readText(request, maxBytes)
  if (text.trim() === '') return {}
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {
    // Answered below, like every other body that is no object.
  }
  throw new GatewayError('invalid', 'the body is not a JSON object', { hint: 'send {"name": value, …}' })
}

export function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  send(response, status, `${JSON.stringify(value)}\n`, {
    'content-type': 'application/json; charset=utf-8',
    ...headers,
  })
}

export function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Record<string, string> = {},
): void {
  send(response, status, text, { 'content-type': 'text/plain; charset=utf-8', ...headers })
}

export function sendHtml(response: ServerResponse, status: number, html: string): void {
  send(response, status, html, { 'content-type': 'text/html; charset=utf-8' })
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

function send(response: ServerResponse, status: number, text: string, headers: Record<string, string>): void {
  if (response.headersSent) return void response.destroy()
  const body = Buffer.from(text)
  response.writeHead(status, { 'content-length': body.length, 'cache-control': 'no-store', ...headers })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}
