import { GatewayError, SECOND_MS } from '@guichet/core'

/** A fixed number of places, given out in the order of asking. */
export interface Slots {
  /**
   * Resolves with the function that gives the place back (calling it again does nothing).
   * Rejects with the signal's reason when it is aborted first, with `paced` when too many wait already.
   */
  take(signal: AbortSignal | undefined): Promise<() => void>
}

export function createSlots(options: { readonly count: number; readonly waiting: number }): Slots {
  let free = options.count
  const queue = new Set<() => void>()

  const giver = (): (() => void) => {
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      const [next] = queue
      if (next === undefined) free += 1
      else next()
    }
  }

  return {
    async take(signal) {
      signal?.throwIfAborted()
      if (free > 0) {
        free -= 1
        return giver()
      }
      if (queue.size >= options.waiting) {
        throw new GatewayError('paced', 'too many downloads wait for a connection to 1fichier', {
          hint: 'try again when some have ended',
          retryAfterMs: 10 * SECOND_MS,
          facts: { sent: false },
        })
      }
      return new Promise((resolve, reject) => {
        const leave = (): void => {
          queue.delete(enter)
          reject(signal?.reason)
        }
        const enter = (): void => {
          queue.delete(enter)
          signal?.removeEventListener('abort', leave)
          resolve(giver())
        }
        queue.add(enter)
        signal?.addEventListener('abort', leave, { once: true })
      })
    },
  }
}
