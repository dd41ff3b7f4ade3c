import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { it } from 'node:test'
import { parseBudgets } from '@guichet/core'
import { connectText, openDoor, principalOf, SECRET, say, tunnelThrough } from './doors/proxy/door.testing.ts'
import { createLog } from './log.ts'
import { createTunnelAdmission } from './services/admission.ts'
import { openBudgets } from './services/budgets/durable-budgets.ts'
import { createGate } from './services/gate.ts'
import { createPrincipals } from './services/principals.ts'
import { openDatabase, SqliteBudgetStore, SqliteKeyStore, SqliteLedger } from './stores/sqlite/index.ts'
import { realWorld } from './world.ts'

const { clock, random } = realWorld('silent')

it('passes no more bytes through tunnels, either way, than a budget allows (K10)', async () => {
  await using world = await openWorld('down=1MB/day', 'up=100KB/day')
  const down = await tunnelThrough(world.port, world.target)
  down.write('give')
  const chunks: Buffer[] = []
  down.on('data', (chunk: Buffer) => chunks.push(chunk))
  await event(down, 'close')
  const gotBytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  assert.ok(gotBytes <= 2 ** 20 && gotBytes > 2 ** 19, `${gotBytes}`)
})

it('opens no tunnel where not one byte more may pass (K10)', async () => {
  await using world = await openWorld('down=0/day')
  const refused = await say(world.port, connectText(world.target))
  assert.match(refused, /^HTTP\/1\.1 429 Too Many Requests: .*down=0\/day; 0 are left/)
  const [line] = await world.ledger.recent(1)
  assert.deepEqual([line?.verb, line?.decision, line?.target], ['tunnel', 'deny', world.target])
})

it('takes no more bytes into tunnels at once than a budget allows (K10)', async () => {
  await using world = await openWorld('up=1MB/day', 'concurrent=4')
  const sockets = await Promise.all([1, 2, 3, 4].map(() => tunnelThrough(world.port, world.target)))
  assert.match(await say(world.port, connectText(world.target)), /^HTTP\/1\.1 429 .*concurrent=4/)
  await Promise.all(
    sockets.map(async (socket) => {
      socket.on('error', () => undefined)
      socket.resume()
      const closed = event(socket, 'close')
      for (let sent = 0; sent < 100 && !socket.destroyed; sent += 1) {
        if (!socket.write(Buffer.alloc(50_000, 1))) await Promise.race([event(socket, 'drain'), closed])
      }
      await closed
    }),
  )
  assert.ok(world.taken() <= 2 ** 20 && world.taken() > 2 ** 19, `${world.taken()}`)
})

/** Unlike `once` of Node, it does not mind errors. */
function event(socket: Socket, name: 'close' | 'drain'): Promise<void> {
  return new Promise((resolve) => {
    socket.once(name, () => resolve())
  })
}

/** A proxy door that counts, and a site behind it that sends 4 MiB to whoever says something short. */
async function openWorld(...budgets: readonly string[]) {
  await using opened = new AsyncDisposableStack()
  let takenBytes = 0
  const site = createServer((socket: Socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      takenBytes += chunk.length
      if (chunk.length < 10) socket.end(Buffer.alloc(4 * 2 ** 20, 7))
    })
  }).listen(0, '127.0.0.1')
  await once(site, 'listening')
  opened.defer(() => void site.close())
  const { port } = site.address() as AddressInfo
  const db = opened.use(openDatabase({ path: ':memory:' }))
  const [keys, ledger] = [new SqliteKeyStore(db), new SqliteLedger(db)]
  const gate = createGate({ ledger, clock, log: createLog('silent') })
  const counted = opened.use(
    await openBudgets({ store: new SqliteBudgetStore(db), gate, clock, ofOwner: [] }),
  )
  const principals = createPrincipals({ keys, pepper: random(32), clock })
  const { count } = createTunnelAdmission({ principals, gate, budgets: counted, random })
  const open = opened.use(
    await openDoor({
      count,
      authenticate: async () => ({ ...principalOf(SECRET), limits: { budgets: parseBudgets(budgets) } }),
      dial: async () => connect(port, '127.0.0.1'),
      limits: { ports: [port] },
    }),
  )
  const owned = opened.move()
  return {
    port: open.port,
    target: `site.example:${port}`,
    ledger,
    taken: () => takenBytes,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
