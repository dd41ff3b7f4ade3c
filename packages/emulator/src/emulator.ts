import { mkdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ContentStore } from './content/store.ts'
import { startControl } from './control/server.ts'
import { Counters, type Snapshot } from './counters.ts'
import { FaultQueue, type FaultSpec, type QueuedFault } from './faults/faults.ts'
import { type EmulatorOptions, type FilledOptions, filledOptions, ruleSettings } from './options.ts'
import { type Random, randomApiKey, seededRandom } from './random.ts'
import { initialReadings, type Readings } from './readings.ts'
import { RemoteDesk } from './routes/remote-desk.ts'
import { TokenDesk } from './routes/token-desk.ts'
import { type Lock, Police, type RuleSettings } from './rules/police.ts'
import type { Service } from './service.ts'
import { Account, type Identity } from './state/account.ts'
import {
  forgetfulJournal,
  type Journal,
  type JournalEntry,
  openJournal,
  readJournal,
} from './state/journal.ts'
import { SeedableAccount } from './state/seed.ts'
import { openCertificates } from './transport/certificates.ts'
import { startServer } from './transport/server.ts'

/** A running 1fichier. Disposing of it closes every connection. */
export interface Emulator extends AsyncDisposable {
  /** Where every host name of 1fichier is to be connected to. */
  readonly address: { readonly host: string; readonly port: number }
  readonly caPem: string
  /** The same certificate as a file in the data directory. */
  readonly caFile: string
  readonly dataDir: string
  readonly controlUrl: string
  readonly apiKey: string
  readonly account: SeedableAccount
  snapshot(): Snapshot
  resetCounters(): void
  fault(spec: FaultSpec): void
  faults(): readonly QueuedFault[]
  clearFaults(): void
  rules(): RuleSettings
  /** A level by its name, or any of the settings. */
  setRules(changes: RuleSettings['level'] | Partial<RuleSettings>): void
  readings(): Readings
  setReadings(changes: Partial<Readings>): void
  locks(): readonly Lock[]
  /** Ends all locks and forgets all calls. */
  forgive(): void
  /** What the owner does on the console page: another key that is good besides those there are. */
  makeApiKey(): string
  endApiKey(key: string): void
  /** Makes every direct link that was given out an expired one. */
  expireDirectLinks(): void
}

/** Starts a complete 1fichier on loopback. What was opened before a failure is closed again. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const filled = filledOptions(options)
  await using opened = new AsyncDisposableStack()
  const dataDir = await openDataDir(filled, opened)
  const random = seededRandom(filled.seed)
  const account = openAccount(filled, dataDir, random, opened)
  // Clients judge certificates by the real clock, whatever time the emulator lives in.
  const certificates = await openCertificates(dataDir, Date.now())
  let readings: Readings = { ...initialReadings(), ...filled.readings }
  const service: Service = {
    account,
    tokens: new TokenDesk(),
    remote: new RemoteDesk(account, filled.remoteSource),
    police: new Police(ruleSettings(filled), () => readings),
    faults: new FaultQueue(),
    counters: new Counters(),
    timers: filled.timers,
    random,
    readings: () => readings,
    scans: new Map(),
  }
  const server = opened.use(await startServer(service, certificates, filled.host, filled.port))
  const front = frontOf(service, {
    setReadings: (changes) => {
      readings = { ...readings, ...changes }
    },
    account: new SeedableAccount(account, random, () => filled.timers.nowMs()),
  })
  const control = opened.use(
    await startControl({ ...front, caPem: certificates.caPem, address: server.address }, filled),
  )
  const owned = opened.move()
  return {
    ...front,
    address: server.address,
    caPem: certificates.caPem,
    caFile: join(dataDir, 'ca.pem'),
    dataDir,
    controlUrl: control.url,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

type Front = Omit<
  Emulator,
  'address' | 'caPem' | 'caFile' | 'dataDir' | 'controlUrl' | typeof Symbol.asyncDispose
>

function frontOf(service: Service, parts: Pick<Emulator, 'setReadings' | 'account'>): Front {
  const { police, counters, faults, tokens, timers } = service
  return {
    apiKey: service.account.identity.apiKey,
    account: parts.account,
    snapshot: () => counters.snapshot(),
    resetCounters: () => counters.reset(),
    fault: (spec) => faults.add(spec),
    faults: () => faults.waiting(),
    clearFaults: () => faults.clear(),
    rules: () => police.settings(),
    setRules: (changes) => police.change(typeof changes === 'string' ? { level: changes } : changes),
    readings: service.readings,
    setReadings: parts.setReadings,
    locks: () => police.locks(timers.nowMs()),
    forgive: () => police.forgive(),
    makeApiKey() {
      const key = randomApiKey(service.random)
      service.account.addKey(key)
      return key
    },
    endApiKey: (key) => service.account.endKey(key),
    expireDirectLinks: () => tokens.expireAll(),
  }
}

async function openDataDir(options: FilledOptions, opened: AsyncDisposableStack): Promise<string> {
  if (options.dataDir !== undefined) {
    mkdirSync(options.dataDir, { recursive: true, mode: 0o700 })
    return options.dataDir
  }
  const folder = await mkdtemp(join(tmpdir(), 'guichet-emulator-'))
  opened.defer(() => rm(folder, { recursive: true, force: true }))
  return folder
}

function openAccount(
  options: FilledOptions,
  dataDir: string,
  random: Random,
  opened: AsyncDisposableStack,
): Account {
  const journalFile = join(dataDir, 'account.jsonl')
  const entries = options.dataDir === undefined ? [] : readJournal(journalFile)
  const journal: Journal = options.dataDir === undefined ? forgetfulJournal() : openJournal(journalFile)
  opened.defer(() => journal.close())
  const identity = identityOf(options, entries, random)
  journal.append({ is: 'identity', apiKey: identity.apiKey, email: identity.email })
  const contents = new ContentStore({
    folder: join(dataDir, 'content'),
    storeContent: options.storeContent,
    knownSeeds: () => [...options.syntheticSeeds, ...seedsIn(account)],
    newName: () => randomApiKey(random),
  })
  const account = new Account(identity, contents, journal, {
    remoteJobs: [],
    ftpUsers: [],
    vouchers: [],
    subscriptionEndMs: options.timers.nowMs() + 365 * 86_400_000,
  })
  for (const entry of entries) account.replay(entry)
  return account
}

/** The key that was asked for, else that of the earlier run, else a new one. */
function identityOf(options: FilledOptions, entries: readonly JournalEntry[], random: Random): Identity {
  const earlier = entries.findLast((entry) => entry.is === 'identity')
  return {
    apiKey: options.apiKey ?? earlier?.apiKey ?? randomApiKey(random),
    email: options.email,
    password: options.password,
    offer: options.offer,
    country: 'FR',
  }
}

function seedsIn(account: Account): string[] {
  const seeds = new Set<string>()
  for (const { content } of account.tree.heldFiles())
    if (content.kind === 'synthetic') seeds.add(content.seed)
  return [...seeds]
}
