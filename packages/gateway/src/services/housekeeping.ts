import { type Clock, DAY_MS, HOUR_MS, type TransferJournal } from '@guichet/core'
import type { Log } from '../log.ts'
import { startRounds } from './rounds.ts'
import type { UploadContent } from './uploads/work.ts'

/** Transfers that ended are remembered for so long, for clients that come back for the result. */
const REMEMBER_MS = 7 * DAY_MS
const EVERY_MS = HOUR_MS

/**
 * Forgets transfers that ended a week ago, with the content of those that failed and of which no client wanted to know:
 * once before it resolves, and then as long as the gateway runs. What is owed is never touched.
 */
export function startHousekeeping(options: {
  readonly journal: TransferJournal
  readonly spool: Pick<UploadContent, 'ids' | 'remove'>
  readonly clock: Clock
  readonly log: Log
}): Promise<AsyncDisposable> {
  const { clock, log } = options
  return startRounds({
    ...{ everyMs: EVERY_MS, clock, work: () => tidy(options) },
    // Nobody waits for it: the next round tries again.
    failed: (failure) => log.warn({ cause: String(failure) }, 'transfers that ended could not be forgotten'),
  })
}

async function tidy({ journal, spool, clock }: Parameters<typeof startHousekeeping>[0]): Promise<void> {
  const endedBeforeMs = clock.nowMs() - REMEMBER_MS
  for (const id of await spool.ids()) {
    const state = (await journal.get(id))?.state
    if (state?.kind === 'failed' && state.failedMs < endedBeforeMs) await spool.remove(id)
  }
  await journal.prune(endedBeforeMs)
}
