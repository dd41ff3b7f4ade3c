import { after } from 'node:test'
import {
  budgetStoreContract,
  factStoreContract,
  journalContract,
  keyStoreContract,
  ledgerBookContract,
  ledgerContract,
  limiterStoreContract,
  ticketStoreContract,
  trashStoreContract,
  treeContract,
  wrapStoreContract,
} from '@guichet/testkit'
import {
  type Database,
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
} from './index.ts'

const opened = new AsyncDisposableStack()
after(() => opened.disposeAsync())

function memory(): Database {
  return opened.use(openDatabase({ path: ':memory:' }))
}

treeContract('SqliteTree', async () => new SqliteTree(memory()))
keyStoreContract('SqliteKeyStore', async () => new SqliteKeyStore(memory()))
journalContract('SqliteTransferJournal', async () => new SqliteTransferJournal(memory()))
limiterStoreContract('SqliteLimiterStore', async () => new SqliteLimiterStore(memory()))
ledgerContract('SqliteLedger', async () => new SqliteLedger(memory()))
ledgerBookContract('SqliteLedger', async () => new SqliteLedger(memory()))
budgetStoreContract('SqliteBudgetStore', async () => new SqliteBudgetStore(memory()))
trashStoreContract('SqliteTrashStore', async () => new SqliteTrashStore(memory()))
factStoreContract('SqliteFactStore', async () => new SqliteFactStore(memory()))
wrapStoreContract('SqliteWrapStore', async () => {
  const db = memory()
  return { wraps: new SqliteWrapStore(db), keys: new SqliteKeyStore(db) }
})
ticketStoreContract('SqliteTicketStore', async () => new SqliteTicketStore(memory()))
