import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { FilledOptions } from '../options.ts'
import { answerControl, type Controlled } from './answers.ts'

export interface RunningControl extends AsyncDisposable {
  readonly url: string
}

const BODY_BYTES_MAX = 64 * 1024 * 1024

/** The control API: plain HTTP, on loopback, for the person who runs the emulator. */
export async function startControl(
  controlled: Controlled,
  { host, controlPort }: Pick<FilledOptions, 'host' | 'controlPort'>,
): Promise<RunningControl> {
  const server = createServer((request, response) => void handle(controlled, request, response))
  server.listen(controlPort, host)
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return {
    url: `http://${host}:${port}`,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function handle(
  controlled: Controlled,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const body = await readText(request)
    const { status, type, text } = await answerControl(controlled, {
      method: request.method ?? 'GET',
      path: new URL(request.url ?? '/', 'http://control').pathname,
      // A page in a browser must not reach the control API of its visitor.
      isFromPage: request.headers.origin !== undefined,
      body,
    })
    response.writeHead(status, { 'Content-Type': type }).end(text)
  } catch (failure) {
    response.writeHead(400, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${String(failure)}\n`)
  }
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    const bytes: Buffer = chunk
    length += bytes.length
    if (length > BODY_BYTES_MAX) throw new Error(`the body is longer than ${BODY_BYTES_MAX} bytes`)
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString('utf8')
}
