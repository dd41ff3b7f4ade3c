import type { ServerResponse } from 'node:http'
import { type ErrorCode, GatewayError, MINUTE_MS, TRAITS } from '@guichet/core'
import { hideKeys } from '../../services/hidden-keys.ts'
import { sendJson } from '../visit.ts'

/**
 * Our errors in 1fichier's words (wire.md §14), so that its clients understand them.
 *
 * The numbers behind `#` carry no meaning at 1fichier, but newer versions of rclone read some: after #93 and #186 they
 * stop at once, after #374 they wait 30 seconds before they ask again.
 */
const WORDS: Readonly<
  Record<ErrorCode, { readonly status: number; readonly text: string; readonly number: number }>
> = {
  invalid: { status: 400, text: 'Bad request', number: 186 },
  unauthenticated: { status: 401, text: 'Not authenticated', number: 247 },
  forbidden: { status: 403, text: 'Resource not allowed', number: 186 },
  'needs-approval': { status: 403, text: 'Resource not allowed', number: 186 },
  'not-found': { status: 404, text: 'Resource not found', number: 469 },
  conflict: { status: 409, text: 'Conflict', number: 186 },
  'too-large': { status: 413, text: 'Too large', number: 186 },
  'too-often': { status: 429, text: 'Not authenticated', number: 247 },
  paced: { status: 429, text: 'Flood detected: User APK Locked', number: 374 },
  // Not the words of a flood, after which clients only wait a little and ask again.
  'over-budget': { status: 429, text: 'Resource not allowed', number: 186 },
  locked: { status: 429, text: 'Flood detected: IP Locked', number: 374 },
  'upstream-down': { status: 502, text: 'Not available', number: 502 },
  'account-refused': { status: 403, text: 'No such user', number: 93 },
  'file-refused': { status: 403, text: 'Resource not allowed', number: 186 },
  'upstream-changed': { status: 500, text: 'Unknown answer', number: 186 },
  corrupt: { status: 502, text: 'Wrong content', number: 502 },
  sealed: { status: 503, text: 'Not available', number: 503 },
  'disk-full': { status: 507, text: 'Disk full', number: 186 },
  unavailable: { status: 503, text: 'Not available', number: 503 },
  cancelled: { status: 499, text: 'Cancelled', number: 186 },
  internal: { status: 500, text: 'Internal error', number: 186 },
}

export function refusalText(error: GatewayError): string {
  const words = WORDS[error.code]
  const hint = error.hint === undefined ? '' : ` (${error.hint})`
  return hideKeys(`${words.text}: ${error.message}${hint} #${words.number}`)
}

export function sendRefusal(response: ServerResponse, failure: unknown): void {
  const error = GatewayError.from(failure)
  const { status } = WORDS[error.code]
  sendJson(
    response,
    isRclone(response) && isFinal(error, status) ? 400 : status,
    { status: 'KO', message: refusalText(error) },
    retryHeaders(error),
  )
}

/** What a client will not get by asking again in the next seconds. */
function isFinal({ code, retryAfterMs = Number.POSITIVE_INFINITY }: GatewayError, status: number): boolean {
  return status === 403 || (code === 'over-budget' && retryAfterMs > MINUTE_MS)
}

/**
 * rclone 1.60 reads no numbers, and takes each 403 for a flood: it would ask ten times more, five seconds apart, for
 * what will not be allowed. It does not ask again after a 400.
 */
function isRclone(response: ServerResponse): boolean {
  return (response.req.headers['user-agent'] ?? '').startsWith('rclone/')
}

/** A true `Retry-After`, in whole seconds, for what may be tried again. */
export function retryHeaders(error: GatewayError): Record<string, string> {
  if (error.retryAfterMs === undefined || TRAITS[error.code].retry === 'never') return {}
  return { 'retry-after': String(Math.max(1, Math.ceil(error.retryAfterMs / 1000))) }
}
