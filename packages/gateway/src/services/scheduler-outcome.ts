import { type BreakerSignal, type Endpoint, GatewayError, type Reach, reachOf } from '@guichet/core'

/** What the end of a call teaches the scheduler. */
export interface Outcome {
  /** For the reach it concerns; the other reaches of the endpoint learn `others`. */
  readonly signal: BreakerSignal
  readonly reach: Reach | 'every'
  readonly others: BreakerSignal
  /** A `not-found` or `file-refused`: too many of them may ban (wire.md §3). */
  readonly isRefusal: boolean
  /** Certain that not one byte left the machine: the call cost nothing. */
  readonly isUnsent: boolean
}

export const ANSWERED: Outcome = {
  signal: { kind: 'answered' },
  reach: 'every',
  others: { kind: 'answered' },
  isRefusal: false,
  isUnsent: false,
}

const UNANSWERED: Outcome = { ...ANSWERED, signal: { kind: 'unanswered' }, others: { kind: 'unanswered' } }

export const UNSENT: Outcome = { ...UNANSWERED, isUnsent: true }

/** What a failed call teaches. The words were understood by `fichier`; here only codes and facts count. */
export function outcomeOf(failure: unknown, endpoint: Endpoint): Outcome {
  if (!(failure instanceof GatewayError)) return UNANSWERED
  switch (failure.code) {
    case 'locked':
      return lockOutcome(failure, endpoint)
    case 'account-refused': {
      const why =
        failure.facts['why'] === 'customer' || failure.facts['why'] === 'cdn' ? 'customer' : 'account'
      return {
        ...UNANSWERED,
        signal: { kind: 'refused', reason: failure.message },
        reach: reachOf(endpoint, why),
      }
    }
    case 'not-found':
    case 'file-refused':
      return { ...ANSWERED, isRefusal: true }
    case 'conflict':
    case 'invalid':
    case 'too-large':
    case 'upstream-changed':
      return ANSWERED
    default:
      return failure.facts['sent'] === false ? UNSENT : UNANSWERED
  }
}

function lockOutcome(failure: GatewayError, endpoint: Endpoint): Outcome {
  const { scope, flood, why } = failure.facts
  // "Only N locations": five minutes by JDownloader, not the hour of the bare `IP Locked` (wire.md §14).
  const isLocation = why === 'location'
  return {
    ...UNANSWERED,
    signal: {
      kind: 'locked',
      scope: scope === 'user' || scope === 'key' ? scope : 'ip',
      isFlood: flood === true || isLocation,
      reason: failure.message,
      retryAfterMs: failure.retryAfterMs,
    },
    reach: reachOf(endpoint, isLocation ? 'location' : 'lock'),
  }
}
