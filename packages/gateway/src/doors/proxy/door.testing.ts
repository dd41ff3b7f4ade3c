import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GatewayError, parseKeyId, ROOT } from '@guichet/core'
import type { Log } from '../../log.ts'
import type { Principal } from '../../services/principals.ts'
import { realWorld } from '../../world.ts'
import { type Authority, createAuthority, openAuthority } from './authority.ts'
import { openProxyDoor, type ProxyDoor, type ProxyDoorOptions } from './door.ts'

/** The passwords that the door of the tests knows. */
export const SECRET = 'the-virtual-key-of-a-tunneller'
export const NO_TUNNELS = 'the-virtual-key-without-tunnels'

export interface OpenDoor extends AsyncDisposable {
  readonly door: ProxyDoor
  readonly authority: Authority
  readonly caPath: string
  readonly port: number
  readonly logged: readonly { readonly facts: object; readonly message: string }[]
  /** The sockets of the shared HTTP server that are open now. */
  openCount(): number
}

/** A proxy door on an HTTP server of its own, which reaches no other host unless it is given a `dial`. */
export async function openDoor(options: Partial<ProxyDoorOptions> = {}): Promise<OpenDoor> {
  const { clock } = realWorld('silent')
  const home = await mkdtemp(join(tmpdir(), 'guichet-door-'))
  await createAuthority(home, clock.nowMs())
  const authority = await openAuthority(home)
  const logged: { facts: object; message: string }[] = []
  const note = (facts: object, message: string): void => void logged.push({ facts, message })
  const log: Log = { debug: note, info: note, warn: note, error: note }
  const door = openProxyDoor({
    authority,
    clock,
    log,
    dial: () => assert.fail('no other host is to be reached'),
    authenticate: async (credentials) => principalOf(credentials?.secret),
    mayTunnel: async (principal) => {
      if (!principal.mayTunnel) throw new GatewayError('forbidden', 'this key opens no tunnels')
    },
    refused: async (_attempt, failure) => GatewayError.from(failure),
    count: async () => ({}),
    serve: (request, response, { principal, host }) => {
      response.end(`${principal.name} ${request.method} ${host} ${request.url}\n`)
    },
    ...options,
  })
  const open = new Set<Socket>()
  const server = createServer((request, response) => {
    if (!door.absolute(request, response)) response.end('not for a proxy\n')
  })
  server.on('connect', (request: IncomingMessage, socket, head: Buffer) =>
    door.connect(request, socket, head),
  )
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    door,
    authority,
    caPath: join(home, 'ca.pem'),
    port: (server.address() as AddressInfo).port,
    logged,
    openCount: () => open.size,
    async [Symbol.asyncDispose]() {
      await door[Symbol.asyncDispose]()
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
      await rm(home, { recursive: true })
    },
  }
}

export function principalOf(secret: string | undefined): Principal {
  if (secret !== SECRET && secret !== NO_TUNNELS) {
    throw new GatewayError('unauthenticated', 'a reason that must not be shown')
  }
  const mayTunnel = secret === SECRET
  const key = parseKeyId(mayTunnel ? 'k-aaaaaaaa' : 'k-bbbbbbbb')
  return {
    key,
    name: mayTunnel ? 'tunneller' : 'plain',
    verbs: [],
    root: ROOT,
    rootPath: '/',
    mayTunnel,
    limits: {},
  }
}

/** Sends some bytes to a port and gives back everything that comes until the other side ends. */
export async function say(port: number, text: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.write(text)
  let answer = ''
  for await (const chunk of socket) answer += String(chunk)
  return answer
}

/** A CONNECT with the right password unless told otherwise. */
export function connectText(target: string, secret: string | undefined = SECRET, more = ''): string {
  const basic = Buffer.from(`any:${secret}`).toString('base64')
  return `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\nProxy-Authorization: Basic ${basic}\r\n${more}\r\n`
}

/** An open tunnel: what came after `200`, and the socket. */
export async function tunnelThrough(port: number, target: string): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.write(connectText(target))
  const [head] = await once(socket, 'data')
  assert.equal(String(head), 'HTTP/1.1 200 Connection Established\r\n\r\n')
  return socket
}

/** Runs a program to its end without blocking this process, which is the server it talks to. */
export async function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += String(chunk)
  })
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk)
  })
  const [code] = await once(child, 'close')
  return { code: typeof code === 'number' ? code : null, stdout, stderr }
}

/** Why a test that needs a program cannot run here, or false. `REQUIRE=curl,rclone` makes that a failure. */
export function withoutTool(tool: string): string | false {
  if (spawnSync(tool, ['--version']).error === undefined) return false
  if ((process.env['REQUIRE'] ?? '').split(',').includes(tool)) return false
  return `${tool} is not installed`
}
