import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { it } from 'node:test'
import { HOUR_MS } from '@guichet/core'
import { FakeClock } from '@guichet/testkit'
import { createDial } from './connections/dial.ts'
import type { Address, Resolve } from './connections/resolve.ts'
import {
  connectText,
  NO_TUNNELS,
  type OpenDoor,
  openDoor,
  principalOf,
  run,
  SECRET,
  say,
  tunnelThrough,
  withoutTool,
} from './doors/proxy/door.testing.ts'
import { realWorld } from './world.ts'

const CURL = withoutTool('curl')
const { clock } = realWorld('silent')
const LOOPBACK: readonly Address[] = [{ address: '127.0.0.1', family: 4 }]

it('passes bytes both ways, many of them, for those who may', { skip: CURL }, async () => {
  const size = 8 * 1024 * 1024
  await using site = await openSite(
    createHttpServer((request, response) => {
      response.writeHead(200, { 'content-length': size })
      request.resume().on('end', () => response.end(Buffer.alloc(size, 7)))
    }),
  )
  await using open = await openTo(site.port)
  const { code, stdout, stderr } = await run('curl', [
    ...['-sS', '--proxytunnel', '--proxy', `http://any:${SECRET}@127.0.0.1:${open.port}`],
    ...['-o', '/dev/null', '-w', '%{size_download} %{http_connect}', `http://site.example:${site.port}/`],
  ])
  assert.equal(stderr, '')
  assert.deepEqual([code, stdout], [0, `${size} 200`])
  await gone(open)
  assert.equal(site.openCount(), 0)
})

it('refuses who may not, before a name is resolved', async () => {
  await using open = await openDoor({
    dial: createDial({ clock, resolve: () => assert.fail('nothing is to be resolved') }),
  })
  const answer = await say(open.port, connectText('site.example:443', NO_TUNNELS))
  assert.match(answer, /^HTTP\/1\.1 403 Forbidden: this key opens no tunnels/)
})

it('opens the usual ports only', async () => {
  await using open = await openDoor({
    dial: createDial({ clock, resolve: () => assert.fail('nothing is to be resolved') }),
  })
  for (const port of [22, 25, 8443]) {
    const answer = await say(open.port, connectText(`site.example:${port}`))
    assert.match(answer, /^HTTP\/1\.1 403 Forbidden: tunnels to port \d+ are closed/)
  }
})

it('refuses a name with one private address among public ones, and private addresses themselves (R3)', async () => {
  const resolve: Resolve = async () => [{ address: '192.0.43.8', family: 4 }, ...LOOPBACK]
  await using open = await openDoor({ dial: createDial({ clock, resolve }) })
  for (const target of [
    'site.example:443',
    '127.0.0.1:443',
    '169.254.169.254:80',
    '10.1.2.3:443',
    '[::1]:443',
    '[::ffff:127.0.0.1]:443',
    '[64:ff9b::a9fe:a9fe]:80',
    '[2002:7f00:1::]:443',
    '[fd00::1]:443',
  ]) {
    const answer = await say(open.port, connectText(target))
    assert.match(answer, /^HTTP\/1\.1 403 Forbidden: .+ which is not a public address/, target)
  }
})

it('the system’s own names for this machine are refused, too (R3)', async () => {
  await using open = await openDoor({ dial: createDial({ clock }) })
  const answer = await say(open.port, connectText('localhost:443'))
  assert.match(answer, /^HTTP\/1\.1 403 Forbidden: localhost is at (127\.0\.0\.1|::1), which is not a public/)
})

it('asks for the address once: a second answer has no say (R3)', async () => {
  await using site = await openSite(createServer((socket) => socket.end('from the checked address')))
  let questions = 0
  await using open = await openTo(site.port, async () => {
    questions += 1
    return questions === 1 ? LOOPBACK : [{ address: '127.0.0.2', family: 4 }]
  })
  const answer = await say(open.port, connectText(`site.example:${site.port}`))
  assert.match(answer, /from the checked address$/)
  assert.equal(questions, 1)
})

it('answers 502 when the name is unknown, nobody listens, or nobody answers in time', async () => {
  const notFound: Resolve = () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' }))
  await using unknown = await openDoor({ dial: createDial({ clock, resolve: notFound }) })
  assert.match(await say(unknown.port, connectText('site.example:443')), /^HTTP\/1\.1 502 .*ENOTFOUND/)
  await using none = await openDoor({ dial: createDial({ clock, resolve: async () => [] }) })
  assert.match(await say(none.port, connectText('site.example:443')), /^HTTP\/1\.1 502 .*no address/)
  await using late = await openDoor({
    dial: createDial({ clock, resolve: () => new Promise(() => {}), timeoutMs: 20 }),
  })
  assert.match(await say(late.port, connectText('site.example:443')), /^HTTP\/1\.1 502 .*no answer in time/)
  const closed = await openSite(createServer())
  await closed[Symbol.asyncDispose]()
  await using alone = await openTo(closed.port)
  const target = connectText(`site.example:${closed.port}`)
  assert.match(await say(alone.port, target), /^HTTP\/1\.1 502 .*ECONNREFUSED/)
})

it('an end that has finished sending still receives', async () => {
  await using site = await openSite(
    createServer({ allowHalfOpen: true }, (socket) => {
      let heard = ''
      socket.on('data', (chunk) => {
        heard += String(chunk)
      })
      socket.on('end', () => socket.end(`heard ${heard}`))
    }),
  )
  await using open = await openTo(site.port)
  const socket = await tunnelThrough(open.port, `site.example:${site.port}`)
  socket.end('hello')
  const [answer] = await once(socket, 'data')
  assert.equal(String(answer), 'heard hello')
  await gone(open)
})

it('a failure of one end ends the other', async () => {
  const arrived: ((socket: Socket) => void)[] = []
  await using site = await openSite(
    createServer((socket) => {
      socket.on('error', () => undefined)
      arrived.shift()?.(socket)
    }),
  )
  await using open = await openTo(site.port)

  const first = new Promise<Socket>((resolve) => arrived.push(resolve))
  const client = await tunnelThrough(open.port, `site.example:${site.port}`)
  client.on('error', () => undefined)
  const server = await first
  server.resume()
  client.resetAndDestroy()
  await once(server, 'close')

  const second = new Promise<Socket>((resolve) => arrived.push(resolve))
  const other = await tunnelThrough(open.port, `site.example:${site.port}`)
  other.on('error', () => undefined).resume()
  ;(await second).resetAndDestroy()
  await once(other, 'close')
  await gone(open)
})

it('ends a tunnel in which nothing moves', async () => {
  await using site = await openSite(createServer((socket) => socket.on('error', () => undefined)))
  await using open = await openTo(site.port, undefined, { idleTimeoutMs: 30 })
  const socket = await tunnelThrough(open.port, `site.example:${site.port}`)
  socket.on('error', () => undefined).resume()
  await once(socket, 'close')
  await gone(open)
})

it('ends when its key does, whatever passes through it (K8)', async () => {
  await using site = await openSite(createServer((socket) => socket.on('error', () => undefined)))
  const time = new FakeClock()
  const expiresMs = time.nowMs() + 3 * HOUR_MS
  await using open = await openTo(
    site.port,
    undefined,
    {},
    {
      clock: time,
      authenticate: async (credentials) => ({ ...principalOf(credentials?.secret), expiresMs }),
    },
  )
  const socket = await tunnelThrough(open.port, `site.example:${site.port}`)
  socket.on('error', () => undefined).resume()
  const closed = once(socket, 'close')
  await time.advance(3 * HOUR_MS - 1)
  assert.equal(site.openCount(), 1)
  await time.advance(1)
  await closed
  await gone(open)
  assert.equal(time.sleeping, 0)
})

it('disposing ends every tunnel, the blind ones included', async () => {
  await using site = await openSite(createServer((socket) => socket.on('error', () => undefined)))
  await using open = await openTo(site.port)
  const socket = await tunnelThrough(open.port, `site.example:${site.port}`)
  socket.on('error', () => undefined).resume()
  const closed = once(socket, 'close')
  await open.door[Symbol.asyncDispose]()
  await closed
  assert.match(await say(open.port, connectText('site.example:443')), /^HTTP\/1\.1 503 /)
})

it('a client that leaves while its host is looked up leaves nothing behind', async () => {
  const asked = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<readonly Address[]>()
  const resolve: Resolve = () => {
    asked.resolve()
    return answered.promise
  }
  const isReachable = () => assert.fail('nobody is there any more')
  await using open = await openDoor({ dial: createDial({ clock, resolve, isReachable }) })
  const socket = connect({ port: open.port, host: '127.0.0.1' })
  socket.write(connectText('site.example:443'))
  await asked.promise
  socket.resetAndDestroy()
  await gone(open)
})

/** A door whose tunnels reach one site on loopback. */
function openTo(
  port: number,
  resolve: Resolve = async () => LOOPBACK,
  limits: { readonly idleTimeoutMs?: number } = {},
  options: Parameters<typeof openDoor>[0] = {},
): Promise<OpenDoor> {
  const dial = createDial({ clock, resolve, isReachable: () => true })
  return openDoor({ dial, limits: { ports: [port], ...limits }, ...options })
}

async function openSite(
  server: Server,
): Promise<AsyncDisposable & { readonly port: number; openCount(): number }> {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    openCount: () => open.size,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Resolves when the shared server holds no socket any more. */
async function gone(open: OpenDoor): Promise<void> {
  while (open.openCount() > 0) await new Promise((resolve) => setImmediate(resolve))
}
