import { type Clock, GatewayError, MINUTE_MS, SECOND_MS, TRAITS } from '@guichet/core'

export interface Patience {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly attemptsMax: number
  /** What else makes it hopeless. */
  readonly mayRetry?: (error: GatewayError) => boolean
  /** Told before each wait. */
  readonly onWait?: (error: GatewayError, waitMs: number) => void
}

/** A longer wait than this is for a person to decide. */
const LONGEST_WAIT_MS = 2 * MINUTE_MS

/** Tries again what may succeed later, after the time the gateway names, else after 1, 2, 4 … seconds. */
export async function withPatience<Result>(
  patience: Patience,
  attempt: () => Promise<Result>,
): Promise<Result> {
  for (let number = 1; ; number += 1) {
    try {
      return await attempt()
    } catch (failure) {
      if (!(failure instanceof GatewayError)) throw failure
      const waitMs = failure.retryAfterMs ?? Math.min(SECOND_MS * 2 ** (number - 1), 30 * SECOND_MS)
      const isHopeless =
        TRAITS[failure.code].retry === 'never' ||
        waitMs > LONGEST_WAIT_MS ||
        patience.mayRetry?.(failure) === false
      if (isHopeless || number >= patience.attemptsMax || patience.signal.aborted) throw failure
      patience.onWait?.(failure, waitMs)
      await patience.clock.sleep(waitMs, patience.signal)
    }
  }
}
