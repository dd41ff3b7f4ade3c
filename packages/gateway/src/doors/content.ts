import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { type ByteRange, type FileNode, GatewayError, type TokenOptions } from '@guichet/core'
import type { Downloads } from '../services/downloads.ts'
import type { Caller } from '../services/gate.ts'
import type { Visit } from './visit.ts'

/** Answers GET and HEAD of one file, whole or one range. */
export async function sendContent(
  visit: Visit,
  caller: Caller,
  downloads: Downloads,
  file: FileNode,
  options: TokenOptions = {},
): Promise<void> {
  const { request, response } = visit
  const etag = file.whirlpool === undefined ? undefined : `"${file.whirlpool.slice(0, 40)}"`
  const ifRange = request.headers['if-range']
  const wished = ifRange === undefined || ifRange === etag ? request.headers.range : undefined
  const range = parseRange(wished, file.sizeBytes)
  if (request.method === 'HEAD' || range === 'unsatisfiable') await downloads.permit(caller, file, options)
  setHeaders(response, file, etag, options)
  if (range === 'unsatisfiable') {
    response.writeHead(416, { 'content-range': `bytes */${file.sizeBytes}`, 'content-length': 0 }).end()
    return
  }
  const startByte = range?.startByte ?? 0
  const endByte = range?.endByte ?? file.sizeBytes - 1
  const head: Record<string, string | number> = { 'content-length': endByte - startByte + 1 }
  if (range !== undefined) head['content-range'] = `bytes ${startByte}-${endByte}/${file.sizeBytes}`
  if (request.method === 'HEAD') {
    response.writeHead(range === undefined ? 200 : 206, head).end()
    return
  }
  const content = await downloads.open(caller, file, range, options)
  const chunks = content.body[Symbol.asyncIterator]()
  try {
    // The first bytes are at hand before the status is said, so that a refusal can still be one.
    const first = await chunks.next()
    response.writeHead(range === undefined ? 200 : 206, head)
    await pipeline(prepended(first, chunks), response, { signal: visit.signal })
  } catch (failure) {
    await chunks.return?.()
    if (!response.headersSent) {
      for (const name of response.getHeaderNames()) if (name !== 'x-request-id') response.removeHeader(name)
      throw failure
    }
    // A client that has left is no fault of ours, whatever the pipeline calls it.
    visit.note(GatewayError.from(visit.signal.aborted ? visit.signal.reason : failure))
    // The promised length cannot be kept, and only a broken connection says so.
    response.destroy()
  }
}

/** One range in bytes; several ranges, and units we do not know, are answered with the whole file (RFC 9110 §14.2). */
export function parseRange(
  header: string | undefined,
  sizeBytes: number,
): Required<ByteRange> | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/i.exec(header?.replaceAll(' ', '') ?? '')
  if (match === null) return undefined
  const [, first = '', last = ''] = match
  if (first === '' && last === '') return undefined
  if (first === '') {
    const count = Number(last)
    return count === 0 || sizeBytes === 0
      ? 'unsatisfiable'
      : { startByte: Math.max(0, sizeBytes - count), endByte: sizeBytes - 1 }
  }
  const startByte = Number(first)
  const endByte = last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1)
  if (last !== '' && Number(last) < startByte) return undefined
  return startByte >= sizeBytes ? 'unsatisfiable' : { startByte, endByte }
}

function setHeaders(
  response: ServerResponse,
  file: FileNode,
  etag: string | undefined,
  options: TokenOptions,
): void {
  const isInline = options.inline === true
  response.setHeader('accept-ranges', 'bytes')
  response.setHeader('content-type', (isInline ? file.contentType : undefined) ?? 'application/octet-stream')
  response.setHeader('content-disposition', disposition(isInline ? 'inline' : 'attachment', file.name))
  response.setHeader('last-modified', new Date(file.dateMs).toUTCString())
  // Content of strangers must not run in the gateway's origin.
  response.setHeader('x-content-type-options', 'nosniff')
  response.setHeader('content-security-policy', 'sandbox')
  if (etag !== undefined) response.setHeader('etag', etag)
  if (file.whirlpool !== undefined) response.setHeader('x-guichet-whirlpool', file.whirlpool)
}

function disposition(kind: 'inline' | 'attachment', name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, '_')
  const exact = encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16)}`,
  )
  return `${kind}; filename="${plain}"; filename*=UTF-8''${exact}`
}

async function* prepended(
  first: IteratorResult<Uint8Array>,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (first.done === true) return
  yield first.value
  try {
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
  } finally {
    await rest.return?.()
  }
}

export function requireGetOrHead(method: string | undefined): void {
  if (method === 'GET' || method === 'HEAD') return
  throw new GatewayError('invalid', `${method} is not possible here`, { hint: 'use GET or HEAD' })
}
