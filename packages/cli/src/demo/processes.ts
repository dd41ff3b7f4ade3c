import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { GatewayError, SECOND_MS } from '@guichet/core'
import type { World } from '../world.ts'

export type Environment = Readonly<Record<string, string>>

/** A `guichet` that ran to its end. */
export interface Ran {
  readonly exit: number
  readonly output: string
  readonly errors: string
}

/** A `guichet` that keeps running, and the JSON it said when it was ready. Disposing of it stops it. */
export interface Running extends AsyncDisposable {
  readonly said: Readonly<Record<string, unknown>>
}

const TEXT_BYTES_MAX = 1024 * 1024
const STEP_TIMEOUT_MS = 120 * SECOND_MS
const STOP_TIMEOUT_MS = 10 * SECOND_MS

/** Runs a `guichet` as a person would, and waits for its end. */
export async function runGuichet(world: World, args: readonly string[], env: Environment): Promise<Ran> {
  const { stop } = world.signals
  const child = start(world, args, env)
  const limit = AbortSignal.any([stop, AbortSignal.timeout(STEP_TIMEOUT_MS)])
  const end = (): void => void child.kill('SIGTERM')
  limit.addEventListener('abort', end, { once: true })
  if (limit.aborted) end()
  const [output, errors] = await Promise.all([read(child.stdout), read(child.stderr), endOf(child)])
  limit.removeEventListener('abort', end)
  stop.throwIfAborted()
  if (limit.aborted) throw new GatewayError('internal', `\`guichet ${args[0]}\` did not end in time`)
  return { exit: child.exitCode ?? 1, output, errors }
}

/** Starts a `guichet` that serves, and waits until it says what it serves. */
export async function startGuichet(
  world: World,
  args: readonly string[],
  env: Environment,
): Promise<Running> {
  const child = start(world, args, env)
  const ended = endOf(child)
  const errors = read(child.stderr)
  const said = await firstJson(child.stdout)
  if (said === undefined) {
    child.kill()
    throw new GatewayError('internal', `\`guichet ${args[0]}\` did not start: ${lastLine(await errors)}`, {
      hint: `try it by itself: \`guichet ${args.join(' ')}\``,
    })
  }
  return {
    said,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      AbortSignal.timeout(STOP_TIMEOUT_MS).addEventListener('abort', () => child.kill('SIGKILL'))
      await ended
    },
  }
}

/** The channel tells the child when we are gone, however we went. */
function start(
  world: World,
  args: readonly string[],
  env: Environment,
): ChildProcess & { readonly stdout: Readable; readonly stderr: Readable } {
  const [program, ...first] = world.self
  const child = spawn(program, [...first, ...args], {
    env: { ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const { stdout, stderr } = child
  if (stdout === null || stderr === null) throw new GatewayError('internal', 'a child has no output')
  return Object.assign(child, { stdout, stderr })
}

/** Also resolves for a child that could not be started: it has said nothing, and no exit code. */
async function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('close', () => resolve())
    child.once('error', () => resolve())
  })
}

async function read(stream: Readable): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength
    if (bytes <= TEXT_BYTES_MAX) chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

async function firstJson(stream: Readable): Promise<Running['said'] | undefined> {
  const lines = createInterface({ input: stream })
  const line = await Promise.race([
    once(lines, 'line').then(([text]) => String(text)),
    once(lines, 'close').then(() => ''),
  ])
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as Running['said']) : undefined
  } catch {
    return undefined // It ended, or something else was started: the caller says so.
  }
}

export function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}
