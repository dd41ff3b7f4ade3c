import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { type ClientRequest, type IncomingMessage, type RequestOptions, request } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { syntheticBytes, syntheticRange } from '@guichet/emulator'

/** Clients that hold no file: content is computed while it goes and compared with the computed one when it comes. */

/** Content of a seed of the emulator. */
export interface Synthetic {
  readonly seed: string
  readonly sizeBytes: number
}

const BOUNDARY = 'c0ffee'.repeat(8)

/** Sends the content as the whole body. */
export async function sendPlain(url: string, key: string, content: Synthetic): Promise<Answer> {
  const outgoing = open(url, key, { method: 'PUT', headers: { 'content-length': content.sizeBytes } })
  const answer = answerOf(outgoing)
  await pipeline(Readable.from(pieces(content)), outgoing)
  return answer
}

/** Sends the content as the one file of a form, as 1fichier's upload nodes take it. */
export async function sendForm(url: string, key: string, name: string, content: Synthetic): Promise<Answer> {
  const head = Buffer.from(
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file[]"; filename="${name}"\r\n\r\n`,
  )
  const tail = Buffer.from(`\r\n--${BOUNDARY}--\r\n`)
  const outgoing = open(url, key, {
    method: 'POST',
    headers: {
      'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
      'content-length': head.length + content.sizeBytes + tail.length,
    },
  })
  const answer = answerOf(outgoing)
  await pipeline(
    Readable.from(
      (function* () {
        yield head
        yield* pieces(content)
        yield tail
      })(),
    ),
    outgoing,
  )
  return answer
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

/** A request without a body, answered as a whole. */
export async function ask(url: string, key: string, options: RequestOptions = {}): Promise<Answer> {
  const outgoing = open(url, key, options)
  outgoing.end()
  return answerOf(outgoing)
}

/** Reads a content and throws at the first byte that is another than the seed's. */
export async function receive(
  url: string,
  key: string,
  content: Synthetic,
): Promise<IncomingMessage['headers']> {
  const outgoing = open(url, key, { method: 'GET' })
  outgoing.end()
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  if (response.statusCode !== 200) throw new Error(`${response.statusCode}: ${await textOf(response)}`)
  let at = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (!syntheticBytes(content.seed, at, chunk.length).equals(chunk))
      throw new Error(`a byte is wrong after ${at}`)
    at += chunk.length
  }
  if (at !== content.sizeBytes) throw new Error(`${at} bytes came instead of ${content.sizeBytes}`)
  return response.headers
}

/** What the kernel says of a process, in MiB. */
export interface Memory {
  /** `VmHWM`: the most that was ever resident at one time, shared pages of Node's own file included. */
  readonly peakMiB: number
  /** `RssAnon`: what is the process's own at this moment. */
  readonly ownMiB: number
}

export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1_024
  return { peakMiB: field('VmHWM'), ownMiB: field('RssAnon') }
}

/** Lets the kernel measure the peak anew, from what is resident now. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

/** The children of a process: those of the gateway are its keyholder. */
export function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
}

function pieces({ seed, sizeBytes }: Synthetic): Iterable<Buffer> {
  return syntheticRange(seed, 0, sizeBytes)
}

function open(url: string, key: string, options: RequestOptions): ClientRequest {
  const headers = { ...options.headers, authorization: `Bearer ${key}` }
  return request(url, { ...options, headers, agent: false })
}

async function answerOf(outgoing: ClientRequest): Promise<Answer> {
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  return { status: response.statusCode ?? 0, headers: response.headers, text: await textOf(response) }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
