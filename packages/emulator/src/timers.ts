/**
 * Where the emulator's time comes from.
 * `wait` resolves after the delay and rejects with the signal's reason when the wait is called off.
 */
export interface Timers {
  nowMs(): number
  wait(delayMs: number, signal: AbortSignal): Promise<void>
}

/** Timers that move only when told. */
export interface ManualTimers extends Timers {
  advance(ms: number): void
  /** How many waits are open. */
  waiting(): number
}

export function systemTimers(): Timers {
  return { nowMs: () => Date.now(), wait: (delayMs, signal) => waitOnSystem(delayMs, signal) }
}

export function manualTimers(startMs: number): ManualTimers {
  let nowMs = startMs
  const sleepers = new Set<{ dueMs: number; wake: () => void }>()
  return {
    nowMs: () => nowMs,
    waiting: () => sleepers.size,
    wait: (delayMs, signal) =>
      abortable(signal, (wake) => {
        const sleeper = { dueMs: nowMs + delayMs, wake }
        if (delayMs <= 0) wake()
        else sleepers.add(sleeper)
        return () => sleepers.delete(sleeper)
      }),
    advance(ms) {
      nowMs += ms
      for (const sleeper of [...sleepers].sort((a, b) => a.dueMs - b.dueMs)) {
        if (sleeper.dueMs > nowMs) continue
        sleepers.delete(sleeper)
        sleeper.wake()
      }
    },
  }
}

function waitOnSystem(delayMs: number, signal: AbortSignal): Promise<void> {
  return abortable(signal, (wake) => {
    const timer = setTimeout(wake, delayMs)
    return () => clearTimeout(timer)
  })
}

function abortable(signal: AbortSignal, start: (wake: () => void) => () => void): Promise<void> {
  if (signal.aborted) return Promise.reject(signal.reason)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const cancel = start(() => {
    signal.removeEventListener('abort', onAbort)
    resolve()
  })
  function onAbort(): void {
    cancel()
    reject(signal.reason)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  return promise
}
