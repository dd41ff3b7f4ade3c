import type { BreakerState, Reach } from '@guichet/core'
import type { ApiStatus } from '@guichet/sdk'

/** What the scheduler shows of itself: who waits for what, what stands still, and how much was called. */
export interface SchedulerStatus {
  readonly scheduler: ApiStatus['scheduler']
  readonly upstream: Omit<ApiStatus['upstream'], 'saved'>
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
