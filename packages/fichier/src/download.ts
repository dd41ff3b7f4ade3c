import {
  type ByteRange,
  type DirectContent,
  type FileHost,
  type FileLink,
  GatewayError,
  type HostCall,
  type HttpResponse,
  isUpstreamHost,
  linkText,
  type TokenOptions,
} from '@guichet/core'
import { brokenOff, discard, readAnswer, refusalOf, send } from './answers.ts'
import { callApi, type Wire } from './call.ts'
import { visibleText } from './pages.ts'
import { findRefusal } from './refusals.ts'

type DownloadCalls = Pick<FileHost, 'downloadToken' | 'openDirect'>

/** `get_token.cgi` and the direct links it gives (wire.md §7). */
export function downloadCalls(wire: Wire): DownloadCalls {
  return {
    downloadToken: (link, options, call) => downloadToken(wire, link, options, call),
    openDirect: (url, range, call) => openDirect(wire, url, range, call),
  }
}

async function downloadToken(
  wire: Wire,
  link: FileLink,
  options: TokenOptions,
  call: HostCall,
): Promise<URL> {
  const reply = await callApi(
    wire,
    'download/get_token',
    {
      url: linkText(link),
      pass: options.pass,
      inline: options.inline === true ? 1 : undefined,
      cdn: options.cdn === true ? 1 : undefined,
    },
    call,
  )
  const text = reply.text('url')
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && isDirect(url)) return url
  if (url === undefined || url.protocol !== 'http:' || !isUpstreamHost(url.hostname)) {
    return reply.refuse('"url" is not a direct link of 1fichier')
  }
  throw new GatewayError('file-refused', `1fichier gives ${linkText(link)} without TLS only`, {
    hint: 'the file has `no_ssl` set: take that away with `guichet attr`',
    facts: { why: 'no-tls' },
  })
}

async function openDirect(
  wire: Wire,
  url: URL,
  range: ByteRange | undefined,
  call: HostCall,
): Promise<DirectContent> {
  checkUrl(url)
  checkRange(range)
  const headers: Record<string, string> = { 'accept-encoding': 'identity' }
  if (range !== undefined) headers['range'] = `bytes=${range.startByte}-${range.endByte ?? ''}`
  const response = await send(wire.open, { method: 'GET', url, headers }, call)
  if (response.status !== 200 && response.status !== 206) throw await refusedDirect(response, call)
  if (response.status === 200 && isPage(response)) throw await refusedDirect(response, call)
  try {
    const extent = response.status === 206 ? partOf(response, range) : wholeOf(response)
    return {
      ...extent,
      contentType: response.headers['content-type'],
      body: exactly(response, extent.lengthBytes, call),
    }
  } catch (failure) {
    await discard(response)
    throw failure
  }
}

type Extent = Pick<DirectContent, 'startByte' | 'lengthBytes' | 'sizeBytes'>

/** The node ignored the range, or none was asked for: everything from the first byte on. */
function wholeOf(response: HttpResponse): Extent {
  const sizeBytes = plainLengthOf(response)
  if (sizeBytes === undefined) throw corrupt('1fichier does not tell how long the file is')
  return { startByte: 0, lengthBytes: sizeBytes, sizeBytes }
}

function partOf(response: HttpResponse, range: ByteRange | undefined): Extent {
  const text = response.headers['content-range'] ?? ''
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/i.exec(text.trim())
  if (match === null) throw corrupt('1fichier does not tell which part of the file it sends')
  const [startByte = 0, endByte = 0, sizeBytes = 0] = match.slice(1).map(Number)
  const lengthBytes = endByte - startByte + 1
  const isAsked =
    range !== undefined &&
    startByte === range.startByte &&
    endByte <= (range.endByte ?? Number.MAX_SAFE_INTEGER)
  if (!isAsked || lengthBytes < 1 || endByte >= sizeBytes) {
    throw corrupt(`1fichier sends another part of the file than asked for: ${text.slice(0, 80)}`)
  }
  const announcedBytes = plainLengthOf(response)
  if (announcedBytes !== undefined && announcedBytes !== lengthBytes) {
    throw corrupt(`1fichier announces ${announcedBytes} bytes for a part of ${lengthBytes}`)
  }
  return { startByte, lengthBytes, sizeBytes }
}

function plainLengthOf(response: HttpResponse): number | undefined {
  const encoding = response.headers['content-encoding'] ?? 'identity'
  if (encoding.toLowerCase() !== 'identity')
    throw corrupt(`1fichier sends the file packed as ${encoding.slice(0, 40)}`)
  const text = response.headers['content-length']
  if (text === undefined) return undefined
  if (!/^\d{1,15}$/.test(text))
    throw corrupt(`1fichier sends a length that is no number: ${text.slice(0, 40)}`)
  return Number(text)
}

/**
 * The bytes, as many as promised; a body that is shorter or longer ends in `corrupt`, never in a wrong file.
 * Who leaves before the first byte lets the connection go, too: a generator that has not begun would keep it.
 */
function exactly(response: HttpResponse, lengthBytes: number, call: HostCall): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      const chunks = response.body[Symbol.asyncIterator]()
      const counted = count(chunks, lengthBytes, call)
      return {
        next: () => counted.next(),
        async return() {
          await chunks.return?.()
          return await counted.return()
        },
      }
    },
  }
}

async function* count(
  chunks: AsyncIterator<Uint8Array>,
  lengthBytes: number,
  call: HostCall,
): AsyncGenerator<Uint8Array, void, undefined> {
  let gotBytes = 0
  let isDone = false
  try {
    for (;;) {
      const next = await nextOf(chunks, call)
      if (next.done === true) break
      gotBytes += next.value.length
      if (gotBytes > lengthBytes)
        throw corrupt(`1fichier sends more than the ${lengthBytes} bytes it announced`)
      if (next.value.length > 0) yield next.value
    }
    isDone = true
  } finally {
    if (!isDone) await chunks.return?.()
  }
  if (gotBytes < lengthBytes) throw corrupt(`the file ended after ${gotBytes} of ${lengthBytes} bytes`)
}

async function nextOf(
  chunks: AsyncIterator<Uint8Array>,
  call: HostCall,
): Promise<IteratorResult<Uint8Array>> {
  try {
    return await chunks.next()
  } catch (failure) {
    throw brokenOff('direct', failure, call)
  }
}

/**
 * A page in 200: a link that has expired, or a refusal in HTML (wire.md §7.3).
 * A file that is HTML itself says by its disposition that it is a file, with `inline` too.
 */
function isPage(response: HttpResponse): boolean {
  const { 'content-type': type = '', 'content-disposition': disposition } = response.headers
  return /^(?:text\/html|application\/xhtml)/i.test(type) && disposition === undefined
}

async function refusedDirect(response: HttpResponse, call: HostCall): Promise<GatewayError> {
  if (response.status === 416) {
    await discard(response)
    return new GatewayError('invalid', 'the file ends before the part that was asked for', {
      hint: 'ask for a part within its size',
      facts: { endpoint: 'direct', status: 416, size: response.headers['content-range'] ?? 'unknown' },
    })
  }
  const answer = await readAnswer('direct', response, call)
  const words = visibleText(answer.text)
  const isKnown = findRefusal(words, 'page') !== undefined
  if (isKnown || answer.status === 429 || answer.status >= 500) return refusalOf(answer, words, 'page')
  return new GatewayError('not-found', 'the direct link is no longer good', {
    hint: 'ask for a new one; it is good for some minutes only',
    facts: { endpoint: 'direct', status: answer.status, expired: true },
  })
}

/** Under 1fichier's names, over TLS, and with nothing in the address that a link has no need of. */
function isDirect(url: URL): boolean {
  const isPlain = url.port === '' && url.username === '' && url.password === ''
  return url.protocol === 'https:' && isPlain && isUpstreamHost(url.hostname)
}

function checkUrl(url: URL): void {
  if (isDirect(url)) return
  throw new GatewayError('invalid', `${url.protocol}//${url.host} is not where 1fichier keeps files`, {
    hint: 'a direct link begins with https:// and a name under 1fichier.com',
  })
}

function checkRange(range: ByteRange | undefined): void {
  if (range === undefined) return
  const { startByte, endByte = startByte } = range
  if (
    Number.isSafeInteger(startByte) &&
    Number.isSafeInteger(endByte) &&
    0 <= startByte &&
    startByte <= endByte
  )
    return
  throw new GatewayError(
    'invalid',
    `bytes ${range.startByte} to ${range.endByte ?? 'the end'} are no range`,
    {
      hint: 'a range runs from a byte to the same or a later one, counted from 0',
    },
  )
}

function corrupt(message: string): GatewayError {
  return new GatewayError('corrupt', message, {
    hint: 'ask for a new direct link and go on at the byte you have',
    facts: { endpoint: 'direct' },
  })
}
