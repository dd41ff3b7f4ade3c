import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { type FileHost, type KeyId, problemOfKey } from '@guichet/core'
import { connectFichier } from '@guichet/fichier'
import { endOfCertificate, readCertificate, watchCertificate } from './certificate.ts'
import type { Config } from './config.ts'
import { witnessClock } from './connections/clock-witness.ts'
import { createDial } from './connections/dial.ts'
import { type KeptKeyholder, keepKeyholder } from './connections/kept-keyholder.ts'
import { openExchange } from './connections/open-exchange.ts'
import { shutWhileSealed } from './connections/shut-exchange.ts'
import { sweepContent } from './content-garbage.ts'
import { createApiDoor } from './doors/api/door.ts'
import type { CertificatePair } from './doors/http.ts'
import { createNativeDoor } from './doors/native/door.ts'
import { openAuthority } from './doors/proxy/authority.ts'
import { openProxyDoor, type ProxyDoor } from './doors/proxy/door.ts'
import { type DoorServer, listen } from './doors/server.ts'
import type { DoorServices } from './doors/services.ts'
import { type Hashers, openHashers } from './hashing/hashers.ts'
import { databaseOf } from './ledger-file.ts'
import { isLoopbackHost } from './listeners.ts'
import { openPepper } from './pepper.ts'
import { requirePrivateHome } from './private-home.ts'
import { createAccounts } from './services/account.ts'
import { createTunnelAdmission } from './services/admission.ts'
import type { Approvals } from './services/approvals/approvals.ts'
import { createApprovals } from './services/approvals/asked-approvals.ts'
import type { Budgets } from './services/budgets/budgets.ts'
import { openBudgets } from './services/budgets/durable-budgets.ts'
import type { HostFor } from './services/catalogue/catalogue.ts'
import { pathOfFolder } from './services/catalogue/path-of.ts'
import { createCatalogue } from './services/catalogue/tree-catalogue.ts'
import { createChanges } from './services/changes/changes.ts'
import { createChangeSender } from './services/changes/sender.ts'
import { createCustody } from './services/custody.ts'
import { createDestruction } from './services/destruction.ts'
import { createDownloads } from './services/downloads.ts'
import { createExplain } from './services/explain.ts'
import { createForeign } from './services/foreign.ts'
import { createFtp } from './services/ftp.ts'
import { createGate, type Gate } from './services/gate.ts'
import { startHousekeeping } from './services/housekeeping.ts'
import { startKeyEndings } from './services/key-endings.ts'
import { createKeys, type Keys } from './services/keys.ts'
import { createLastingTickets } from './services/lasting-tickets.ts'
import { createLeakedKeys } from './services/leaked-keys.ts'
import { createLedgerReading } from './services/ledger/reading.ts'
import { type LedgerWatch, watchLedger } from './services/ledger/watch.ts'
import { createPrincipals, type Principals } from './services/principals.ts'
import { createRemotes } from './services/remotes.ts'
import { openScheduler } from './services/scheduler/open.ts'
import { paceHost } from './services/scheduler/paced-host.ts'
import type { Scheduler } from './services/scheduler/scheduler.ts'
import { createStatus } from './services/status.ts'
import { createTickets } from './services/tickets.ts'
import { createTrash } from './services/trash/kept-trash.ts'
import { startTrashRounds } from './services/trash/rounds.ts'
import { createUploads } from './services/uploads/journaled-uploads.ts'
import { UPLOADER_LIMITS } from './services/uploads/limits.ts'
import { meterUploads } from './services/uploads/metered-uploads.ts'
import { startUploader } from './services/uploads/patient-uploader.ts'
import { createUploadReach } from './services/uploads/reach.ts'
import type { Uploader } from './services/uploads/uploader.ts'
import type { Uploads } from './services/uploads/uploads.ts'
import { createWraps, type Wraps } from './services/wraps.ts'
import { openSpool } from './stores/disk/spool.ts'
import {
  lockHome,
  openDatabase,
  SqliteBudgetStore,
  SqliteFactStore,
  SqliteKeyStore,
  SqliteLedger,
  SqliteLimiterStore,
  SqliteTicketStore,
  SqliteTransferJournal,
  SqliteTrashStore,
  SqliteTree,
  SqliteWrapStore,
} from './stores/sqlite/index.ts'
import { VERSION } from './version.ts'
import type { World } from './world.ts'

/** Who the port is open for. */
export interface Reach {
  readonly isLoopback: boolean
  /** Absent: plain HTTP. */
  readonly certificateEndsMs: number | undefined
}

/** A running gateway. Disposing of it stops it gracefully: what is under way ends or stays in the journal. */
export interface Gateway extends AsyncDisposable {
  /** `http://127.0.0.1:8474` */
  readonly url: string
  /** Who can connect to the port, and how. */
  readonly reach: Reach
  /** How many virtual keys are good now. */
  livingKeys(): Promise<number>
  readonly keyholder: KeptKeyholder
}

const LINGER_MS = { alone: 150, more: 5_000 }

/**
 * Reading this function is reading the architecture; with those below it, it is the only place that knows every store,
 * service and door. If any line fails, what was opened before is closed again, in reverse.
 */
export async function startGateway(config: Config, world: World): Promise<Gateway> {
  const { clock, log, random } = world
  await using opened = new AsyncDisposableStack()
  await mkdir(config.home, { recursive: true, mode: 0o700 })
  opened.use(lockHome(config.home))
  await requirePrivateHome(config.home)
  const stores = openStores(opened.use(openDatabase({ path: databaseOf(config.home) })))
  const pepper = await openPepper(config.home, random)
  const authority = await openAuthority(config.home)

  // The port is taken before anybody is asked for a passphrase, so that a port in use is found first.
  const adminSocket = path.join(config.home, 'run', 'admin.sock')
  const tls = config.tls === undefined ? undefined : readCertificate(config.tls)
  const server = opened.use(await listen({ ...config, tls, adminSocket, random, clock, log }))
  if (config.tls !== undefined) {
    const use = (pair: CertificatePair): void => server.useCertificate(pair)
    opened.use(watchCertificate({ files: config.tls, clock, log, use }))
  }
  const keyholder = opened.use(await openKeyholder(config, world))
  const watch = opened.use(
    await watchLedger({ ...stores, book: stores.ledger, witness: keyholder.client, clock, log }),
  )
  const { scheduler, hostFor, shut } = await openUpstream(opened, config, world, stores, keyholder, watch)
  const hashers = opened.use(openHashers({ size: 2 }))
  const { uploader, uploads } = await openUploads(opened, config, world, stores, hashers, hostFor)

  const gate = createGate({ ledger: stores.ledger, clock, log, refusal: () => watch.refusal() })
  const principals = createPrincipals({ keys: stores.keys, pepper, clock })
  const budgets = opened.use(
    await openBudgets({
      ...{ store: stores.budgets, gate, clock },
      ofOwner: config.ownerBudgets,
    }),
  )
  const approvals = opened.use(
    createApprovals({
      ...{ budgets, gate, clock, random, timeoutMs: config.approvalMs },
      pathOf: (folder) => pathOfFolder(stores.tree, folder),
    }),
  )
  const services = createServices(config, world, {
    ...{ stores, gate, principals, hashers, uploads, hostFor, budgets, approvals },
  })
  const proxy = opened.use(openProxy({ config, authority, server, principals, gate, budgets, world }))
  const onRevoked = (id: KeyId): void => {
    server.visits.cut(id)
    proxy.cut(id)
  }
  const onReplaced = (id: KeyId, untilMs: number): void => {
    server.visits.limit(id, untilMs)
    proxy.limit(id, untilMs)
  }
  const seal = (): Promise<void> => {
    shut()
    return keyholder.seal()
  }
  const { catalogue } = services
  const status = createStatus({
    ...stores,
    budgets,
    version: VERSION,
    address: () => (tls === undefined ? server.address : `https://${server.address}`),
    keyholder: () => keyholder.status(),
    scheduler,
    catalogue,
    uploads,
    watch,
    clock,
  })

  const { keys, wraps } = createKeyDesk(stores, { gate, principals, world, onRevoked, onReplaced })
  opened.use(await startKeyEndings({ keys: stores.keys, wraps, clock, log }))

  await uploader.recover()
  opened.use(startTrashRounds({ trash: services.trash, clock, log }))
  server.open({
    native: createNativeDoor(services),
    api: createApiDoor({
      ...services,
      ledgers: createLedgerReading({ book: stores.ledger, watch, gate }),
      keys,
      wraps,
      explain: createExplain({ ...services, keys, store: stores.keys, clock }),
      lastingTickets: createLastingTickets({ ...services, store: stores.tickets, clock, random }),
      leakedKeys: createLeakedKeys({ store: stores.keys, principals, keys, gate, clock }),
      status: () => status.get(),
      resume: () => resume(scheduler, uploader),
      custody: createCustody({ ...stores, gate, clock, seal, onRevoked }),
    }),
    proxy,
    gate,
    health: () => healthOf(keyholder, watch),
  })
  const reach: Reach = {
    isLoopback: isLoopbackHost(config.listen.host),
    certificateEndsMs: tls === undefined ? undefined : endOfCertificate(tls),
  }
  const livingKeys = async (): Promise<number> => {
    const all = await stores.keys.list()
    return all.filter((key) => problemOfKey(key, clock.nowMs()) === undefined).length
  }
  return running(opened.move(), server, { keyholder, reach, livingKeys })
}

type Stores = ReturnType<typeof openStores>
/** Gives the host to a caller, paced. */
type PacedHostFor = (caller: Parameters<typeof paceHost>[2]) => FileHost

async function openUpstream(
  opened: AsyncDisposableStack,
  config: Config,
  { clock, random }: World,
  stores: Stores,
  keyholder: KeptKeyholder,
  watch: LedgerWatch,
): Promise<{ scheduler: Scheduler; hostFor: PacedHostFor; shut: () => void }> {
  const open = openExchange({
    route: config.upstreamRoute,
    extraCa: config.upstreamCa,
    clock,
    onContent: sweepContent(globalThis.gc),
  })
  opened.defer(() => open.close())
  const isSealed = async (): Promise<boolean> => (await keyholder.status()).state === 'sealed'
  const { exchange, shut } = shutWhileSealed(open.exchange, isSealed)
  const keyed = witnessClock(keyholder.client.exchange, { facts: stores.facts, clock })
  const host = connectFichier({
    async keyed(call) {
      await watch.requireWitness()
      return keyed(call)
    },
    open: exchange,
    boundary: () => Buffer.from(random(30)).toString('hex'),
  })
  const { rules, locks } = config
  const scheduler = opened.use(
    await openScheduler({ rules, locks, store: stores.limiter, facts: stores.facts, clock }),
  )
  return { scheduler, hostFor: (caller) => paceHost(host, scheduler, caller), shut }
}

async function openUploads(
  opened: AsyncDisposableStack,
  config: Config,
  { clock, log, random }: World,
  stores: Stores,
  hashers: Hashers,
  host: PacedHostFor,
): Promise<{ uploader: Uploader; uploads: Uploads }> {
  const spool = openSpool({
    directory: path.join(config.home, 'spool'),
    reserveBytes: config.reserveBytes,
    onContent: sweepContent(globalThis.gc),
  })
  opened.use(await startHousekeeping({ journal: stores.journal, spool, clock, log }))
  const limits = scaledLimits(config)
  const reaches = createUploadReach(stores)
  const uploader = opened.use(
    startUploader({ ...stores, host, spool, reaches, clock, log, lingerMs: LINGER_MS, limits }),
  )
  return { uploader, uploads: createUploads({ ...stores, uploader, spool, hashers, clock, random }) }
}

function createServices(
  config: Config,
  { clock, log, random }: World,
  parts: {
    readonly stores: Stores
    readonly gate: Gate
    readonly principals: Principals
    readonly hashers: Hashers
    readonly uploads: Uploads
    readonly hostFor: PacedHostFor
    readonly budgets: Budgets
    readonly approvals: Approvals
  },
): DoorServices {
  const { stores, gate, principals, hashers, uploads, hostFor, budgets, approvals } = parts
  const { tree, facts } = stores
  const host: HostFor = ({ principal, patienceMs, signal, recheck }, priority) =>
    hostFor({ key: principal.key, priority, patienceMs, signal, recheck })
  const catalogue = createCatalogue({ tree, host, gate, clock, log, freshMs: config.freshMs })
  const destruction = createDestruction({ budgets, approvals })
  const sender = createChangeSender({ tree, catalogue, host, gate })
  const trash = createTrash({ store: stores.trash, tree, catalogue, sender, gate, clock })
  return {
    accounts: createAccounts({ facts, host, gate, clock, log }),
    approvals,
    budgets,
    catalogue,
    changes: createChanges({ tree, catalogue, host, gate, destruction, trash, clock }),
    downloads: createDownloads({ host, gate, budgets, catalogue, hashers, clock, log }),
    foreign: createForeign({ host, gate }),
    ftp: createFtp({ host, gate, catalogue, budgets }),
    gate,
    host,
    principals,
    remotes: createRemotes({ host, gate, catalogue, budgets }),
    tickets: createTickets({ clock, random }),
    trash,
    uploads: meterUploads(uploads, budgets),
    random,
    nowMs: () => clock.nowMs(),
    shown: (folder) => stores.journal.claimFolder(folder),
  }
}

function createKeyDesk(
  stores: Stores,
  options: {
    readonly gate: Gate
    readonly principals: Principals
    readonly world: World
    readonly onRevoked: (id: KeyId) => void
    readonly onReplaced: (id: KeyId, untilMs: number) => void
  },
): { readonly keys: Keys; readonly wraps: Wraps } {
  const { world, ...rest } = options
  return {
    keys: createKeys({ ...world, ...rest, store: stores.keys }),
    wraps: createWraps({ ...world, ...rest, ...stores }),
  }
}

function running(
  owned: AsyncDisposableStack,
  server: DoorServer,
  told: Pick<Gateway, 'keyholder' | 'reach' | 'livingKeys'>,
): Gateway {
  const scheme = told.reach.certificateEndsMs === undefined ? 'http' : 'https'
  return {
    ...told,
    url: `${scheme}://${server.address}`,
    async [Symbol.asyncDispose]() {
      // What clients have under way needs everything behind the doors, so it ends first.
      await server.drain()
      await owned.disposeAsync()
    },
  }
}

async function healthOf(
  keyholder: KeptKeyholder,
  watch: LedgerWatch,
): Promise<{ isReady: boolean; keyholder: string }> {
  const { state } = await keyholder.status()
  return { isReady: state === 'ready' && watch.distrust === undefined, keyholder: state }
}

function openStores(db: ReturnType<typeof openDatabase>) {
  return {
    tree: new SqliteTree(db),
    keys: new SqliteKeyStore(db),
    wraps: new SqliteWrapStore(db),
    tickets: new SqliteTicketStore(db),
    journal: new SqliteTransferJournal(db),
    limiter: new SqliteLimiterStore(db),
    ledger: new SqliteLedger(db),
    facts: new SqliteFactStore(db),
    budgets: new SqliteBudgetStore(db),
    trash: new SqliteTrashStore(db),
  }
}

function openKeyholder(config: Config, world: World): Promise<KeptKeyholder> {
  return keepKeyholder(
    {
      home: config.home,
      socketPath: path.join(config.home, 'run', 'keyholder.sock'),
      unlockFile: config.unlock.kind === 'file' ? config.unlock.path : undefined,
      keyring: config.unlock.kind === 'keyring',
      prompt: config.unlock.kind === 'prompt',
      env: config.env,
    },
    world,
  )
}

function openProxy(options: {
  readonly config: Config
  readonly authority: Awaited<ReturnType<typeof openAuthority>>
  readonly server: DoorServer
  readonly principals: ReturnType<typeof createPrincipals>
  readonly gate: ReturnType<typeof createGate>
  readonly budgets: Budgets
  readonly world: World
}): ProxyDoor {
  const { config, authority, server, principals, gate, budgets, world } = options
  return openProxyDoor({
    authority,
    trustedProxies: config.trustedProxies,
    serve: (request, response, tunnel) => server.serve(request, response, tunnel),
    ...createTunnelAdmission({ principals, gate, budgets, random: world.random }),
    dial: createDial({ clock: world.clock }),
    clock: world.clock,
    log: world.log,
  })
}

async function resume(scheduler: Scheduler, uploader: Uploader): Promise<void> {
  await scheduler.resume()
  uploader.resume()
}

/** A stand-in whose time runs faster also reports and settles faster. */
function scaledLimits({ timeScale }: Config): Parameters<typeof startUploader>[0]['limits'] {
  if (timeScale === 1) return undefined
  const { retry, report, settleMs, reportForMs } = UPLOADER_LIMITS
  const faster = (ms: number): number => Math.max(50, ms / timeScale)
  return {
    retry: { firstMs: faster(retry.firstMs), longestMs: faster(retry.longestMs) },
    report: { firstMs: faster(report.firstMs), longestMs: faster(report.longestMs) },
    settleMs: faster(settleMs),
    reportForMs: faster(reportForMs),
  }
}
