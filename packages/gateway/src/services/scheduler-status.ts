import type { BreakerState, Reach } from '@guichet/core'
import type { Priority } from './scheduler-line.ts'

/** What the scheduler shows of itself: who waits for what, what stands still, and how much was called. */
export interface SchedulerStatus {
  readonly scheduler: {
    readonly waiting: readonly {
      readonly endpoint: string
      readonly key: string
      readonly priority: Priority
      readonly waitMs: number
      readonly reason: string
    }[]
    readonly locks: readonly {
      readonly reach: Reach
      readonly state: 'open' | 'half-open' | 'stopped'
      readonly reason: string
      readonly scope?: string
      readonly untilMs?: number
    }[]
    readonly rules: readonly {
      readonly id: string
      readonly burst: number
      readonly gapMs: number
      readonly source: string
    }[]
  }
  readonly upstream: {
    readonly calls: Readonly<Record<string, number>>
    readonly total: number
    readonly locksMet: number
  }
}

/** A reach as people see it; a closed one is not worth a line. */
export function lockStatus(reach: Reach, state: BreakerState): SchedulerStatus['scheduler']['locks'] {
  switch (state.kind) {
    case 'closed':
      return []
    case 'open':
      return [{ reach, state: 'open', reason: state.reason, scope: state.scope, untilMs: state.untilMs }]
    case 'half-open':
      return [{ reach, state: 'half-open', reason: state.reason, scope: state.scope }]
    case 'stopped':
      return [{ reach, state: 'stopped', reason: state.reason }]
  }
}
