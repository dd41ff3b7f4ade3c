import { existsSync } from 'node:fs'
import path from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import type {
  KeptCheckpoint,
  Ledger,
  LedgerFilter,
  LedgerSource,
  NumberedEntry,
  TreeHead,
} from '@guichet/core'
import { acceptLedger, WITNESS_FILE } from '@guichet/keyholder'
import { ACCEPTED_FACT } from './services/ledger/watch.ts'
import {
  lockHome,
  openDatabase,
  openReadOnly,
  SqliteFactStore,
  SqliteLedger,
  SqliteLedgerReader,
} from './stores/sqlite/index.ts'
import type { World } from './world.ts'

/** A ledger in a database file, to be looked at: beside the gateway that writes it, or alone. */
export interface LedgerFile extends LedgerSource, AsyncDisposable {
  /** The newest entries that fit, newest first. */
  find(filter: LedgerFilter, limit: number): readonly NumberedEntry[]
  lastCheckpoint(): KeptCheckpoint | undefined
}

export function databaseOf(home: string): string {
  return path.join(home, 'guichet.db')
}

/** Nothing in the file changes. Throws `invalid` when it is of another version, or none of Guichet. */
export function openLedgerFile(file: string): LedgerFile {
  const db = openReadOnly(file)
  const reader = new SqliteLedgerReader(db)
  return {
    async page(after, limit) {
      // Between two pages a signal is heard: a walk over a million entries takes many seconds.
      await turn()
      return reader.page(after, limit)
    },
    checkpoints: (after, limit) => reader.checkpoints(after, limit),
    written: () => reader.written(),
    find: (filter, limit) => reader.find(filter, limit),
    lastCheckpoint: () => reader.lastCheckpoint(),
    [Symbol.asyncDispose]: () => db[Symbol.asyncDispose](),
  }
}

/**
 * Writes what the owner has done to a home that nobody serves. A home that was never served has no ledger yet.
 * Throws `conflict` while a gateway runs, which alone writes the ledger then.
 */
export async function enterInLedger(
  home: string,
  what: string,
  world: Pick<World, 'clock' | 'random'>,
): Promise<void> {
  if (!existsSync(databaseOf(home))) return
  await using opened = new AsyncDisposableStack()
  opened.use(lockHome(home))
  const db = opened.use(openDatabase({ path: databaseOf(home) }))
  await enter(new SqliteLedger(db), what, world)
}

function enter(
  ledger: Ledger,
  what: string,
  { clock, random }: Pick<World, 'clock' | 'random'>,
): Promise<void> {
  return ledger.record({
    atMs: clock.nowMs(),
    requestId: Buffer.from(random(8)).toString('hex'),
    key: 'owner',
    door: 'admin',
    verb: 'admin',
    target: what.slice(0, 500),
    decision: 'allow',
    reason: '',
  })
}

export interface AcceptedLedger {
  readonly head: TreeHead
  /** Where the checkpoint is that the keyholder knew before, if it knew one. */
  readonly replaced?: string
}

/**
 * The owner's word that the ledger of a home is right as it is, after a deliberate restore or a fault that was looked into.
 * It stands in the ledger itself, and what the keyholder knew before is kept. Throws `conflict` while a gateway runs.
 */
export async function acceptLedgerOf(
  home: string,
  reason: string,
  { clock, random }: Pick<World, 'clock' | 'random'>,
): Promise<AcceptedLedger> {
  await using opened = new AsyncDisposableStack()
  opened.use(lockHome(home))
  const db = opened.use(openDatabase({ path: databaseOf(home) }))
  const ledger = new SqliteLedger(db)
  const before = await ledger.count()
  await enter(ledger, `accept the ledger of ${before} entries as it is: ${reason}`, { clock, random })
  const head = await ledger.head()
  await new SqliteFactStore(db).put(ACCEPTED_FACT, head.size, clock.nowMs())
  const replaced = await acceptLedger(path.join(home, WITNESS_FILE), head, clock.nowMs())
  return { head, ...(replaced !== undefined && { replaced }) }
}
