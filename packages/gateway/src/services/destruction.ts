import type { FileNode, FolderNode } from '@guichet/core'
import type { Approvals } from './approvals/approvals.ts'
import type { Budgets, Reservation } from './budgets/budgets.ts'
import { leavesAsItWas } from './changes/sender.ts'
import type { Caller } from './gate.ts'

/** What is about to go for good. */
export interface Doomed {
  readonly files: readonly FileNode[]
  readonly folders: readonly FolderNode[]
  /** For the ledger. */
  readonly target: string
}

/** Sends one call that may destroy so many things; gives back how many it has destroyed. */
export type Attempt = (count: number, send: () => Promise<number>) => Promise<number>

/** Everything that destroys goes through here: what it may cost is reserved before, and settled after. */
export interface Destruction {
  /** What will be destroyed by several runs: a person is asked once, for all of it. */
  prepare(caller: Caller, doomed: Doomed): Promise<void>
  /**
   * Runs the work once it is allowed; each call of it is an attempt.
   * Rejects with `over-budget`, and as `Approvals.require` does.
   */
  run<T>(caller: Caller, doomed: Doomed, work: (attempt: Attempt) => Promise<T>): Promise<T>
}

export function createDestruction(options: {
  readonly budgets: Pick<Budgets, 'reserve'>
  readonly approvals: Pick<Approvals, 'require' | 'prepare'>
}): Destruction {
  const { budgets, approvals } = options
  return {
    prepare: (caller, doomed) => approvals.prepare(caller, doomed),

    async run(caller, doomed, work) {
      const deletes = doomed.files.length + doomed.folders.length
      const use = { caller, verb: 'delete', target: doomed.target } as const
      const reservation = await budgets.reserve(use, { deletes })
      let unasked: Reservation | undefined
      let gone = 0
      const attempt: Attempt = async (count, send) => {
        // An answer that is lost counts as a deletion.
        gone += count
        try {
          const done = await send()
          gone += Math.min(count, done) - count
          return done
        } catch (failure) {
          if (leavesAsItWas(failure)) gone -= count
          throw failure
        }
      }
      try {
        unasked = await approvals.require(caller, doomed)
        return await work(attempt)
      } finally {
        reservation.settle({ deletes: gone })
        // Which of them are gone is not known: of their bytes nothing is given back, unless none is.
        unasked?.settle({ unasked: gone, 'unasked-bytes': gone === 0 ? 0 : Number.POSITIVE_INFINITY })
      }
    },
  }
}
