import { createReadStream, createWriteStream } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type RequestOptions, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'

/**
 * The least that stands between a client and 1fichier: takes a body to the disk and on over TLS, gives a file back.
 * It checks, counts and remembers nothing. Started by transfer.ts as a process of its own; the environment says where to.
 */

const { UPSTREAM_HOST = '', UPSTREAM_PORT = '', UPSTREAM_CA = '', API_KEY = '', SPOOL = '' } = process.env
const BOUNDARY = 'c0ffee'.repeat(8)
const file = path.join(SPOOL, 'spooled')

const server = createServer({ highWaterMark: 256 * 1024 }, (incoming, response) => {
  answer(incoming, response).catch((failure: unknown) => {
    process.stderr.write(`${String(failure)}\n`)
    response.destroy()
  })
})
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
})

async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(incoming.url ?? '/', 'http://bare')
  if (incoming.method === 'GET') return download(url.searchParams.get('direct') ?? '', response)
  await spool(incoming)
  if (url.pathname === '/stored') await upload(url.searchParams.get('name') ?? '', incoming)
  await rm(file)
  response.writeHead(201).end()
}

async function spool(incoming: IncomingMessage): Promise<void> {
  await pipeline(incoming, createWriteStream(file, { highWaterMark: 256 * 1024 }))
  await using handle = await open(file, 'r+')
  await handle.sync()
}

async function upload(name: string, { headers }: IncomingMessage): Promise<void> {
  const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file[]"; filename="${name}"\r\n\r\n`
  const tail = `\r\n--${BOUNDARY}--\r\n`
  const outgoing = request({
    ...upstream('up1.1fichier.com'),
    method: 'POST',
    path: '/upload.cgi?id=bare',
    headers: {
      host: 'up1.1fichier.com',
      authorization: `Bearer ${API_KEY}`,
      'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
      'content-length': head.length + Number(headers['content-length']) + tail.length,
    },
  })
  const answered = new Promise<IncomingMessage>((resolve, reject) =>
    outgoing.once('response', resolve).once('error', reject),
  )
  outgoing.write(head)
  await pipeline(createReadStream(file, { highWaterMark: 256 * 1024 }), outgoing, { end: false })
  outgoing.end(tail)
  const accepted = await answered
  accepted.resume()
  if (accepted.statusCode !== 302) throw new Error(`the upload was answered with ${accepted.statusCode}`)
}

async function download(direct: string, response: ServerResponse): Promise<void> {
  const { hostname, pathname } = new URL(direct)
  const outgoing = request({ ...upstream(hostname), path: pathname })
  outgoing.end()
  const content = await new Promise<IncomingMessage>((resolve, reject) =>
    outgoing.once('response', resolve).once('error', reject),
  )
  response.writeHead(content.statusCode ?? 502, { 'content-length': content.headers['content-length'] ?? '' })
  await pipeline(content, response)
}

function upstream(hostname: string): RequestOptions {
  return {
    host: UPSTREAM_HOST,
    port: Number(UPSTREAM_PORT),
    servername: hostname,
    ca: UPSTREAM_CA,
    agent: false,
    setHost: false,
    headers: { host: hostname },
  }
}
