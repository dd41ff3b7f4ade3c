import { type Clock, GatewayError } from '@guichet/core'

/**
 * Time that moves when told.
 *
 *     const clock = new FakeClock()
 *     const done = work(clock)
 *     await clock.advance(5 * MINUTE_MS)
 *
 * Sleepers wake in the order of their moments; between two of them everything that is ready runs to its end.
 */
export class FakeClock implements Clock {
  #wallMs: number
  /** Time that never jumps: sleepers count by it. */
  #elapsedMs = 0
  #sleepers: Sleeper[] = []

  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.#wallMs = startMs
  }

  nowMs(): number {
    return this.#wallMs
  }

  /** Rounds up to whole milliseconds, as a real clock does. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (ms <= 0) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper)
        reject(signal?.reason)
      }
      const sleeper: Sleeper = {
        atMs: this.#elapsedMs + Math.ceil(ms),
        wake: () => {
          signal?.removeEventListener('abort', abort)
          resolve()
        },
      }
      this.#sleepers.push(sleeper)
      signal?.addEventListener('abort', abort, { once: true })
    })
  }

  /** Lets so much time pass. */
  async advance(ms: number): Promise<void> {
    await this.settle()
    const endMs = this.#elapsedMs + ms
    for (let next = this.#next(); next !== undefined && next.atMs <= endMs; next = this.#next()) {
      this.#pass(next.atMs - this.#elapsedMs)
      this.#sleepers = this.#sleepers.filter((other) => other !== next)
      next.wake()
      await this.settle()
    }
    this.#pass(endMs - this.#elapsedMs)
  }

  /**
   * Lets time pass until the work is done, at most so much, and gives its result.
   * Fails the test when it is not done by then.
   */
  async until<T>(work: Promise<T>, atMostMs: number = 24 * 60 * 60_000): Promise<T> {
    let isDone = false
    const end = (): void => {
      isDone = true
    }
    work.then(end, end)
    const endMs = this.#elapsedMs + atMostMs
    await this.settle()
    while (!isDone) {
      const next = this.#next()
      if (next === undefined || next.atMs > endMs) {
        throw new GatewayError('internal', `the work is not done after ${atMostMs} ms of the fake clock`)
      }
      await this.advance(next.atMs - this.#elapsedMs)
    }
    return work
  }

  /** Somebody sets the machine's clock: the time shown changes, and no sleeper wakes. */
  jump(ms: number): void {
    this.#wallMs += ms
  }

  /** Time that has passed since the clock was made, jumps apart. */
  get elapsedMs(): number {
    return this.#elapsedMs
  }

  /** How many sleep: zero means that nothing was left behind. */
  get sleeping(): number {
    return this.#sleepers.length
  }

  /** Lets everything run that waits for no clock: promises, and turns of the event loop they need. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 3; turn += 1) {
      await new Promise<void>((resolve) => {
        setImmediate(resolve)
      })
    }
  }

  #pass(ms: number): void {
    this.#elapsedMs += ms
    this.#wallMs += ms
  }

  #next(): Sleeper | undefined {
    let next: Sleeper | undefined
    for (const sleeper of this.#sleepers) {
      if (next === undefined || sleeper.atMs < next.atMs) next = sleeper
    }
    return next
  }
}

interface Sleeper {
  readonly atMs: number
  readonly wake: () => void
}
