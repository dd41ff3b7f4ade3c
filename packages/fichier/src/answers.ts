import {
  type Exchange,
  GatewayError,
  type HostCall,
  type HttpRequest,
  type HttpResponse,
  SECOND_MS,
} from '@guichet/core'
import { changed } from './fields.ts'
import { mendJson } from './mend-json.ts'
import { visibleText } from './pages.ts'
import { findRefusal, type Refusal } from './refusals.ts'

/** A listing holds at most 5,000 entries of well under 2 KiB (wire.md §3, §4). */
const ANSWER_BYTES_MAX: number = 64 * 1024 * 1024
/** No page of 1fichier that carries a refusal comes near this; what follows is not read. */
const PAGE_BYTES_MAX: number = 256 * 1024
/** A longer `Retry-After` is taken for this. */
const RETRY_AFTER_MS_MAX: number = 24 * 3_600 * SECOND_MS
const WORDS_MAX = 200
/** So much of an answer tells whether it is a page. */
const HEAD_LENGTH = 1_024
/** A refusal says what it has to say in this. */
const MESSAGE_LENGTH_MAX = 2_000

/** An answer that has been read to its end. */
export interface Answer {
  /** The call it answers, for messages: `folder/ls`, `end.pl`. */
  readonly place: string
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  /** `undefined` when the text is not JSON, or was cut. */
  readonly json: unknown
  readonly isPage: boolean
}

/** Sends one request. Whatever goes wrong comes out as a `GatewayError`. */
export async function send(exchange: Exchange, request: HttpRequest, call: HostCall): Promise<HttpResponse> {
  if (isAborted(call)) throw cancelled(call.signal?.reason)
  try {
    return await exchange({ ...request, signal: call.signal })
  } catch (failure) {
    throw isAborted(call) ? cancelled(failure) : GatewayError.from(failure)
  }
}

export async function readAnswer(place: string, response: HttpResponse, call: HostCall): Promise<Answer> {
  const { status, headers } = response
  const text = await readText(place, response, call)
  const isDeclaredPage = /^(?:text\/html|application\/xhtml)/i.test(headers['content-type'] ?? '')
  // A label may be wrong: the first character tells more.
  const isPage = isMarkup(text) || (isDeclaredPage && !/^\s*[{[]/.test(text))
  return { place, status, headers, text, json: isPage ? undefined : mendJson(text), isPage }
}

/** The refusal in an answer, by its words first and its status second. */
export function refusalOf(
  answer: Pick<Answer, 'place' | 'status' | 'headers'>,
  words: string,
  from: 'message' | 'page',
  more: Readonly<Record<string, string | number>> = {},
): GatewayError {
  const message = from === 'message' ? words.slice(0, MESSAGE_LENGTH_MAX) : ''
  const row = findRefusal(message === '' ? words : message, from) ?? byStatus(answer.status, message, from)
  const quoted = message.trim() === '' ? '' : `: ${quote(message)}`
  const number = /#(\d{1,6})\b(?!.*#\d)/.exec(message)?.[1]
  const retryAfterMs = retryAfterOf(answer.headers) ?? row.retryAfterMs
  return new GatewayError(row.code, `1fichier ${row.meaning} (${answer.place})${quoted}`, {
    hint: row.hint,
    retryAfterMs: RETRIED.has(row.code) ? retryAfterMs : undefined,
    facts: {
      endpoint: answer.place,
      status: answer.status,
      ...row.facts,
      ...(number === undefined ? {} : { number }),
      ...more,
    },
  })
}

/** An answer that should have been JSON and is not. */
export function notJson(answer: Answer): GatewayError {
  if (answer.isPage) return refusalOf(answer, visibleText(answer.text), 'page')
  // A bare text, as the 9 bytes `IP Locked` of check_links.pl; a cut JSON text holds no message of its own.
  const isCut = /^\s*[{[]/.test(answer.text)
  return refusalOf(answer, isCut ? '' : answer.text.slice(0, WORDS_MAX), isCut ? 'page' : 'message')
}

/** Leaves an answer unread, which lets its connection go. */
export async function discard(response: HttpResponse): Promise<void> {
  try {
    for await (const _ of response.body) break
  } catch {
    // The answer is not wanted: that it also broke off changes nothing.
  }
}

export function cancelled(cause: unknown): GatewayError {
  if (cause instanceof GatewayError && cause.code === 'cancelled') return cause
  return new GatewayError('cancelled', 'the request was cancelled', { cause })
}

/** A failure in the middle of an answer. */
export function brokenOff(place: string, failure: unknown, call: HostCall): GatewayError {
  if (isAborted(call)) return cancelled(failure)
  if (failure instanceof GatewayError) return failure
  return new GatewayError('upstream-down', `the answer of 1fichier broke off (${place})`, {
    hint: 'try again later',
    facts: { endpoint: place },
    cause: failure,
  })
}

/** The first character tells, whatever the label says. */
export function isMarkup(text: string): boolean {
  return /^\s*</.test(text)
}

export function isAborted(call: HostCall): boolean {
  return call.signal?.aborted === true
}

const RETRIED: ReadonlySet<string> = new Set(['locked', 'upstream-down'])

const LOCKED: Pick<Refusal, 'code' | 'meaning' | 'hint' | 'facts' | 'retryAfterMs'> = {
  code: 'locked',
  meaning: 'says that calls come too fast',
  hint: 'nothing is sent while the lock lasts; `guichet status` shows until when',
  facts: { scope: 'ip', flood: true },
}
const REFUSED: typeof LOCKED = {
  code: 'account-refused',
  meaning: 'does not accept the API key',
  hint: 'check the API key on https://1fichier.com/console/params.pl and store it anew with `guichet rotate`',
  facts: { why: 'key' },
}
const BLOCKED: typeof LOCKED = {
  code: 'account-refused',
  meaning: 'seems to have blocked this address',
  hint: 'look at the account on https://1fichier.com/console/ before anything else is sent',
  facts: { why: 'ip-blocked' },
}
const GONE: typeof LOCKED = {
  code: 'not-found',
  meaning: 'has no such thing',
  hint: 'it was removed or never existed; list the folder to see what is there',
}
const DOWN: typeof LOCKED = {
  code: 'upstream-down',
  meaning: 'does not answer as it should',
  hint: 'it may be out of order: try again later',
}
const UNKNOWN: typeof LOCKED = {
  code: 'upstream-changed',
  meaning: 'refuses in words that this version does not know',
  hint: 'look whether a newer version of Guichet knows them; if not, please report them',
}

/** What is left to go by when no words are known. */
function byStatus(status: number, words: string, from: 'message' | 'page'): typeof LOCKED {
  if (status === 429) return LOCKED
  if (status === 401) return REFUSED
  if (status >= 500) return DOWN
  if (from === 'page') return DOWN
  // A page with 404 may come from any proxy on an outage; a message, or nothing at all, comes from 1fichier.
  if (status === 404 || status === 410) return GONE
  // The one refusal of which nothing but the number is known (wire.md §14).
  if (status === 403 && /#186\b/.test(words)) return BLOCKED
  return words.trim() === '' ? DOWN : UNKNOWN
}

async function readText(place: string, response: HttpResponse, call: HostCall): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let head = ''
  let bytes = 0
  try {
    for await (const chunk of response.body) {
      const piece = decoder.decode(chunk, { stream: true })
      bytes += chunk.length
      text += piece
      if (head.length < HEAD_LENGTH) head += piece.slice(0, HEAD_LENGTH)
      if (bytes > PAGE_BYTES_MAX && isMarkup(head)) break
      if (bytes > ANSWER_BYTES_MAX) {
        throw changed(`the answer of 1fichier is longer than ${ANSWER_BYTES_MAX} bytes (${place})`)
      }
    }
  } catch (failure) {
    throw brokenOff(place, failure, call)
  }
  return text + decoder.decode()
}

/** Seconds, or a date counted from the answer's own `Date`: this package reads no clock. */
function retryAfterOf(headers: Readonly<Record<string, string>>): number | undefined {
  const text = headers['retry-after']?.trim() ?? ''
  const ms = /^\d{1,9}$/.test(text)
    ? Number(text) * SECOND_MS
    : Date.parse(text) - Date.parse(headers['date'] ?? '')
  return ms > 0 ? Math.min(ms, RETRY_AFTER_MS_MAX) : undefined
}

function quote(words: string): string {
  const line = words.replace(/[\s\p{Cc}]+/gu, ' ').trim()
  return `"${line.length > WORDS_MAX ? `${line.slice(0, WORDS_MAX - 1)}…` : line}"`
}
