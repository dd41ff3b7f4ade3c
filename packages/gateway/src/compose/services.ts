import type { KeyId } from '@guichet/core'
import type { Config } from '../config.ts'
import type { DoorServices } from '../doors/services.ts'
import type { Hashers } from '../hashing/hashers.ts'
import { createAccounts } from '../services/account.ts'
import type { Approvals } from '../services/approvals/approvals.ts'
import type { Budgets } from '../services/budgets/budgets.ts'
import type { HostFor } from '../services/catalogue/catalogue.ts'
import { createCatalogue } from '../services/catalogue/tree-catalogue.ts'
import { createChanges } from '../services/changes/changes.ts'
import { createChangeSender } from '../services/changes/sender.ts'
import { type Custody, createCustody } from '../services/custody.ts'
import { createDestruction } from '../services/destruction.ts'
import { createDownloads } from '../services/downloads.ts'
import { createExplain, type Explain } from '../services/explain.ts'
import { createForeign } from '../services/foreign.ts'
import { createFtp } from '../services/ftp.ts'
import type { Gate } from '../services/gate.ts'
import { createKeys, type Keys } from '../services/keys.ts'
import { createLastingTickets, type LastingTickets } from '../services/lasting-tickets.ts'
import { createLeakedKeys, type LeakedKeys } from '../services/leaked-keys.ts'
import type { Principals } from '../services/principals.ts'
import { createRemotes } from '../services/remotes.ts'
import { createTickets, linksOf } from '../services/tickets.ts'
import { createTrash } from '../services/trash/kept-trash.ts'
import { meterUploads } from '../services/uploads/metered-uploads.ts'
import type { Uploads } from '../services/uploads/uploads.ts'
import { createWraps, type Wraps } from '../services/wraps.ts'
import type { World } from '../world.ts'
import type { Stores } from './stores.ts'
import type { PacedHostFor } from './upstream.ts'

/** The use cases that the doors share. */
export function createServices(
  config: Pick<Config, 'freshMs'>,
  { clock, log, random }: Pick<World, 'clock' | 'log' | 'random'>,
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

/** What issues keys, hands them over, says what they may, and ends them. */
export interface KeyDesk {
  readonly keys: Keys
  readonly wraps: Wraps
  readonly explain: Explain
  readonly lastingTickets: LastingTickets
  readonly leakedKeys: LeakedKeys
  readonly custody: Custody
}

export function createKeyDesk(
  stores: Stores,
  services: DoorServices,
  options: {
    readonly world: Pick<World, 'clock' | 'log' | 'random'>
    readonly seal: () => Promise<void>
    readonly onRevoked: (id: KeyId) => void
    readonly onReplaced: (id: KeyId, untilMs: number) => void
  },
): KeyDesk {
  const { world, ...rest } = options
  const here = { ...world, ...services, ...rest }
  const keys = createKeys({ ...here, store: stores.keys })
  return {
    keys,
    wraps: createWraps({ ...here, ...stores }),
    explain: createExplain({ ...here, keys, store: stores.keys }),
    lastingTickets: createLastingTickets({ ...here, store: stores.tickets }),
    leakedKeys: createLeakedKeys({ ...here, keys, store: stores.keys, wraps: stores.wraps }),
    custody: createCustody({ ...here, keys: stores.keys, links: linksOf(services.tickets, stores.tickets) }),
  }
}
