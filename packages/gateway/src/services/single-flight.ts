import { GatewayError } from '@guichet/core'

/**
 * Identical questions at one time share one call.
 *
 * Each waiter can leave by its own signal; the call's signal is aborted only when all have left.
 * A failure that is the first caller's own (it was cancelled, or would not wait so long) is told to that caller alone,
 * and the next one asks in its own name. Any other failure is shared.
 */
export type SingleFlight<T> = (
  key: string,
  signal: AbortSignal | undefined,
  run: (signal: AbortSignal) => Promise<T>,
) => Promise<T>

export function singleFlight<T>(): SingleFlight<T> {
  const flights = new Map<string, Flight<T>>()
  return (key, signal, run) => {
    if (signal?.aborted) return Promise.reject(left(signal))
    const known = flights.get(key)
    if (known !== undefined) return known.join(signal, run)
    const flight = new Flight<T>(() => {
      if (flights.get(key) === flight) flights.delete(key)
    })
    flights.set(key, flight)
    const answer = flight.join(signal, run)
    flight.start()
    return answer
  }
}

interface Waiter<T> {
  readonly run: (signal: AbortSignal) => Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (failure: unknown) => void
}

class Flight<T> {
  readonly #waiters = new Set<Waiter<T>>()
  readonly #abort = new AbortController()
  /** Nobody joins from here on: the next question starts a call of its own. */
  readonly #close: () => void

  constructor(close: () => void) {
    this.#close = close
  }

  join(signal: AbortSignal | undefined, run: Waiter<T>['run']): Promise<T> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiters.delete(waiter)
        reject(left(signal))
        if (this.#waiters.size > 0) return
        this.#close()
        this.#abort.abort(left(signal))
      }
      const stay = (): void => signal?.removeEventListener('abort', leave)
      const waiter: Waiter<T> = {
        run,
        resolve: (value) => {
          stay()
          resolve(value)
        },
        reject: (failure) => {
          stay()
          reject(failure)
        },
      }
      this.#waiters.add(waiter)
      signal?.addEventListener('abort', leave, { once: true })
    })
  }

  /** Asks in the name of the waiters in turn, until one answer or failure is good for all. */
  async start(): Promise<void> {
    for (;;) {
      const [leader] = this.#waiters
      if (leader === undefined) return this.#close()
      try {
        const value = await leader.run(this.#abort.signal)
        this.#close()
        for (const waiter of this.#waiters) waiter.resolve(value)
        return
      } catch (failure) {
        if (isOwn(failure) && !this.#abort.signal.aborted) {
          this.#waiters.delete(leader)
          leader.reject(failure)
          continue
        }
        this.#close()
        for (const waiter of this.#waiters) waiter.reject(failure)
        return
      }
    }
  }
}

/** `paced` and `locked` come from the leader's patience, and cost no call to ask again: a locked host is not called. */
function isOwn(failure: unknown): boolean {
  const { code } = GatewayError.from(failure)
  return code === 'cancelled' || code === 'paced' || code === 'locked'
}

function left(signal: AbortSignal | undefined): GatewayError {
  return new GatewayError('cancelled', 'the request was cancelled', { cause: signal?.reason })
}
