import {
  type Clock,
  type KeyStore,
  type Ledger,
  type LedgerBook,
  problemOfKey,
  type TransferJournal,
  type Tree,
  type WrapStore,
} from '@guichet/core'
import type { ApiStatus } from '@guichet/sdk'
import { apiSpend, type Budgets } from './budgets/budgets.ts'
import type { Catalogue } from './catalogue/catalogue.ts'
import type { LedgerWatch } from './ledger/watch.ts'
import type { Scheduler } from './scheduler/scheduler.ts'
import type { Uploads } from './uploads/uploads.ts'

/** What the keyholder says of itself. */
export type KeyholderStatus = ApiStatus['keyholder']

export interface StatusService {
  get(): Promise<ApiStatus>
}

export function createStatus(options: {
  readonly version: string
  readonly address: () => string
  /** Of the certificate that is in use, where the port speaks TLS. */
  readonly fingerprint: () => string | undefined
  readonly keyholder: () => Promise<KeyholderStatus>
  readonly scheduler: Scheduler
  readonly catalogue: Catalogue
  readonly uploads: Pick<Uploads, 'trouble'>
  readonly budgets: Pick<Budgets, 'spendsOf' | 'ofOwner'>
  readonly tree: Tree
  readonly keys: KeyStore
  readonly wraps: WrapStore
  readonly journal: TransferJournal
  readonly ledger: Ledger & LedgerBook
  readonly watch: Pick<LedgerWatch, 'distrust'>
  readonly clock: Clock
}): StatusService {
  const { clock } = options
  const startedMs = clock.nowMs()

  async function ledgerState(): Promise<ApiStatus['ledger']> {
    const entries = await options.ledger.count()
    const signed = await options.ledger.lastCheckpoint()
    const { distrust } = options.watch
    return {
      entries,
      ...(signed !== undefined && { signed: { size: signed.size, atMs: signed.atMs } }),
      ...(distrust !== undefined && { distrust }),
    }
  }

  return {
    async get() {
      const nowMs = clock.nowMs()
      const keys = await options.keys.list()
      const problems = keys.map((key) => problemOfKey(key, nowMs))
      const count = (wanted: 'revoked' | 'expired' | undefined): number =>
        problems.filter((found) => found === wanted).length
      const { scheduler, upstream } = options.scheduler.status()
      const living = keys.filter((_, index) => problems[index] === undefined)
      const holders = [
        { id: 'owner' as const, limits: options.budgets.ofOwner },
        ...living.map(({ id, limits }) => ({ id, limits: limits.budgets ?? [] })),
      ].filter(({ limits }) => limits.length > 0)
      const trouble = options.uploads.trouble()
      const fingerprint = options.fingerprint()
      return {
        version: options.version,
        startedMs,
        address: options.address(),
        ...(fingerprint !== undefined && { certificate: fingerprint }),
        keyholder: await options.keyholder(),
        scheduler,
        upstream: { ...upstream, saved: options.catalogue.saved() },
        tree: await options.tree.counts(),
        keys: {
          ...{ active: count(undefined), revoked: count('revoked'), expired: count('expired') },
          alarms: (await options.wraps.misused()).map(({ key, misusedMs }) => ({
            key,
            atMs: misusedMs ?? 0,
          })),
        },
        budgets: Object.fromEntries(
          holders.map(({ id, limits }) => [id, options.budgets.spendsOf(id, limits).map(apiSpend)]),
        ),
        transfers: await options.journal.counts(),
        ...(trouble !== undefined && { transfersWaitFor: trouble.message }),
        ledger: await ledgerState(),
      }
    },
  }
}
