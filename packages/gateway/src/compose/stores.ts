import {
  type Database,
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
} from '../stores/sqlite/index.ts'

/** Every store of durable state, in one database. */
export interface Stores {
  readonly tree: SqliteTree
  readonly keys: SqliteKeyStore
  readonly wraps: SqliteWrapStore
  readonly tickets: SqliteTicketStore
  readonly journal: SqliteTransferJournal
  readonly limiter: SqliteLimiterStore
  readonly ledger: SqliteLedger
  readonly facts: SqliteFactStore
  readonly budgets: SqliteBudgetStore
  readonly trash: SqliteTrashStore
}

export function openStores(db: Database): Stores {
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
