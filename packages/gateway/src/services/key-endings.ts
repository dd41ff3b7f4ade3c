import { type Clock, type KeyStore, MINUTE_MS, problemOfKey } from '@guichet/core'
import type { Log } from '../log.ts'
import { startRounds } from './rounds.ts'
import type { Wraps } from './wraps.ts'

const EVERY_MS = MINUTE_MS

/**
 * Notes which keys are over, so that a clock that is set back later does not revive one that nobody used meanwhile,
 * and ends those that were not fetched in time: once before it resolves, and then every minute.
 */
export function startKeyEndings(options: {
  readonly keys: KeyStore
  readonly wraps: Pick<Wraps, 'expire'>
  readonly clock: Clock
  readonly log: Log
}): Promise<AsyncDisposable> {
  const { clock, log } = options
  return startRounds({
    ...{ everyMs: EVERY_MS, clock, work: () => look(options) },
    // Nobody waits for it: each request is judged by itself, and the next round tries again.
    failed: (failure) => log.warn({ cause: String(failure) }, 'it could not be noted which keys are over'),
  })
}

async function look({ keys, wraps, clock }: Parameters<typeof startKeyEndings>[0]): Promise<void> {
  const nowMs = clock.nowMs()
  for (const key of await keys.unended()) {
    const problem = problemOfKey(key, nowMs)
    if (problem === 'expired' || problem === 'idle') await keys.end(key.id, problem, nowMs)
  }
  await wraps.expire()
}
