import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  type Budget,
  type FileHost,
  type FolderId,
  type GatewayError,
  HOUR_MS,
  type KeyLimits,
  type Ledger,
  MINUTE_MS,
  ROOT,
  SECOND_MS,
  type Verb,
  type VirtualKey,
} from '@guichet/core'
import { FakeClock, MemoryHost } from '@guichet/testkit'
import { createKeyDesk, createServices } from '../compose/services.ts'
import { openStores } from '../compose/stores.ts'
import type { PacedHostFor } from '../compose/upstream.ts'
import { openHashers } from '../hashing/hashers.ts'
import { createLog } from '../log.ts'
import { createApprovals } from '../services/approvals/asked-approvals.ts'
import { openBudgets } from '../services/budgets/durable-budgets.ts'
import { pathOfFolder } from '../services/catalogue/path-of.ts'
import { createGate } from '../services/gate.ts'
import type { Keys } from '../services/keys.ts'
import { createLedgerReading } from '../services/ledger/reading.ts'
import { createPrincipals, OWNER } from '../services/principals.ts'
import { createUploads } from '../services/uploads/journaled-uploads.ts'
import { startUploader } from '../services/uploads/patient-uploader.ts'
import { createUploadReach } from '../services/uploads/reach.ts'
import { openSpool } from '../stores/disk/spool.ts'
import {
  type Database,
  openDatabase,
  type SqliteLedger,
  type SqliteTransferJournal,
  type SqliteTree,
} from '../stores/sqlite/index.ts'
import { createApiDoor } from './api/door.ts'
import { createNativeDoor } from './native/door.ts'
import { type DoorServer, listen } from './server.ts'
import type { DoorServices } from './services.ts'
import { type Fault, inTurn, type UpstreamCall, witness } from './upstream.testing.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly text: string
  /** The body as JSON; empty where it is none. */
  readonly json: Record<string, unknown>
}

export interface Ask {
  readonly method?: string
  readonly path: string
  readonly key?: string | undefined
  readonly headers?: Record<string, string>
  readonly body?: string | Uint8Array | undefined
  /** Ask as the owner, on the local socket. */
  readonly local?: boolean
}

export interface KeyFields {
  readonly name?: string
  readonly verbs: readonly Verb[]
  readonly root?: FolderId
  readonly rootPath?: string
  readonly lifetimeMs?: number
  readonly limits?: KeyLimits
}

/** Short waits pass at once; longer ones when the test says so. */
export class HastyClock extends FakeClock {
  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms >= 20 * SECOND_MS) return super.sleep(ms, signal)
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    this.jump(Math.max(0, Math.ceil(ms)))
    return new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
}

/**
 * A gateway without keyholder, scheduler and proxy: real doors on real sockets, real services and stores, in front of
 * an account in memory.
 */
export interface Counter extends AsyncDisposable {
  readonly clock: HastyClock
  readonly account: MemoryHost
  /** Every call that went upstream. */
  readonly upstream: UpstreamCall[]
  readonly logged: readonly string[]
  readonly services: DoorServices
  readonly keys: Keys
  readonly tree: SqliteTree
  readonly journal: SqliteTransferJournal
  readonly ledger: SqliteLedger
  readonly server: DoorServer
  readonly port: number
  readonly databasePath: string
  /** The one connection that all stores share. */
  readonly database: Database
  /** The next calls of a method go wrong, one after the other. */
  fail(method: string, ...faults: readonly Fault[]): void
  /** The names of the calls since the last time this was asked. */
  calls(): readonly string[]
  key(fields: KeyFields): Promise<{ readonly text: string; readonly key: VirtualKey }>
  ask(ask: Ask): Promise<Answer>
  /** A call of 1fichier's own API. */
  native(key: string, endpoint: string, body?: unknown): Promise<Answer>
  /** A call of Guichet's API. */
  api(key: string | undefined, method: string, path: string, body?: unknown): Promise<Answer>
  spooled(): Promise<readonly string[]>
}

export interface CounterOptions {
  readonly ledger?: (real: Ledger) => Ledger
  readonly host?: (account: MemoryHost) => FileHost
  readonly reserveBytes?: number
  readonly trustedProxies?: readonly string[]
  readonly ownerBudgets?: readonly Budget[]
  /** What the uploader waits for before it sends. */
  readonly lingerMs?: number
  readonly random?: (count: number) => Uint8Array
  /** What is refused with while the ledger is not trusted. */
  readonly distrust?: () => GatewayError | undefined
  /** What happens while a call waits for its turn. */
  readonly turn?: () => Promise<void>
  /** The database is in memory, where nothing waits for a disk. */
  readonly isInMemory?: boolean
}

export async function openCounter(options: CounterOptions = {}): Promise<Counter> {
  await using opened = new AsyncDisposableStack()
  const directory = await mkdtemp(path.join(tmpdir(), 'counter-'))
  opened.defer(() => rm(directory, { recursive: true, force: true }))
  const clock = new HastyClock(Date.UTC(2026, 5, 1, 12))
  const logged: string[] = []
  const log = createLog('debug', { write: (line: string) => void logged.push(line) })
  const random = options.random ?? ((count: number): Uint8Array => randomBytes(count))

  const databasePath = options.isInMemory === true ? ':memory:' : path.join(directory, 'guichet.db')
  const db = opened.use(openDatabase({ path: databasePath }))
  const stores = openStores(db)
  const { tree, ledger } = stores
  const account = new MemoryHost({ clock, whirlpool: whirlpoolOf })
  const { host, upstream, fail } = witness(options.host?.(account) ?? account)
  const adminSocket = path.join(directory, 'run', 'admin.sock')
  const server = opened.use(
    await listen({ ...options, listen: { host: '127.0.0.1', port: 0 }, adminSocket, random, clock, log }),
  )
  const hashers = opened.use(openHashers({ size: 1 }))
  const reserveBytes = options.reserveBytes ?? 0
  const spool = openSpool({ directory: path.join(directory, 'spool'), reserveBytes })
  const reaches = createUploadReach(stores)
  const lingerMs = { alone: options.lingerMs ?? 1, more: 1 }
  const uploader = opened.use(
    startUploader({
      ...stores,
      host: () => host,
      spool,
      reaches,
      clock,
      log,
      lingerMs,
      limits: { stopMs: 0 },
    }),
  )
  const refusal = options.distrust ?? (() => undefined)
  const gate = createGate({ ledger: options.ledger?.(ledger) ?? ledger, clock, log, refusal })
  const principals = createPrincipals({ keys: stores.keys, pepper: randomBytes(32), clock })
  const hostFor: PacedHostFor = ({ recheck }) =>
    inTurn(host, async () => {
      await options.turn?.()
      await recheck?.()
    })
  const budgets = opened.use(
    await openBudgets({
      ...{ store: stores.budgets, gate, clock },
      ofOwner: options.ownerBudgets ?? [],
    }),
  )
  const approvals = opened.use(
    createApprovals({
      ...{ budgets, gate, clock, random, timeoutMs: 10 * MINUTE_MS },
      pathOf: (folder) => pathOfFolder(stores.tree, folder),
    }),
  )
  const world = { clock, log, random }
  const uploads = createUploads({ ...stores, uploader, spool, hashers, clock, random })
  const services = createServices({ freshMs: HOUR_MS }, world, {
    ...{ stores, gate, principals, hashers, uploads, hostFor, budgets, approvals },
  })
  const onRevoked = (id: VirtualKey['id']): void => {
    server.visits.cut(id)
    approvals.withdraw(id)
  }
  const onReplaced = (id: VirtualKey['id'], untilMs: number): void => server.visits.limit(id, untilMs)
  const seal = async (): Promise<void> => {}
  const desk = createKeyDesk(stores, services, { world, seal, onRevoked, onReplaced })
  const { keys } = desk
  await uploader.recover()
  server.open({
    native: createNativeDoor(services),
    api: createApiDoor({
      ...services,
      ...desk,
      ledgers: createLedgerReading({ book: ledger, watch: { distrust: undefined }, gate }),
      status: async () => ({ answered: true }) as never,
      resume: async () => {},
    }),
    proxy: {
      connect: (_request, socket) => void socket.destroy(),
      absolute: () => false,
      cut: () => 0,
      limit: () => {},
      drain: async () => {},
      [Symbol.asyncDispose]: async () => {},
    },
    gate,
    health: async () => ({ isReady: true, keyholder: 'ready' }),
  })

  const port = Number(server.address.split(':').at(-1))
  const ask = (wish: Ask): Promise<Answer> => askOver(wish.local === true ? adminSocket : port, wish)
  let names = 0
  const owned = opened.move()
  return {
    ...{
      clock,
      account,
      upstream,
      logged,
      services,
      keys,
      tree,
      ledger,
      server,
      port,
      databasePath,
      database: db,
      fail,
      ask,
    },
    journal: stores.journal,
    calls: () => upstream.splice(0).map(({ method }) => method),
    key(fields) {
      names += 1
      const { name = `key ${names}`, verbs, root = ROOT, rootPath = '/', lifetimeMs, limits = {} } = fields
      const findRoot = async () => ({ id: root, path: rootPath })
      const owner = { principal: OWNER, door: 'admin', requestId: 'test' } as const
      return keys.issue(owner, { name, verbs, findRoot, lifetimeMs, mayTunnel: false, limits })
    },
    native: (key, endpoint, body = {}) =>
      ask({
        method: 'POST',
        path: `/v1/${endpoint}.cgi`,
        key,
        headers: { 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    api: (key, method, where, body) =>
      ask({
        method,
        path: `/api/v1${where}`,
        key,
        local: key === undefined,
        headers: body === undefined ? {} : { 'content-type': 'application/json' },
        body: body === undefined ? undefined : JSON.stringify(body),
      }),
    spooled: () => readdir(path.join(directory, 'spool')).catch(() => []),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

export function whirlpoolOf(content: Uint8Array): string {
  return createHash('whirlpool').update(content).digest('hex')
}

/** One request over a port or a socket, on a connection of its own. */
export function askOver(where: string | number, wish: Ask): Promise<Answer> {
  const to = typeof where === 'string' ? { socketPath: where } : { host: '127.0.0.1', port: where }
  const headers: Record<string, string> = { ...wish.headers }
  if (wish.key !== undefined) headers['authorization'] = `Bearer ${wish.key}`
  if (wish.body !== undefined) headers['content-length'] = String(Buffer.byteLength(wish.body))
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { ...to, agent: false, method: wish.method ?? 'GET', path: wish.path, headers },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const body = Buffer.concat(chunks)
          const text = body.toString('utf8')
          const { statusCode: status = 0, headers: answered } = response
          resolve({ status, headers: answered, body, text, json: jsonOf(text) })
        })
      },
    )
    request.on('error', reject)
    request.end(wish.body)
  })
}

function jsonOf(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return {}
  }
}
