import type { ApprovalRequest, KeyId } from '@guichet/core'
import type { Reservation } from '../budgets/budgets.ts'
import type { Doomed } from '../destruction.ts'
import type { Caller } from '../gate.ts'

/**
 * Deletions that wait for a person.
 *
 * What a key destroys in a day counts together, so many small deletions pass no more than a large one. What was asked
 * for and what was allowed live in memory alone: a restart is a no.
 */
export interface Approvals extends AsyncDisposable {
  /**
   * Resolves when it may be destroyed; settle with what was. A client of our own API waits for the answer; others are
   * refused with `needs-approval` and the name of the request, and ask again once it is allowed.
   * Rejects with `forbidden` after a no, with `needs-approval` when nobody has answered in time.
   */
  require(caller: Caller, doomed: Doomed): Promise<Reservation>
  /** As `require`, for what is destroyed later, in one or several calls: nothing is counted yet. */
  prepare(caller: Caller, doomed: Doomed): Promise<void>
  /** Only for the owner, as what follows. */
  list(caller: Caller): Promise<readonly ApprovalRequest[]>
  get(caller: Caller, id: string): Promise<ApprovalRequest>
  /** Rejects with `conflict` when more is asked for by now than the id stands for. */
  decide(caller: Caller, id: string, decision: 'yes' | 'no'): Promise<ApprovalRequest>
  /** The key has ended, and asks for nothing any more. */
  withdraw(key: KeyId): void
}
