import type { Clock } from '@guichet/core'

/**
 * Does something once before it resolves, and then again and again until it is disposed, which waits for what is under way.
 * Rejects when it goes wrong the first time; later `failed` is told, and the next round tries again.
 */
export async function startRounds(options: {
  readonly everyMs: number
  readonly clock: Clock
  readonly work: () => Promise<void>
  readonly failed: (failure: unknown) => void
}): Promise<AsyncDisposable> {
  const { everyMs, clock, work, failed } = options
  const stop = new AbortController()

  async function goOn(): Promise<void> {
    while (true) {
      await clock.sleep(everyMs, stop.signal)
      await work().catch(failed)
    }
  }

  await work()
  // It ends by the abort of its sleep.
  const going = goOn().catch(() => {})
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await going
    },
  }
}
