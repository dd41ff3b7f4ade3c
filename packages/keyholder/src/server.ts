import { chmod, lstat, mkdir, unlink } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { GatewayError, SECOND_MS, Secret, systemCodeOf, TRAITS } from '@guichet/core'
import type { Keyholder } from './keyholder.ts'
import { parseWish } from './ledger-witness.ts'
import type { KdfCost } from './sealing.ts'
import { isWayKind } from './vault-format.ts'
import type { WayChange } from './ways.ts'

/** Marks an answer as the keyholder's own refusal: everything else comes from 1fichier. */
const ERROR_MARK = { 'x-guichet-keyholder': 'error' }

const CONTROL_BYTES_MAX = 65_536
const HEADER_BYTES_MAX = 16_384
/** What a refused caller may still send before its connection is closed. */
const DRAIN_BYTES_MAX = 16 * 1024 * 1024
/** What fits into the address of a unix socket on every system. */
const SOCKET_PATH_BYTES_MAX = 103

/** Serves until it is disposed of. Rejects with `conflict` when a living process holds the socket. */
export async function serveKeyholder(keyholder: Keyholder, socketPath: string): Promise<AsyncDisposable> {
  await claim(socketPath)
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: 10 * SECOND_MS,
      requestTimeout: 0, // An upload takes hours.
      keepAliveTimeout: 0, // Our one client must never meet a connection that is just being closed.
    },
    (request, response) => {
      handle(keyholder, request, response).catch((failure: unknown) => {
        refuse(response, GatewayError.from(failure))
        drain(request)
      })
    },
  )
  server.maxConnections = 256
  await listen(server, socketPath)
  await chmod(socketPath, 0o600)
  return {
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

async function handle(
  keyholder: Keyholder,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = '', url = '' } = request
  if (url.startsWith('/forward/')) {
    await keyholder.forward(request, response)
    if (!request.complete) drain(request)
    return
  }
  const body = await controlBody(request)
  switch (`${method} ${url}`) {
    case 'GET /status':
      break
    case 'POST /seal':
      await keyholder.sealForGood()
      break
    case 'POST /unseal':
      await unseal(keyholder, secretIn(body, 'passphrase'))
      break
    case 'GET /ledger/checkpoint':
      return answer(response, 200, await keyholder.witnessed())
    case 'POST /ledger/checkpoint': {
      const wish = parseWish(body)
      if (wish === undefined) throw misunderstood('size, root and proof')
      return answer(response, 200, await keyholder.signCheckpoint(wish))
    }
    case 'POST /rotate': {
      const newKey = secretIn(body, 'newKey')
      if (newKey === undefined || typeof body['check'] !== 'boolean') throw misunderstood('newKey and check')
      await keyholder.rotate(newKey, body['check'], secretIn(body, 'secret'))
      break
    }
    case 'POST /ways': {
      const secret = secretIn(body, 'secret')
      const change = wayChangeIn(body)
      if (secret === undefined || change === undefined) throw misunderstood('secret and a change')
      await keyholder.changeWays(secret, change)
      break
    }
    default:
      throw new GatewayError('not-found', 'the keyholder has no such call', {
        hint: 'it knows GET /status, POST /seal, /unseal, /rotate, /ways, GET and POST /ledger/checkpoint, and /forward/<host>/<path>',
      })
  }
  answer(response, 200, await keyholder.status())
}

async function unseal(keyholder: Keyholder, passphrase: Secret | undefined): Promise<void> {
  await (passphrase === undefined ? keyholder.unseal() : keyholder.unseal(async () => passphrase))
}

async function controlBody(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  // Not destroyed: the caller still has to read why the body was refused.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    sizeBytes += chunk.length
    if (sizeBytes > CONTROL_BYTES_MAX) {
      throw new GatewayError('too-large', 'the body of the control call is too large', {
        hint: 'send 64 KiB at most',
      })
    }
    chunks.push(chunk)
  }
  const bytes = Buffer.concat(chunks)
  try {
    const value: unknown = sizeBytes === 0 ? {} : JSON.parse(bytes.toString('utf8'))
    if (typeof value !== 'object' || value === null) throw misunderstood('an object')
    return { ...value }
  } catch {
    throw misunderstood('an object') // The parser's own words quote the text, which may hold a secret.
  } finally {
    for (const chunk of [...chunks, bytes]) chunk.fill(0)
  }
}

/** The change is what `client.ts` makes of a `WayChange`; what a vault takes is checked where it is changed. */
function wayChangeIn(body: Readonly<Record<string, unknown>>): WayChange | undefined {
  const { act, name, kind } = body
  const secret = secretIn(body, 'newSecret')
  const cost = costIn(body['cost'])
  if (act === 'replace') return { act, secret, cost }
  if (typeof name !== 'string') return undefined
  if (act === 'remove') return { act, name }
  if (act !== 'add' || !isWayKind(kind) || secret === undefined) return undefined
  return { act, way: { name, kind, secret }, cost }
}

function costIn(value: unknown): Partial<KdfCost> | undefined {
  if (value === undefined) return undefined
  const { passes, memoryKiB, parallelism } = { ...(value as Partial<Record<keyof KdfCost, unknown>>) }
  const cost = Object.entries({ passes, memoryKiB, parallelism }).filter(([, part]) => part !== undefined)
  if (cost.every(([, part]) => typeof part === 'number')) return Object.fromEntries(cost)
  throw misunderstood('numbers for the cost')
}

function secretIn(body: Readonly<Record<string, unknown>>, name: string): Secret | undefined {
  const value = body[name]
  if (value === undefined) return undefined
  if (typeof value !== 'string') throw misunderstood(name)
  return new Secret(value)
}

function misunderstood(what: string): GatewayError {
  return new GatewayError('invalid', `the body of the control call must be JSON with ${what}`, {
    hint: 'use the client of @guichet/keyholder',
  })
}

function answer(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers })
  response.end(`${JSON.stringify(body)}\n`)
}

function refuse(response: ServerResponse, error: GatewayError): void {
  if (response.headersSent) {
    response.destroy() // Half an answer must not look like a whole one.
    return
  }
  const { code, message, hint, facts } = error
  answer(response, TRAITS[code].http, { code, message, hint, facts }, ERROR_MARK)
}

/** Reads on for a while, so that a caller who still sends can read our answer. */
function drain(request: IncomingMessage): void {
  let leftBytes = DRAIN_BYTES_MAX
  request.on('error', () => request.destroy()) // The caller went away, as it should.
  request.on('data', (chunk: Buffer) => {
    leftBytes -= chunk.length
    if (leftBytes < 0) request.destroy()
  })
  request.resume()
}

async function claim(socketPath: string): Promise<void> {
  if (Buffer.byteLength(socketPath) > SOCKET_PATH_BYTES_MAX) {
    throw new GatewayError('invalid', `the path of the socket is too long: ${socketPath}`, {
      hint: `choose a data directory with a shorter name (${SOCKET_PATH_BYTES_MAX} bytes at most)`,
    })
  }
  const directory = dirname(socketPath)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const { mode, uid } = await lstat(directory)
  if ((mode & 0o077) !== 0 || uid !== process.getuid?.()) {
    throw new GatewayError('invalid', `other users can reach into ${directory}`, {
      hint: `own it and run \`chmod 700 ${directory}\``,
    })
  }
  const found = await lstat(socketPath).catch(() => undefined) // Nothing there: the usual case.
  if (found === undefined) return
  if (!found.isSocket()) {
    throw new GatewayError('conflict', `${socketPath} is in the way and is not a socket`, {
      hint: 'move it away',
    })
  }
  if (await isAlive(socketPath)) {
    throw new GatewayError('conflict', `another keyholder listens on ${socketPath}`, {
      hint: 'stop the `guichet serve` that is running, or use another data directory',
    })
  }
  await unlink(socketPath)
}

async function isAlive(socketPath: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = connect(socketPath)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', (failure) => {
      const code = systemCodeOf(failure)
      if (code === 'ECONNREFUSED' || code === 'ENOENT') resolve(false)
      else reject(failure)
    })
  })
}

async function listen(server: Server, socketPath: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(socketPath, resolve)
  })
}
