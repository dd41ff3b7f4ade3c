import { type Clock, HOUR_MS } from '@guichet/core'

/** In steps, because the machine's clock may be set meanwhile. */
const STEP_MS = HOUR_MS

/** Resolves when the moment has come; rejects with the signal's reason when it is aborted before. */
export async function untilMoment(clock: Clock, atMs: number, signal: AbortSignal): Promise<void> {
  for (let leftMs = atMs - clock.nowMs(); leftMs > 0; leftMs = atMs - clock.nowMs())
    await clock.sleep(Math.min(leftMs, STEP_MS), signal)
}
