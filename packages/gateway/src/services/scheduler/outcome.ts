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
      return failure.facts['sent'] === false ? UNSENT : { ...ANSWERED, isRefusal: true }
    case 'conflict':
    case 'invalid':
    case 'too-large':
    case 'upstream-changed':
      return ANSWERED
    default:
      return failure.facts['sent'] === false ? UNSENT : UNANSWERED
  }
}

/**
 * The lock that an upload node, a download node or the website tells of. It is for the address, the user or the key,
 * so that the API is not called while it lasts; too many connections to a download node are no such lock.
 */
export function lockOutside(failure: unknown): BreakerSignal | undefined {
  if (!(failure instanceof GatewayError) || failure.code !== 'locked') return undefined
  return failure.facts['why'] === 'connections' ? undefined : lockSignal(failure)
}

function lockOutcome(failure: GatewayError, endpoint: Endpoint): Outcome {
  const why = failure.facts['why'] === 'location' ? 'location' : 'lock'
  return { ...UNANSWERED, signal: lockSignal(failure), reach: reachOf(endpoint, why) }
}

function lockSignal(failure: GatewayError): BreakerSignal {
  const { scope, flood, why } = failure.facts
  return {
    kind: 'locked',
    scope: scope === 'user' || scope === 'key' ? scope : 'ip',
    // "Only N locations": five minutes by JDownloader, not the hour of the bare `IP Locked` (wire.md §14).
    isFlood: flood === true || why === 'location',
    reason: failure.message,
    retryAfterMs: failure.retryAfterMs,
  }
}
