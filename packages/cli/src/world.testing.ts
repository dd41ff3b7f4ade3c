import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { createConcealer } from '@guichet/leaks'
import { runCli } from './program.ts'
import type { StopSignal, World } from './world.ts'

/** What a command printed, and its exit code. */
export interface Printed {
  readonly exit: number
  readonly output: string
  readonly errors: string
}

export interface TestWorld extends AsyncDisposable {
  /** A folder of its own; the current directory of the commands. */
  readonly folder: string
  readonly stop: AbortController
  env: Record<string, string>
  /** Runs a command line in this process, without a terminal. */
  run(args: readonly string[], input?: string): Promise<Printed>
  /** A world for functions that take one; what is printed is dropped. */
  world(): World
}

export async function openTestWorld(): Promise<TestWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'guichet-cli-'))
  const stop = new AbortController()
  const make = (env: Record<string, string>, input: string, output: Writable, errors: Writable): World => ({
    env,
    platform: 'linux',
    cwd: folder,
    userHome: folder,
    input: Readable.from(input === '' ? [] : [Buffer.from(input)]),
    output,
    errors,
    clock: {
      nowMs: () => Date.now(),
      sleep: (ms, signal) => delay(ms, undefined, signal === undefined ? {} : { signal }),
    },
    random: (count) => randomBytes(count),
    secrets: createConcealer([env['GUICHET_KEY'] ?? '']),
    signals: { stop: stop.signal, take: () => ({ [Symbol.dispose]: () => {} }) },
    self: [process.execPath, ...process.execArgv, join(import.meta.dirname, 'main.ts')],
  })
  const test: TestWorld = {
    folder,
    stop,
    env: { PATH: process.env['PATH'] ?? '' },
    async run(args, input = '') {
      const output = collector()
      const errors = collector()
      const exit = await runCli(args, make(test.env, input, output.stream, errors.stream))
      return { exit, output: output.text(), errors: errors.text() }
    },
    world() {
      return make(test.env, '', collector().stream, collector().stream)
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
  return test
}

/** Signals that a test sends by hand. */
export function manualSignals(): World['signals'] & { send(signal: StopSignal): void } {
  const listeners: ((signal: StopSignal) => boolean)[] = []
  return {
    stop: new AbortController().signal,
    take(listener) {
      listeners.push(listener)
      return { [Symbol.dispose]: () => void listeners.splice(listeners.indexOf(listener), 1) }
    },
    send: (signal) => void listeners.at(-1)?.(signal),
  }
}

function collector(): { readonly stream: Writable; text(): string } {
  const chunks: Buffer[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(Buffer.from(chunk))
      done()
    },
  })
  return { stream, text: () => Buffer.concat(chunks).toString('utf8') }
}
