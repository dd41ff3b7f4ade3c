import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'node:https'
import type { Emulator } from '../emulator.ts'

/** A plain HTTPS client for the tests: it knows no 1fichier, only where the emulator is. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** The code of the error that ended the body early, if any. */
  readonly brokenBy: string | undefined
}

export interface Question {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  readonly localAddress?: string
  readonly signal?: AbortSignal
}

type Json = Readonly<Record<string, unknown>>

/** Sends one request on a connection of its own; rejects when the connection ends before an answer. */
export function ask(emulator: Emulator, url: string, question: Question = {}): Promise<Answer> {
  const { hostname, pathname, search } = new URL(url)
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const outgoing = request({
    host: emulator.address.host,
    port: emulator.address.port,
    servername: hostname,
    ca: emulator.caPem,
    agent: false,
    path: `${pathname}${search}`,
    method: question.method ?? 'GET',
    headers: { Host: hostname, ...question.headers },
    ...(question.localAddress === undefined ? {} : { localAddress: question.localAddress }),
    ...(question.signal === undefined ? {} : { signal: question.signal }),
  })
  outgoing.on('error', reject)
  outgoing.on('response', (incoming) => {
    const chunks: Buffer[] = []
    const finish = (brokenBy: string | undefined): void =>
      resolve({
        status: incoming.statusCode ?? 0,
        headers: incoming.headers,
        body: Buffer.concat(chunks),
        brokenBy,
      })
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('error', (error: NodeJS.ErrnoException) => finish(error.code))
    incoming.on('end', () => finish(undefined))
  })
  outgoing.end(question.body)
  return promise
}

/** A call to /v1 with the account's key; the body is given back as JSON. */
export async function call(
  emulator: Emulator,
  endpoint: string,
  body: Json = {},
  question: Question = {},
): Promise<{ readonly status: number; readonly headers: IncomingHttpHeaders; readonly json: Json }> {
  const answer = await ask(emulator, `https://api.1fichier.com/v1/${endpoint}.cgi`, {
    method: 'POST',
    body: JSON.stringify(body),
    ...question,
    headers: {
      'Content-Type': 'application/json',
      Authorization: `Bearer ${emulator.apiKey}`,
      ...question.headers,
    },
  })
  return { status: answer.status, headers: answer.headers, json: parse(answer.body) }
}

export interface UploadPart {
  readonly name: string
  readonly filename?: string
  readonly content: string | Buffer
}

/** A multipart body as rclone writes it. */
export function multipart(parts: readonly UploadPart[], boundary = 'b0undary'): Buffer {
  const pieces = parts.flatMap(({ name, filename, content }) => {
    const file = filename === undefined ? '' : `; filename="${filename}"`
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n`
    return [Buffer.from(head), Buffer.from(content), Buffer.from('\r\n')]
  })
  return Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)])
}

/** Sends an upload request to a fresh node and gives the node's answer with the node. */
export async function upload(
  emulator: Emulator,
  parts: readonly UploadPart[],
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly node: string; readonly answer: Answer }> {
  const { json: server } = await call(emulator, 'upload/get_upload_server')
  const node = `https://${String(server['url'])}`
  const body = multipart(parts)
  const answer = await ask(emulator, `${node}/upload.cgi?id=${String(server['id'])}`, {
    method: 'POST',
    body,
    headers: {
      Authorization: `Bearer ${emulator.apiKey}`,
      'Content-Type': 'multipart/form-data; boundary=b0undary',
      'Content-Length': String(body.length),
      ...headers,
    },
  })
  return { node, answer }
}

/** The JSON report of an upload that was answered with a redirect. */
export async function report(emulator: Emulator, node: string, answer: Answer): Promise<Json> {
  const { body } = await ask(emulator, `${node}${answer.headers.location}`, { headers: { JSON: '1' } })
  return parse(body)
}

/** A field that must be a list of objects. */
export function listIn(json: Json, name: string): Json[] {
  const value = json[name]
  if (!Array.isArray(value)) throw new Error(`${name} is no list in ${JSON.stringify(json)}`)
  return value
}

/** A direct URL for a link, asked for with get_token.cgi. */
export async function directUrl(emulator: Emulator, link: string, more: Json = {}): Promise<string> {
  const { json } = await call(emulator, 'download/get_token', { url: link, ...more })
  if (typeof json['url'] !== 'string') throw new Error(`no direct URL: ${JSON.stringify(json)}`)
  return json['url']
}

function parse(body: Buffer): Json {
  return JSON.parse(body.toString('utf8'))
}
