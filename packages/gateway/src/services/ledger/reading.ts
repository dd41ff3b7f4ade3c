import type { KeptCheckpoint, LedgerBook, LedgerFilter, NumberedEntry, TreeHead } from '@guichet/core'
import type { Caller, Gate } from '../gate.ts'
import type { Distrust } from './watch.ts'

/** How the ledger is: what it has, what was signed of it last, and why it is not trusted, if it is not. */
export interface LedgerState {
  readonly head: TreeHead
  readonly signed: KeptCheckpoint | undefined
  readonly distrust: Distrust | undefined
}

/** The ledger for its owner to read; reading stands in it too. */
export interface LedgerReading {
  /** The newest entries that fit, newest first. */
  find(caller: Caller, filter: LedgerFilter, limit: number): Promise<readonly NumberedEntry[]>
  state(caller: Caller): Promise<LedgerState>
}

export function createLedgerReading(options: {
  readonly book: LedgerBook
  readonly watch: { readonly distrust: Distrust | undefined }
  readonly gate: Gate
}): LedgerReading {
  const { book, watch, gate } = options
  return {
    async find(caller, filter, limit) {
      await gate.permitOwner(caller, 'read the ledger')
      return book.find(filter, limit)
    },

    async state(caller) {
      await gate.permitOwner(caller, 'read the checkpoint of the ledger')
      return { head: await book.head(), signed: await book.lastCheckpoint(), distrust: watch.distrust }
    },
  }
}
