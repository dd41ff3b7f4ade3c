import { type Clock, GatewayError, HOUR_MS } from '@guichet/core'
import type { Log } from '../../log.ts'
import type { Trash } from './trash.ts'

/** Tidies the trash now and each hour, until it is disposed of; nobody waits for it. */
export function startTrashRounds(options: {
  readonly trash: Pick<Trash, 'tidy'>
  readonly clock: Clock
  readonly log: Log
}): AsyncDisposable {
  const { trash, clock, log } = options
  const stop = new AbortController()

  async function rounds(): Promise<void> {
    while (!stop.signal.aborted) {
      await trash.tidy().catch((failure: unknown) => {
        // 1fichier may be locked or sealed away: the next round tries again.
        log.warn({ code: GatewayError.from(failure).code }, 'the trash could not be tidied')
      })
      await clock.sleep(HOUR_MS, stop.signal)
    }
  }

  // It ends by the abort of its sleep.
  void rounds().catch(() => {})
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
    },
  }
}
