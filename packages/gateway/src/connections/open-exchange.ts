import { Readable } from 'node:stream'
import {
  type Clock,
  type Exchange,
  GatewayError,
  type HttpRequest,
  type HttpResponse,
  isDomain,
  isPublicAddress,
  isUpstreamHost,
  MINUTE_MS,
  SECOND_MS,
} from '@guichet/core'
import { Agent } from 'undici'
import { createConnector, type Route } from './connector.ts'
import { failureOf } from './failures.ts'
import { type Resolve, resolveBySystem } from './resolve.ts'
import { createSlots, type Slot, type Slots } from './slots.ts'

export interface ExchangeLimits {
  /** Downloads at one time, over all hosts: 1fichier takes 30 from a premium account (wire.md §7.3). */
  readonly downloads: number
  /** Downloads that wait for one of these. */
  readonly waiting: number
  readonly connectTimeoutMs: number
  readonly headersTimeoutMs: number
  /** `end.pl` answers when the files are stored, which takes minutes (wire.md §6.3). */
  readonly reportTimeoutMs: number
  /** Without a byte, while somebody reads. */
  readonly bodyTimeoutMs: number
}

export const EXCHANGE_LIMITS: ExchangeLimits = {
  downloads: 20,
  waiting: 500,
  connectTimeoutMs: 15 * SECOND_MS,
  headersTimeoutMs: MINUTE_MS,
  reportTimeoutMs: 5 * MINUTE_MS,
  bodyTimeoutMs: MINUTE_MS,
}

export interface ExchangeOptions {
  readonly route?: Route | undefined
  /** PEM of authorities to believe besides the usual ones. */
  readonly extraCa?: string | undefined
  readonly clock: Clock
  readonly limits?: Partial<ExchangeLimits>
  readonly resolve?: Resolve
  readonly isReachable?: (address: string) => boolean
  /** Is told how much content comes in. */
  readonly onContent?: ((lengthBytes: number) => void) | undefined
}

/**
 * Connections to 1fichier that carry no key: direct links, `end.pl`, public folders, the link check.
 *
 * Only https to 1fichier's own names at public addresses. A request with credentials is refused here and never sent:
 * the API key has another way out of the machine, and only that one.
 */
export function openExchange(options: ExchangeOptions): {
  readonly exchange: Exchange
  /** Cuts what is under way; its bodies reject. */
  close(): Promise<void>
} {
  const limits: ExchangeLimits = { ...EXCHANGE_LIMITS, ...options.limits }
  const agent = new Agent({
    connect: createConnector({
      route: options.route,
      extraCa: options.extraCa,
      clock: options.clock,
      resolve: options.resolve ?? resolveBySystem,
      isReachable: options.isReachable ?? isPublicAddress,
      timeoutMs: limits.connectTimeoutMs,
    }),
    connections: limits.downloads,
    pipelining: 1,
    bodyTimeout: limits.bodyTimeoutMs,
  })
  const slots = createSlots({ count: limits.downloads, waiting: limits.waiting, clock: options.clock })

  return {
    async exchange(request) {
      refuseUnlisted(request)
      const slot = await takeSlot(slots, request)
      try {
        return await send(agent, request, { ...options, limits, slot })
      } catch (failure) {
        slot?.giveBack()
        throw failureOf(failure, request.url.host, request.signal)
      }
    },
    close: () => agent.destroy(),
  }
}

/** Headers that never go this way: credentials, and what would let a request be read in two ways or wait for a word. */
const REFUSED_HEADERS = ['authorization', 'proxy-authorization', 'cookie', 'host', 'transfer-encoding']

function refuseUnlisted({ url, headers }: HttpRequest): void {
  const isListed = url.protocol === 'https:' && url.port === '' && isUpstreamHost(url.hostname)
  if (!isListed || url.username !== '' || url.password !== '') {
    throw new GatewayError('forbidden', `${url.protocol}//${url.host} is not a place of 1fichier`, {
      hint: 'only https to the names of 1fichier is connected to from here',
      facts: { sent: false },
    })
  }
  const refused = Object.keys(headers).find((name) => REFUSED_HEADERS.includes(name.toLowerCase()))
  if (refused !== undefined) {
    throw new GatewayError('forbidden', `the header ${refused.toLowerCase()} may not go to ${url.host}`, {
      hint: 'requests with the API key go through the keyholder',
      facts: { sent: false },
    })
  }
}

/** Direct links take one of the account's connections; reports and pages of the site do not wait behind them. */
async function takeSlot(slots: Slots, { url, signal }: HttpRequest): Promise<Slot | undefined> {
  const isDownload = !isDomain(url.hostname) && !url.pathname.endsWith('.pl')
  if (!isDownload) return undefined
  try {
    return await slots.take(signal)
  } catch (failure) {
    throw failureOf(failure, url.host, signal)
  }
}

/** So much of a body waits for its reader; what is more stays with the sender. */
const READ_AHEAD_BYTES = 64 * 1024

interface How extends Pick<ExchangeOptions, 'clock' | 'onContent'> {
  readonly limits: ExchangeLimits
  readonly slot: Slot | undefined
}

async function send(agent: Agent, request: HttpRequest, how: How): Promise<HttpResponse> {
  const { limits, slot } = how
  const { url, method, body, signal } = request
  // 1fichier's front ends are not known to answer 100, and waiting for it would only cost time.
  const { expect: _, ...headers } = request.headers
  const answer = await agent.request({
    origin: url.origin,
    path: url.pathname + url.search,
    method,
    headers,
    ...(body === undefined
      ? {}
      : { body: body instanceof Uint8Array ? body : Readable.from(body, { objectMode: false }) }),
    ...(signal === undefined ? {} : { signal }),
    headersTimeout: url.pathname === '/end.pl' ? limits.reportTimeoutMs : limits.headersTimeoutMs,
    highWaterMark: READ_AHEAD_BYTES,
  })
  // Whoever reads the body meets its errors by reading; nobody else is to be stopped by them.
  answer.body.on('error', () => undefined).once('close', () => slot?.giveBack())
  // There is nothing to read after HEAD, and nobody who would do it.
  if (method === 'HEAD') answer.body.resume()
  return {
    status: answer.statusCode,
    headers: joined(answer.headers),
    body: method === 'HEAD' ? Readable.from([]) : bodyOf(answer.body, request, how),
  }
}

function joined(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Readonly<Record<string, string>> {
  const flat: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name] = typeof value === 'string' ? value : value.join(', ')
  }
  return flat
}

/** Leaving destroys the stream, and with it the connection of a body that was not read to its end, or not at all. */
function bodyOf(
  stream: Readable,
  { url: { host }, signal }: HttpRequest,
  { clock, onContent, slot }: How,
): AsyncIterable<Uint8Array> {
  let idleSinceMs: number | undefined = clock.nowMs()
  slot?.usedBy({ idleSinceMs: () => idleSinceMs, giveUp: () => void stream.destroy(givenAway(host)) })
  return {
    [Symbol.asyncIterator]() {
      const chunks: AsyncIterator<Uint8Array> = stream[Symbol.asyncIterator]()
      return {
        async next() {
          idleSinceMs = undefined
          try {
            const next = await chunks.next()
            if (next.done !== true) onContent?.(next.value.length)
            return next
          } catch (failure) {
            throw failureOf(failure, host, signal)
          } finally {
            idleSinceMs = clock.nowMs()
          }
        },
        async return() {
          stream.destroy()
          return { done: true, value: undefined }
        },
      }
    },
  }
}

/** A broken connection like others: whoever reads on later goes on at the same byte. */
function givenAway(host: string): GatewayError {
  return new GatewayError('upstream-down', 'the connection was not used, and went to another download', {
    hint: 'try again',
    facts: { host },
  })
}
