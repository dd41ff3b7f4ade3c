import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { pipeline } from 'node:stream/promises'
import { GatewayError, systemCodeOf } from '@guichet/core'
import { createConcealer } from '@guichet/leaks'
import type { StopSignal, World } from '../world.ts'

export interface ChildOrder {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** What must not appear in its output, in whatever writing; empty: the output is inherited. */
  readonly concealed: readonly string[]
}

const MASK = '<concealed by guichet>'

export type Outcome =
  /** With its exit code: 128 + n for a program that a signal ended. */
  | { readonly kind: 'ended'; readonly exit: number }
  | { readonly kind: 'not-started'; readonly exit: 126 | 127; readonly error: GatewayError }

/** Runs a program to its end. */
export async function runChild(world: World, order: ChildOrder): Promise<Outcome> {
  const isFiltered = order.concealed.length > 0
  const child = spawn(order.command, order.args, {
    env: order.env,
    cwd: world.cwd,
    stdio: isFiltered ? ['inherit', 'pipe', 'pipe'] : 'inherit',
  })
  using _signals = world.signals.take((signal) => passOn(world, child, signal))
  const outputs = isFiltered
    ? [filter(child.stdout, world.output, order), filter(child.stderr, world.errors, order)]
    : []
  const [outcome] = await Promise.all([endOf(child, order.command), ...outputs])
  return outcome
}

async function endOf(child: ChildProcess, command: string): Promise<Outcome> {
  return new Promise((resolve) => {
    child.once('error', (cause) => resolve(notStarted(command, cause)))
    child.once('close', (code, signal) => {
      resolve({ kind: 'ended', exit: code ?? 128 + (signal === null ? 0 : constants.signals[signal]) })
    })
  })
}

/** The exit codes of shells. */
function notStarted(command: string, cause: Error): Outcome {
  const isMissing = systemCodeOf(cause) === 'ENOENT'
  const error = isMissing
    ? new GatewayError('not-found', `${JSON.stringify(command)} is not a program here`, {
        hint: 'check its name, or install it',
        cause,
      })
    : new GatewayError('forbidden', `${JSON.stringify(command)} cannot be started`, {
        hint: 'it must be a program that this user may execute',
        cause,
      })
  return { kind: 'not-started', exit: isMissing ? 127 : 126, error }
}

async function filter(
  from: ChildProcess['stdout'],
  to: World['output'],
  { concealed }: ChildOrder,
): Promise<void> {
  if (from === null) return
  try {
    await pipeline(from, createConcealer(concealed, MASK).stream(), to, { end: false })
  } catch {
    // Nobody reads any more, or the child is gone: the child notices the closed pipe, and its exit code tells.
    from.destroy()
  }
}

/** On a terminal Ctrl-C reaches the child by itself: it is in the same group of processes. */
function passOn(world: World, child: ChildProcess, signal: StopSignal): true {
  if (signal === 'SIGPIPE') {
    child.stdout?.destroy()
  } else if (signal !== 'SIGINT' || world.input.isTTY !== true) {
    child.kill(signal)
  }
  return true
}
