import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '@guichet/core'
import { createLog, type Log, type LogLevel } from './log.ts'

/** Everything outside the process that is not a file or a socket, as arguments. */
export interface World {
  readonly clock: Clock
  readonly random: (count: number) => Uint8Array
  readonly log: Log
}

export function realWorld(level: LogLevel): World {
  return { clock: systemClock, random: (count) => randomBytes(count), log: createLog(level) }
}

/** The one place where real time passes. */
const systemClock: Clock = {
  nowMs: () => Date.now(),
  async sleep(ms, signal) {
    if (ms <= 0) return signal?.throwIfAborted()
    // The longest a timer of Node can be set to; waits beyond 24 days do not occur.
    await delay(Math.min(ms, 2_147_483_647), undefined, signal === undefined ? {} : { signal })
  },
}
