import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { type KeyId, problemOfKey } from '@guichet/core'
import { endOfCertificate, fingerprintOf, readCertificate, watchCertificate } from './certificate.ts'
import { openProxy } from './compose/proxy.ts'
import { createKeyDesk, createServices } from './compose/services.ts'
import { openStores } from './compose/stores.ts'
import { openUploads } from './compose/uploads.ts'
import { openKeyholder, openUpstream } from './compose/upstream.ts'
import type { Config } from './config.ts'
import type { KeptKeyholder } from './connections/kept-keyholder.ts'
import { createApiDoor } from './doors/api/door.ts'
import type { CertificatePair } from './doors/http.ts'
import { createNativeDoor } from './doors/native/door.ts'
import { openAuthority } from './doors/proxy/authority.ts'
import { type DoorServer, listen } from './doors/server.ts'
import { openHashers } from './hashing/hashers.ts'
import { databaseOf } from './ledger-file.ts'
import { isLoopbackHost } from './listeners.ts'
import { openPepper } from './pepper.ts'
import { requirePrivateHome } from './private-home.ts'
import { createApprovals } from './services/approvals/asked-approvals.ts'
import { openBudgets } from './services/budgets/durable-budgets.ts'
import { pathOfFolder } from './services/catalogue/path-of.ts'
import { createGate } from './services/gate.ts'
import { startKeyEndings } from './services/key-endings.ts'
import { createLedgerReading } from './services/ledger/reading.ts'
import { type LedgerWatch, watchLedger } from './services/ledger/watch.ts'
import { createPrincipals } from './services/principals.ts'
import type { Scheduler } from './services/scheduler/scheduler.ts'
import { createStatus } from './services/status.ts'
import { startTrashRounds } from './services/trash/rounds.ts'
import type { Uploader } from './services/uploads/uploader.ts'
import { lockHome, openDatabase } from './stores/sqlite/index.ts'
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

/**
 * Reading this function is reading the architecture; with the folder `compose`, it is the only place that knows every store,
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
  let certificate = tls
  if (config.tls !== undefined) {
    const use = (pair: CertificatePair): void => {
      server.useCertificate(pair)
      certificate = pair
    }
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
    approvals.withdraw(id)
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
    fingerprint: () => certificate && fingerprintOf(certificate),
    keyholder: () => keyholder.status(),
    scheduler,
    catalogue,
    uploads,
    watch,
    clock,
  })

  const desk = createKeyDesk(stores, services, { world, seal, onRevoked, onReplaced })
  opened.use(await startKeyEndings({ keys: stores.keys, wraps: desk.wraps, clock, log }))

  await uploader.recover()
  opened.use(startTrashRounds({ trash: services.trash, clock, log }))
  server.open({
    native: createNativeDoor(services),
    api: createApiDoor({
      ...services,
      ledgers: createLedgerReading({ book: stores.ledger, watch, gate }),
      ...desk,
      status: () => status.get(),
      resume: () => resume(scheduler, uploader),
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
    const all = await stores.keys.unended()
    return all.filter((key) => problemOfKey(key, clock.nowMs()) === undefined).length
  }
  return running(opened.move(), server, { keyholder, reach, livingKeys })
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

async function resume(scheduler: Scheduler, uploader: Uploader): Promise<void> {
  await scheduler.resume()
  uploader.resume()
}
