import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import path from 'node:path'
import { setInterval } from 'node:timers'
import { connect as connectTls } from 'node:tls'
import type { Stand } from './stand.ts'

/** Something that a key has under way, until it ends by itself or is cut. */
export interface UnderWay {
  readonly kind: string
  /** Resolves when bytes have begun to move, or the request has been sent and waits. */
  readonly begun: Promise<unknown>
  /** Downloads stop after their first bytes, so that many of them cost nothing; from here on they go as fast as they can. */
  readonly flow: () => void
  /** Resolves when the connection is over: with the moment of its last byte, or of its end where nothing comes back. */
  readonly ended: Promise<number>
}

export function download(url: string, key: string): UnderWay {
  const outgoing = request(url, { agent: false, headers: { authorization: `Bearer ${key}` } })
  outgoing.end()
  return watched('download', outgoing)
}

/** Sends a little now and then, of much that it has promised. */
export function upload(url: string, key: string): UnderWay {
  const outgoing = request(url, {
    ...{ method: 'PUT', agent: false },
    headers: { authorization: `Bearer ${key}`, 'content-length': 50_000_000 },
  })
  const sending = setInterval(() => void outgoing.write(Buffer.alloc(16_384)), 20)
  const sent = once(outgoing, 'socket').then(() => new Promise((resolve) => setTimeout(resolve, 200)))
  const { begun, ended } = watched('upload', outgoing)
  return {
    kind: 'upload',
    flow: () => undefined,
    begun: Promise.race([sent, begun]),
    ended: ended.finally(() => clearInterval(sending)),
  }
}

/** A question that 1fichier's limits keep waiting. */
export function question(url: string, key: string): UnderWay {
  const outgoing = request(url, { agent: false, headers: { authorization: `Bearer ${key}` } })
  outgoing.end()
  const { ended } = watched('waiting question', outgoing)
  return { kind: 'waiting question', begun: once(outgoing, 'finish'), flow: () => undefined, ended }
}

/** A direct link that was handed out, fetched through a tunnel of the proxy door. */
export async function tunnelled(stand: Stand, key: string, link: string): Promise<UnderWay> {
  const token = await fetch(`${stand.url}/v1/download/get_token.cgi`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ url: link }),
  })
  const { url } = (await token.json()) as { url: string }
  const host = 'a-1.1fichier.com'
  const credential = Buffer.from(`any:${key}`).toString('base64')
  const asking = request({
    ...{ host: '127.0.0.1', port: new URL(stand.url).port, method: 'CONNECT', path: `${host}:443` },
    headers: { 'proxy-authorization': `Basic ${credential}` },
  })
  asking.end()
  const [, socket] = await once(asking, 'connect')
  const secured = connectTls({
    ...{ socket, servername: host, ca: await readFile(path.join(stand.home, 'ca.pem')) },
  })
  await once(secured, 'secureConnect')
  let lastMs = performance.now()
  secured.on('data', () => {
    lastMs = performance.now()
  })
  secured.on('error', () => undefined)
  const ended = once(secured, 'close').then(() => lastMs)
  const begun = once(secured, 'data').then(() => secured.pause())
  secured.write(`GET ${new URL(url).pathname} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  return { kind: 'tunnel', begun, flow: () => void secured.resume(), ended }
}

function watched(kind: string, outgoing: ReturnType<typeof request>): UnderWay {
  let lastMs: number | undefined
  const begun = Promise.withResolvers<void>()
  let incoming: IncomingMessage | undefined
  outgoing.on('response', (response: IncomingMessage) => {
    incoming = response
    response.once('data', () => response.pause())
    if (response.statusCode !== 200)
      begun.reject(new Error(`a ${kind} was answered with ${response.statusCode}`))
    response.on('data', () => {
      lastMs = performance.now()
      begun.resolve()
    })
    response.on('error', () => undefined)
  })
  outgoing.on('error', () => undefined)
  const ended = new Promise<number>((resolve) => {
    outgoing.once('close', () => resolve(lastMs ?? performance.now()))
  })
  return { kind, begun: begun.promise, flow: () => void incoming?.resume(), ended }
}

/** Orders something on the owner's local socket; resolves with the moments of the order and of the answer. */
export async function asOwner(
  stand: Stand,
  method: string,
  route: string,
): Promise<{ readonly orderedMs: number; readonly answeredMs: number }> {
  const orderedMs = performance.now()
  const outgoing = request({
    ...{
      socketPath: path.join(stand.home, 'run', 'admin.sock'),
      method,
      path: `/api/v1${route}`,
      agent: false,
    },
  })
  outgoing.end()
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  const answeredMs = performance.now()
  response.resume()
  if (response.statusCode !== 200) throw new Error(`${method} ${route}: ${response.statusCode}`)
  return { orderedMs, answeredMs }
}
