import { HOUR_MS, MINUTE_MS, SECOND_MS } from '@guichet/core'

/** The figures of the uploader, as data: tests and stand-ins whose time runs faster bring their own. */
export interface UploaderLimits {
  /** One request: 500 files by wire.md §3, and far below its 500 GB so that a cut costs less. */
  readonly filesMax: number
  readonly bytesMax: number
  /** A file as big as this goes in a request of its own. */
  readonly aloneBytes: number
  readonly inFlightMax: number
  /** Requests whose outcome is not known yet; at so many, no further one is begun. */
  readonly followedMax: number
  /** Transfers that wait to be sent; at so many, no further content is taken in. */
  readonly waitingMax: number
  readonly attemptsMax: number
  /** How often content that arrived damaged is sent again. */
  readonly corruptMax: number
  readonly retry: Growth
  readonly report: Growth
  /** 1fichier deletes the status of an upload two hours after its end (wire.md §6.3). */
  readonly reportForMs: number
  /** Listings lag behind uploads (wire.md §15): the wait before each look, and more for what takes long to store. */
  readonly settleMs: number
  readonly settleBytesPerMs: number
  /** How many listings may show a file without the checksum that proves it (wire.md §8). */
  readonly unprovenLooksMax: number
  /** How far 1fichier's clock may be behind ours. */
  readonly skewMs: number
  /** A request of which no byte moves for so long is cut. */
  readonly stallMs: number
  /** How long a stop waits for requests under way; what is cut then is proven after the next start. */
  readonly stopMs: number
}

/** Waits that double from the first to the longest. */
export interface Growth {
  readonly firstMs: number
  readonly longestMs: number
}

export const UPLOADER_LIMITS: UploaderLimits = {
  filesMax: 500,
  bytesMax: 100e9,
  aloneBytes: 1e9,
  inFlightMax: 2,
  followedMax: 64,
  waitingMax: 100_000,
  attemptsMax: 5,
  corruptMax: 2,
  retry: { firstMs: 5 * SECOND_MS, longestMs: 5 * MINUTE_MS },
  report: { firstMs: SECOND_MS, longestMs: MINUTE_MS },
  reportForMs: 2 * HOUR_MS,
  settleMs: MINUTE_MS,
  settleBytesPerMs: 20_000,
  unprovenLooksMax: 20,
  skewMs: 10 * MINUTE_MS,
  stallMs: 15 * MINUTE_MS,
  stopMs: 10 * SECOND_MS,
}

/** The wait before the next try, after so many failures in a row. */
export function growingMs(growth: Growth, failures: number): number {
  return Math.min(growth.firstMs * 2 ** Math.min(failures, 30), growth.longestMs)
}
