import type { IncomingMessage, ServerResponse } from 'node:http'
import { GatewayError, type KeyId } from '@guichet/core'
import type { Principal } from '../services/principals.ts'

/** One HTTP request at a door. */
export interface Visit {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly requestId: string
  readonly url: URL
  /** The local admin socket: whoever can open it is the owner. */
  readonly isLocal: boolean
  /** Set inside a tunnel of the proxy door: who opened it, and the name of 1fichier it goes to. */
  readonly tunnel?: { readonly principal: Principal; readonly host: string } | undefined
  /** Aborted when the client leaves, the key is revoked or the gateway stops. */
  readonly signal: AbortSignal
  /** From here on the visit ends when this principal's key does. */
  identify(principal: Principal): void
}

/** The requests under way, so that they can be ended: by key, or all of them. */
export interface Visits {
  begin(response: ServerResponse): { readonly signal: AbortSignal; identify(principal: Principal): void }
  /** Ends what a key has under way. */
  cut(key: KeyId): void
  /** Resolves when nothing is under way any more, at the latest when the signal aborts; then the rest is cut. */
  drain(signal: AbortSignal): Promise<void>
  count(): number
}

export function createVisits(): Visits {
  const open = new Map<AbortController, { key: KeyId | 'owner' | undefined }>()
  let onEmpty: (() => void) | undefined

  return {
    begin(response) {
      const controller = new AbortController()
      const state: { key: KeyId | 'owner' | undefined } = { key: undefined }
      open.set(controller, state)
      response.once('close', () => {
        open.delete(controller)
        if (open.size === 0) onEmpty?.()
        if (!response.writableFinished) controller.abort(new GatewayError('cancelled', 'the client has left'))
      })
      return { signal: controller.signal, identify: (principal) => (state.key = principal.key) }
    },

    cut(key) {
      const reason = new GatewayError('unauthenticated', 'the virtual key was revoked')
      for (const [controller, state] of open) if (state.key === key) controller.abort(reason)
    },

    async drain(signal) {
      if (open.size > 0 && !signal.aborted) {
        await new Promise<void>((resolve) => {
          onEmpty = resolve
          signal.addEventListener('abort', () => resolve(), { once: true })
        })
      }
      const reason = new GatewayError('unavailable', 'the gateway is stopping')
      for (const controller of open.keys()) controller.abort(reason)
    },

    count: () => open.size,
  }
}

/** The whole body as text, up to a limit. */
export async function readText(request: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of request) {
    const bytes: Buffer = chunk
    sizeBytes += bytes.length
    if (sizeBytes > maxBytes) {
      throw new GatewayError('too-large', `the request is larger than ${maxBytes} bytes`, {
        hint: 'split it into several',
      })
    }
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString('utf8')
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
