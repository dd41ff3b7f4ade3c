import { DOWNLOAD_CONNECTIONS_MAX } from '../rules/rules.ts'
import type { Service } from '../service.ts'
import type { FileRecord } from '../state/records.ts'
import type { Call } from '../transport/call.ts'
import { expiredLinkPage, page } from '../transport/pages.ts'
import { type Headers, html, type Reply } from '../transport/reply.ts'
import { parseRange, type Range } from './ranges.ts'

/** GET and HEAD of a direct URL (wire.md §7.3). */
export function serveDirect(service: Service, call: Call): Reply {
  const id = call.path.slice(1)
  if (call.fault?.kind === 'expired-link') service.tokens.expire(id)
  const nowMs = service.timers.nowMs()
  const readings = service.readings()
  const token = service.tokens.live(id, nowMs, readings, (ms) => service.police.scaled(ms))
  const file = token && service.account.tree.file(token.fileId)
  const isWrongNode = token && call.host.kind === 'download' && call.host.name !== token.host
  if (!token || !file || isWrongNode || !service.account.contents.isReadable(file.content)) {
    return html(expiredLinkPage(), readings.expiredLinkStatus)
  }
  // This download is one of those under way.
  const isCrowded = service.counters.downloadsUnderWay() > DOWNLOAD_CONNECTIONS_MAX
  if (isCrowded && service.police.settings().level !== 'off') {
    return html(page('1fichier.com', 'Votre adresse IP ouvre trop de connexions vers le serveur'), 403)
  }
  if (call.method === 'HEAD') {
    service.counters.add('directHeads')
    return stream(200, headersOf(file, token.inline), file.sizeBytes, [])
  }
  service.counters.add('directGets')
  service.tokens.noteGet(token, nowMs)
  return answerRange(service, call, file, headersOf(file, token.inline))
}

function answerRange(service: Service, call: Call, file: FileRecord, headers: Headers): Reply {
  const asked = call.fault?.kind === 'ignore-range' ? undefined : call.request.headers.range
  const range: Range = parseRange(asked, file.sizeBytes)
  if (range.kind === 'unsatisfiable') {
    return html(page('416', 'Requested Range Not Satisfiable'), 416, {
      'Content-Range': `bytes */${file.sizeBytes}`,
    })
  }
  if (range.kind === 'whole')
    return stream(200, headers, file.sizeBytes, content(service, call, file, 0, file.sizeBytes))
  const { start, end } = range
  const place = { 'Content-Range': `bytes ${start}-${end - 1}/${file.sizeBytes}` }
  return stream(206, { ...headers, ...place }, end - start, content(service, call, file, start, end))
}

async function* content(
  service: Service,
  call: Call,
  file: FileRecord,
  start: number,
  end: number,
): AsyncGenerator<Buffer> {
  const fault = call.fault?.kind === 'corrupt' ? (call.fault.offset ?? start) : undefined
  let offset = start
  for await (const chunk of service.account.contents.read(file.content, start, end)) {
    const isHit = fault !== undefined && fault >= offset && fault < offset + chunk.length
    yield isHit ? flipped(chunk, fault - offset) : chunk
    offset += chunk.length
    service.counters.add('bytesDown', chunk.length)
  }
}

function flipped(chunk: Buffer, index: number): Buffer {
  const copy = Buffer.from(chunk)
  copy.writeUInt8(copy.readUInt8(index) ^ 0xff, index)
  return copy
}

function headersOf(file: FileRecord, inline: boolean): Headers {
  // Names go out as raw UTF-8; Node takes header values as latin1.
  const name = Buffer.from(file.name, 'utf8').toString('latin1')
  return {
    'Content-Type': inline ? file.mimeType : 'application/octet-stream',
    'Content-Disposition': `${inline ? 'inline' : 'attachment'}; filename="${name}"`,
    'Accept-Ranges': 'bytes',
  }
}

function stream(
  status: number,
  headers: Headers,
  lengthBytes: number,
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
): Reply {
  return { kind: 'stream', status, headers, lengthBytes, chunks }
}
