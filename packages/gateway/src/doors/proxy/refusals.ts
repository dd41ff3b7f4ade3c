import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { type GatewayError, TRAITS } from '@guichet/core'
import { hideKeys } from '@guichet/leaks'

/** A refusal as the proxy door says it: to a client that has a socket but no HTTP response yet, or inside a tunnel. */
export interface Refusal {
  readonly status: number
  readonly message: string
  readonly hint: string | undefined
  readonly retryAfterMs?: number | undefined
}

/**
 * What an error means to a client of the proxy.
 * One sentence for every failed authentication: it does not tell an unknown key from a wrong one. Only a text that has
 * the shape of an API key gets a word of its own, which it deserves whether or not it is one.
 */
export function refusalOf(error: GatewayError): Refusal {
  const message = hideKeys(error.message)
  const hint = error.hint === undefined ? undefined : hideKeys(error.hint)
  const { retryAfterMs } = error
  if (error.code !== 'unauthenticated') {
    return { status: TRAITS[error.code].http, message, hint, retryAfterMs }
  }
  if (error.facts['exposed'] === true) return { status: 407, message, hint, retryAfterMs }
  return {
    status: 407,
    message: 'the proxy needs a virtual key',
    hint: 'send one as the password of the proxy, as in http://any:KEY@host:port; `guichet key create` makes one',
    retryAfterMs,
  }
}

/**
 * Answers a CONNECT with a refusal and ends the connection.
 * The status line repeats the sentence, since Go programs (rclone) show nothing of the answer but this line.
 */
export function refuseTunnel(socket: Socket, refusal: Refusal): void {
  const body = textOf(refusal)
  const phrase = `${STATUS_CODES[refusal.status] ?? 'Refused'}: ${refusal.message}${
    refusal.hint === undefined ? '' : ` (${refusal.hint})`
  }`
  const head = [
    `HTTP/1.1 ${refusal.status} ${printable(phrase)}`,
    ...Object.entries(headersOf(refusal, body)).map(([name, value]) => `${name}: ${value}`),
    ...(refusal.status === 407 ? ['proxy-authenticate: Basic realm="guichet"'] : []),
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
  // Unread input at the time of closing would make the kernel throw our answer away.
  socket.resume()
}

/** Answers a request with a refusal and ends the connection after it. */
export function refuseRequest(response: ServerResponse, refusal: Refusal): void {
  const body = textOf(refusal)
  response.shouldKeepAlive = false
  response.writeHead(refusal.status, headersOf(refusal, body)).end(body)
}

function textOf({ message, hint }: Refusal): string {
  return `error: ${message}\n${hint === undefined ? '' : `hint: ${hint}\n`}`
}

function headersOf(refusal: Refusal, body: string): Readonly<Record<string, string>> {
  const { retryAfterMs } = refusal
  return {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
    connection: 'close',
    ...(retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) }),
  }
}

/** What may stand in a status line, and not more than clients read. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 300)
}
