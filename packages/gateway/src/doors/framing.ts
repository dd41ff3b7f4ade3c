import type { IncomingMessage } from 'node:http'
import { hostOfHeader } from './proxy/target.ts'

/** Headers of which a second one would let two readers take two different values. */
const ONCE = [
  'host',
  'authorization',
  'proxy-authorization',
  'content-length',
  'content-type',
  'range',
  'origin',
]

/** What `Connection` may name: it is about this connection alone, and nothing of it is passed on. */
const HOP_BY_HOP = [
  'close',
  'keep-alive',
  'upgrade',
  'te',
  'trailer',
  'http2-settings',
  'proxy-connection',
  'proxy-authorization',
]

/**
 * Why two readers could understand this request in two ways; `undefined` for a request with one meaning.
 *
 * Node's parser has refused what it cannot take apart: doubled or odd lengths, a length beside chunks, bare line ends,
 * folded lines, NUL, spaces before colons. This is the rest: what it takes, and a proxy in front of us could take
 * otherwise.
 */
export function ambiguityOf(request: IncomingMessage): string | undefined {
  return headerAmbiguity(request) ?? hostAmbiguity(request) ?? targetAmbiguity(request.url ?? '')
}

/** The same for a CONNECT, whose target is no path and which has no body. */
export function tunnelAmbiguity(request: IncomingMessage): string | undefined {
  const { 'transfer-encoding': encoding, 'content-length': length = '0' } = request.headers
  if (encoding !== undefined || length !== '0') return 'a CONNECT with a body'
  return headerAmbiguity(request)
}

function headerAmbiguity(request: IncomingMessage): string | undefined {
  const { httpVersion, headers, headersDistinct } = request
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return `HTTP/${httpVersion}`
  const doubled = ONCE.find((name) => (headersDistinct[name]?.length ?? 0) > 1)
  if (doubled !== undefined) return `more than one ${doubled} header`
  const encoding = headers['transfer-encoding']
  if (encoding !== undefined && (encoding.toLowerCase() !== 'chunked' || httpVersion !== '1.1'))
    return 'a transfer encoding that is not chunked alone'
  const named = connectionNames(headers.connection).find(
    (name) => !HOP_BY_HOP.includes(name) && headers[name] !== undefined,
  )
  return named === undefined ? undefined : 'a Connection header that takes away a header of the request'
}

function hostAmbiguity({ headers: { host }, httpVersion }: IncomingMessage): string | undefined {
  if (host === undefined) return httpVersion === '1.0' ? undefined : 'no Host header'
  return hostOfHeader(host) === undefined ? 'a Host header that is not one host' : undefined
}

/** A path is to mean the same before and after it is made plain, so that a filter in front of us sees what we see. */
function targetAmbiguity(target: string): string | undefined {
  if (!target.startsWith('/')) return 'a target that is not a path'
  const [path = ''] = target.split('?')
  if (target.includes('#')) return 'a target with a fragment'
  if (/\\|%5c|%00/i.test(path)) return 'a path with a backslash or a zero byte'
  const isPlain = path.split('/').every((segment) => !/^(?:\.|%2e){1,2}$/i.test(segment))
  return isPlain ? undefined : 'a path with dots for folders'
}

function connectionNames(connection: string | undefined): readonly string[] {
  return (connection ?? '').split(',').map((name) => name.trim().toLowerCase())
}
