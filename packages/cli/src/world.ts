import { randomBytes } from 'node:crypto'
import { homedir } from 'node:os'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { type Clock, GatewayError } from '@guichet/core'
import { type Concealer, createConcealer } from '@guichet/leaks'

/** Everything outside the process that a command needs, as arguments. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly platform: NodeJS.Platform
  readonly cwd: string
  readonly userHome: string
  readonly input: Readable & { readonly isTTY?: boolean }
  readonly output: Writable & { readonly isTTY?: boolean }
  readonly errors: Writable & { readonly isTTY?: boolean }
  readonly clock: Clock
  readonly random: (count: number) => Uint8Array
  readonly signals: Signals
  /** Hides the secrets that this process has got to know from everything it prints. */
  readonly secrets: Concealer
  /** What starts another `guichet`: the program, followed by its first arguments. */
  readonly self: readonly [string, ...string[]]
}

/** Why the command is asked to stop. `SIGPIPE`: nobody reads the output any more; `SIGHUP` also: the launcher is gone. */
export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGPIPE'

export interface Signals {
  /** Aborted by the first signal that nobody has taken over; its reason is a `GatewayError`. */
  readonly stop: AbortSignal
  /** Until disposed, signals go to the listener first; one for which it returns true ends there. */
  take(listener: (signal: StopSignal) => boolean): Disposable
}

export function isInteractive(world: World): boolean {
  return world.input.isTTY === true && world.errors.isTTY === true
}

export function processWorld(): World {
  const [main = ''] = process.argv.slice(1)
  return {
    env: process.env,
    platform: process.platform,
    cwd: process.cwd(),
    userHome: homedir(),
    input: process.stdin,
    output: process.stdout,
    errors: process.stderr,
    clock: systemClock,
    random: (count) => randomBytes(count),
    signals: processSignals(),
    secrets: createConcealer([process.env['GUICHET_KEY'] ?? '']),
    self: [process.execPath, ...process.execArgv, main],
  }
}

const systemClock: Clock = {
  nowMs: () => Date.now(),
  async sleep(ms, signal) {
    if (ms <= 0) return signal?.throwIfAborted()
    await delay(Math.min(ms, 2_147_483_647), undefined, signal === undefined ? {} : { signal })
  },
}

/** What a shell sees of a program that a signal ended; a reader that went away is no failure. */
const EXIT_OF_SIGNAL = { SIGHUP: 129, SIGINT: 130, SIGPIPE: 0, SIGTERM: 143 } as const
/** One key press can arrive twice: from the terminal, and from the launcher that passes it on. */
const SAME_SIGNAL_MS = 500

function processSignals(): Signals {
  const stopping = new AbortController()
  const listeners: ((signal: StopSignal) => boolean)[] = []
  let last: { readonly signal: StopSignal; readonly atMs: number } | undefined
  const receive = (signal: StopSignal): void => {
    const atMs = performance.now()
    const isSame = last?.signal === signal && atMs - last.atMs < SAME_SIGNAL_MS
    last = { signal, atMs }
    if (isSame) return
    const exit = EXIT_OF_SIGNAL[signal]
    if (listeners.at(-1)?.(signal) === true) return
    if (stopping.signal.aborted) {
      // Asked twice, it does not wait; that nobody reads is no question.
      if (signal !== 'SIGPIPE') process.exit(exit)
    } else stopping.abort(new GatewayError('cancelled', 'stopped', { facts: { exit } }))
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => receive(signal))
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') receive('SIGPIPE')
      else throw error
    })
  }
  // The launcher of an older Node holds the other end of this channel.
  process.on('disconnect', () => receive('SIGHUP'))
  process.channel?.unref()
  return {
    stop: stopping.signal,
    take(listener) {
      listeners.push(listener)
      return {
        [Symbol.dispose]: () => {
          listeners.splice(listeners.indexOf(listener), 1)
        },
      }
    },
  }
}
