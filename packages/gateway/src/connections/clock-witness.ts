import { type Clock, type Exchange, type FactStore, HOUR_MS, SECOND_MS } from '@guichet/core'

/** A `Date` header counts whole seconds and was written before the answer travelled: less than this says nothing. */
const NOISE_MS = 5 * SECOND_MS

/**
 * Keeps in the fact `clock` how far 1fichier's clock is ahead of this machine's, as its answers to other calls tell.
 * It makes no call of its own, and writes once an hour, or as soon as the difference changes.
 */
export function witnessClock(
  exchange: Exchange,
  options: { readonly facts: FactStore; readonly clock: Clock },
): Exchange {
  const { facts, clock } = options
  let last: { readonly offsetMs: number; readonly atMs: number } | undefined

  return async (request) => {
    const response = await exchange(request)
    const atMs = clock.nowMs()
    const offsetMs = Date.parse(response.headers['date'] ?? '') - atMs
    const isNews =
      last === undefined ||
      Math.abs(offsetMs - last.offsetMs) > NOISE_MS ||
      Math.abs(atMs - last.atMs) > HOUR_MS
    if (Number.isFinite(offsetMs) && isNews) {
      last = { offsetMs, atMs }
      // The answer counts more than a note about it: a disk that fails is told of by whoever needs the disk.
      await facts.put('clock', { offsetMs }, atMs).catch(() => undefined)
    }
    return response
  }
}
