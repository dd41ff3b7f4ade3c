import { once } from 'node:events'
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { GatewayError } from '@guichet/core'
import type { Target, UploadNodes } from './closed-list.ts'
import { KeyScan } from './key-scan.ts'
import type { Upstream } from './upstream.ts'

export interface Forwarding {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly target: Target
  /** A copy for this call alone; whoever made it overwrites it afterwards. */
  readonly apiKey: Buffer
  readonly upstream: Upstream
  readonly nodes: UploadNodes
  readonly nowMs: () => number
  /** Aborted with a `GatewayError` when the keyholder is sealed or the caller goes away. */
  readonly signal: AbortSignal
}

/** All that passes from the caller to 1fichier; the rest is ours to say. */
const REQUEST_HEADERS = ['accept', 'accept-language', 'content-type', 'user-agent'] as const

/** All that passes back; a mark of the keyholder's own is not among them. */
const ANSWER_HEADERS = ['content-length', 'content-type', 'date', 'location', 'retry-after'] as const

/** A `get_upload_server.cgi` answer is far smaller. */
const LOOKUP_BYTES_MAX = 4_096
const SWEEP_BYTES = 4 * 1024 * 1024

/** Sends one call on and streams the answer back. Rejects with a `GatewayError`; the answer may have begun by then. */
export async function forward(call: Forwarding): Promise<void> {
  const { request, response, target, apiKey, signal } = call
  const sending = call.upstream.send(target, requestHeaders(request), apiKey, signal)
  request.pipe(sending.request)
  request.on('data', sweeper())
  try {
    const answer = await sending.answer
    await giveBack(call, answer)
  } catch (failure) {
    throw brokenOff(failure, sending.sent(), signal)
  } finally {
    // 1fichier may answer before it has read everything: then the rest is not wanted.
    request.unpipe(sending.request)
    if (!sending.request.writableFinished || !response.writableFinished) sending.request.destroy()
  }
}

/** Content would wait for V8 in 32 MB of buffers; young ones are collected before they are many (see --expose-gc in start.ts). */
function sweeper(): (chunk: Buffer) => void {
  let passedBytes = 0
  return (chunk) => {
    passedBytes += chunk.length
    if (passedBytes < SWEEP_BYTES) return
    passedBytes = 0
    globalThis.gc?.({ type: 'minor' })
  }
}

function requestHeaders(request: IncomingMessage): OutgoingHttpHeaders {
  if (request.headers['transfer-encoding'] !== undefined) {
    throw new GatewayError('invalid', 'the request has a body of unknown length', {
      hint: 'send an exact Content-Length: 1fichier demands it',
      facts: { sent: false },
    })
  }
  // An encoded answer could not be searched for the key.
  const headers: OutgoingHttpHeaders = { ...picked(request, REQUEST_HEADERS), 'accept-encoding': 'identity' }
  const length = request.headers['content-length']
  if (length !== undefined || request.method === 'POST') headers['content-length'] = length ?? '0'
  return headers
}

function picked({ headers }: IncomingMessage, names: readonly string[]): OutgoingHttpHeaders {
  return Object.fromEntries(
    names.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])),
  )
}

async function giveBack(call: Forwarding, answer: IncomingMessage): Promise<void> {
  const { response, target, signal } = call
  const scan = new KeyScan(call.apiKey)
  scan.check(answer.rawHeaders)
  if ((answer.headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw new GatewayError('upstream-changed', '1fichier sent an encoded answer that was not asked for', {
      hint: 'run `guichet doctor` and report what it says',
      facts: { sent: true },
    })
  }
  const begin = (): void => {
    if (!response.headersSent) response.writeHead(answer.statusCode ?? 502, picked(answer, ANSWER_HEADERS))
  }
  // The head of a redirect says that an upload has arrived, even when nothing more comes (wire.md §6.3).
  if (isRedirect(answer)) {
    begin()
    response.flushHeaders()
  }
  const lookup: Buffer[] = []
  let lookupBytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    const clean = scan.push(chunk)
    lookupBytes += chunk.length
    if (target.kind === 'node-lookup' && lookupBytes <= LOOKUP_BYTES_MAX) lookup.push(chunk)
    if (clean.length === 0) continue
    begin()
    if (!response.write(clean)) await once(response, 'drain', { signal })
  }
  // Before the last byte: whoever has the whole answer may use the node at once.
  if (target.kind === 'node-lookup' && answer.statusCode === 200 && lookupBytes <= LOOKUP_BYTES_MAX) {
    call.nodes.learn(Buffer.concat(lookup), call.nowMs())
  }
  begin()
  response.end(scan.rest())
  await once(response, 'finish', { signal })
}

function isRedirect({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 300 && statusCode < 400
}

/** What a failure in the middle of a call means to the caller. */
export function brokenOff(failure: unknown, sent: boolean, signal: AbortSignal): GatewayError {
  if (failure instanceof GatewayError) return failure
  if (signal.reason instanceof GatewayError) {
    const { code, message, hint } = signal.reason
    return new GatewayError(code, message, { hint, facts: { sent } })
  }
  return new GatewayError('upstream-down', "1fichier's answer broke off", {
    hint: 'ask again',
    facts: { sent },
    cause: failure,
  })
}
