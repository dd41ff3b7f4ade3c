import type { IncomingMessage } from 'node:http'
import type { FaultSpec } from '../faults/faults.ts'
import type { Host } from '../hosts.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/** One request, read as far as every route needs it. */
export interface Call {
  /** `file/ls` for /v1/file/ls.cgi; `upload.cgi`, `end.pl`, `direct`, `dir`, `check_links.pl`, `page`, `remove`, `unknown`. */
  readonly endpoint: string
  readonly host: Host
  readonly hostName: string
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly ip: string
  /** The bearer token as it was sent, right or wrong. */
  readonly key: string | undefined
  readonly arrivedMs: number
  readonly request: IncomingMessage
  readonly fault: FaultSpec | undefined
  /** Ends when the client is gone or the emulator stops. */
  readonly signal: AbortSignal
}

/** A call to /v1, with the body read. */
export interface ApiCall extends Call {
  readonly json: JsonObject
}

/** The whole body of a small request. */
export async function readBody(call: Call, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of call.request) {
    const bytes: Buffer = chunk
    length += bytes.length
    if (length > bytesMax) throw new Error(`the body of ${call.endpoint} is longer than ${bytesMax} bytes`)
    chunks.push(bytes)
  }
  return Buffer.concat(chunks)
}
