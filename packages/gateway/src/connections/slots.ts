import { type Clock, GatewayError, SECOND_MS } from '@guichet/core'

/** A fixed number of places, given out in the order of asking. */
export interface Slots {
  /** Rejects with the signal's reason when it is aborted first, with `paced` when too many wait already. */
  take(signal: AbortSignal | undefined): Promise<Slot>
}

export interface Slot {
  /** Calling it again does nothing. */
  giveBack(): void
  /** Whoever uses the place: while others wait, one who makes no use of it for long has to give it back. */
  usedBy(user: SlotUser): void
}

export interface SlotUser {
  /** Since when it makes no use of its place; `undefined` while it does. */
  idleSinceMs(): number | undefined
  giveUp(): void
}

/** So often those who wait look for somebody who makes no use of a place. */
const LOOK_EVERY_MS = 5 * SECOND_MS
const IDLE_MS = 30 * SECOND_MS

export function createSlots(options: {
  readonly count: number
  readonly waiting: number
  readonly clock: Clock
}): Slots {
  const { clock } = options
  let free = options.count
  const queue = new Set<() => void>()
  const users = new Map<object, SlotUser>()
  /** Ends the looking as soon as nobody waits. */
  let looking: AbortController | undefined

  function slot(): Slot {
    const place = {}
    let isHeld = true
    return {
      giveBack() {
        if (!isHeld) return
        isHeld = false
        users.delete(place)
        const [next] = queue
        if (next === undefined) free += 1
        else next()
      },
      usedBy(user) {
        if (isHeld) users.set(place, user)
      },
    }
  }

  async function look(over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      await clock.sleep(LOOK_EVERY_MS, over)
      const nowMs = clock.nowMs()
      const idle = [...users.values()].filter((user) => {
        const sinceMs = user.idleSinceMs()
        // After a step of the clock nobody knows: then it counts as long.
        return sinceMs !== undefined && Math.abs(nowMs - sinceMs) >= IDLE_MS
      })
      for (const user of idle.slice(0, queue.size)) user.giveUp()
    }
  }

  function join(enter: () => void): void {
    queue.add(enter)
    if (looking !== undefined) return
    looking = new AbortController()
    // It ends by the abort of its sleep.
    look(looking.signal).catch(() => undefined)
  }

  function leave(enter: () => void): void {
    queue.delete(enter)
    if (queue.size > 0) return
    looking?.abort()
    looking = undefined
  }

  return {
    async take(signal) {
      signal?.throwIfAborted()
      if (free > 0) {
        free -= 1
        return slot()
      }
      if (queue.size >= options.waiting) {
        throw new GatewayError('paced', 'too many downloads wait for a connection to 1fichier', {
          hint: 'try again when some have ended',
          retryAfterMs: 10 * SECOND_MS,
          facts: { sent: false },
        })
      }
      return new Promise((resolve, reject) => {
        const giveUp = (): void => {
          leave(enter)
          reject(signal?.reason)
        }
        const enter = (): void => {
          leave(enter)
          signal?.removeEventListener('abort', giveUp)
          resolve(slot())
        }
        join(enter)
        signal?.addEventListener('abort', giveUp, { once: true })
      })
    },
  }
}
