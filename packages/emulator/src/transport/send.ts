import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import type { FaultSpec } from '../faults/faults.ts'
import { type Random, shuffled } from '../random.ts'
import type { Call } from './call.ts'
import { Hangup } from './hangup.ts'
import type { Headers, Reply } from './reply.ts'

/** Puts an answer on the wire, with what the fault of the call does to it. */
export async function send(
  call: Call,
  reply: Reply,
  response: ServerResponse,
  random: Random,
): Promise<void> {
  if (reply.kind === 'stream') {
    await sendStream(call, reply, response)
    return
  }
  const encoded = encode(call, reply, random)
  const body =
    call.fault?.kind === 'truncated-json' ? encoded.body.subarray(0, encoded.body.length / 2) : encoded.body
  response.writeHead(reply.status, {
    Server: 'nginx',
    ...reply.headers,
    ...encoded.headers,
    'Content-Length': String(body.length + lengthError(call.fault)),
  })
  if (call.method === 'HEAD') response.end()
  else await sendBody(call, [body], response)
}

function encode(
  call: Call,
  reply: Extract<Reply, { kind: 'json' | 'text' }>,
  random: Random,
): { readonly body: Buffer; readonly headers: Headers } {
  if (reply.kind === 'text') return { body: Buffer.from(reply.text), headers: {} }
  const text = JSON.stringify(reordered(reply.body, random), undefined, reply.pretty ? 3 : undefined)
  const headers = { 'Content-Type': 'application/json; charset=utf-8', Vary: 'Accept-Encoding' }
  const acceptsGzip = /\bgzip\b/.test(String(call.request.headers['accept-encoding'] ?? ''))
  if (!acceptsGzip || call.fault?.kind === 'truncated-json') return { body: Buffer.from(text), headers }
  return { body: gzipSync(text, { level: 1 }), headers: { ...headers, 'Content-Encoding': 'gzip' } }
}

/** The same value with the keys of every object in another order, as the service's answers have them (wire.md §1). */
function reordered(value: unknown, random: Random): unknown {
  if (Array.isArray(value)) return value.map((entry: unknown) => reordered(entry, random))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, entry]): [string, unknown] => [
    name,
    reordered(entry, random),
  ])
  return Object.fromEntries(shuffled(random, entries))
}

async function sendStream(
  call: Call,
  reply: Extract<Reply, { kind: 'stream' }>,
  response: ServerResponse,
): Promise<void> {
  response.writeHead(reply.status, {
    Server: 'nginx',
    ...reply.headers,
    'Content-Length': String(reply.lengthBytes + lengthError(call.fault)),
  })
  if (call.method === 'HEAD') response.end()
  else await sendBody(call, reply.chunks, response)
}

async function sendBody(
  call: Call,
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
  response: ServerResponse,
): Promise<void> {
  const { fault, signal } = call
  let left = fault?.kind === 'cut' ? fault.afterBytes : Number.POSITIVE_INFINITY
  for await (const chunk of chunks) {
    const piece = chunk.subarray(0, Math.min(left, chunk.length))
    left -= piece.length
    if (piece.length > 0 && !response.write(piece)) await once(response, 'drain', { signal })
    if (left <= 0) throw new Hangup('after what was written')
  }
  // A promise of more bytes than there are is kept by closing the connection.
  if (lengthError(fault) !== 0) throw new Hangup('after what was written')
  response.end()
}

function lengthError(fault: FaultSpec | undefined): number {
  return fault?.kind === 'wrong-length' ? fault.byBytes : 0
}
