import type { BreakerState, PacedCall, Reach } from '@guichet/core'

/** How a call stands at a moment. */
export type Standing =
  | { readonly kind: 'go' }
  | {
      readonly kind: 'wait'
      readonly for: 'rule' | 'lock'
      readonly waitMs: number
      readonly reason: string
      /** A call of the same rule is under way besides: its answer begins the wait anew. */
      readonly isBehind: boolean
    }
  /** A call of the same rule is under way; its end tells when this one may go. */
  | { readonly kind: 'behind'; readonly reason: string }
  | { readonly kind: 'stop'; readonly reason: string }

/** A call that has its turn: what it took, to be settled or given back. */
export interface Reservation {
  readonly call: PacedCall
  readonly exclusive: readonly string[]
  readonly counters: ReadonlyMap<string, { readonly before: number | undefined; readonly after: number }>
  readonly probes: ReadonlyMap<Reach, { readonly before: BreakerState; readonly after: BreakerState }>
}
