import {
  type Amounts,
  type Budget,
  type BudgetHolder,
  type KeyId,
  type LedgerEntry,
  type Spend,
  windowEnd,
} from '@guichet/core'
import type { ApiSpend } from '@guichet/sdk'
import type { Caller } from '../gate.ts'
import type { Principal } from '../principals.ts'

/** A use, with what the ledger needs to tell of it when it is refused. It counts for the key and for every key above it. */
export interface Use {
  readonly caller: Pick<Caller, 'door' | 'requestId'> & { readonly principal: Principal }
  readonly verb: LedgerEntry['verb']
  readonly target: string
}

/**
 * What keys and the owner may use up in each hour, day or month.
 *
 * Everything is reserved before it is done and settled after it: whatever happens at one time, what is used up never
 * exceeds a budget. A reservation is on disk when it resolves, so a crash forgets none; what was never settled counts
 * as spent.
 */
export interface Budgets extends AsyncDisposable {
  /**
   * From every budget that counts it, or from none. Rejects with `over-budget`, once that is recorded, and with
   * `unavailable` when it cannot be brought to disk.
   */
  reserve(use: Use, amounts: Amounts): Promise<Reservation>
  /** For bytes whose number is not known beforehand: reserved a step ahead of those that pass. */
  meter(use: Use, measure: 'up' | 'down'): Promise<Meter>
  /** As `reserve`, for holders that are given; nothing, and no line in the ledger, where it is too much. */
  within(holders: readonly BudgetHolder[], amounts: Amounts): Promise<Reservation | undefined>
  /** Has this key, or one above it, a budget of this? */
  counts(spender: Principal, measure: Budget['measure']): boolean
  /** The budgets of one holder, with what is used up of each. */
  spendsOf(holder: KeyId | 'owner', budgets: readonly Budget[]): readonly BudgetSpend[]
  /** The owner's own, which stand in the configuration. */
  readonly ofOwner: readonly Budget[]
}

export interface Reservation {
  /** Gives back what was not used. Only the first call counts. */
  settle(used: Amounts): void
}

export interface Meter {
  /** Resolves when so many more bytes may pass; rejects as `reserve` does. One call at a time. */
  take(bytes: number): Promise<void>
  /** No more will pass. */
  end(): void
}

export interface BudgetSpend {
  readonly budget: Budget
  readonly spend: Spend
}

export function apiSpend({ budget, spend }: BudgetSpend): ApiSpend {
  const opensMs = windowEnd(budget.per, spend.startMs)
  return { budget, used: spend.amount, ...(opensMs !== undefined && { opensMs }) }
}
