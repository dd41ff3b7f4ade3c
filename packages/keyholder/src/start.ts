import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { GatewayError, isErrorCode, SECOND_MS } from '@guichet/core'
import { KEYRING_ENVIRONMENT } from './keyring.ts'

export interface KeyholderStart {
  /** The directory that holds the file `vault`. */
  readonly home: string
  readonly socketPath: string
  readonly unlockFile?: string | undefined
  /** Ask the keyring of the operating system? */
  readonly keyring?: boolean | undefined
  /** May a person be asked for the passphrase on the terminal, when there is no unlock file or credential? */
  readonly prompt: boolean
  /** Only the few names that the keyholder needs are handed on. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly nodePath?: string | undefined
}

/** A running child. Disposing of it stops it. */
export interface KeyholderProcess extends AsyncDisposable {
  readonly pid: number
  readonly sealed: boolean
  /** Why it is sealed, if it is. */
  readonly reason: string | undefined
  /** What has to be mended before it can be opened; absent when typing the passphrase is all there is to do. */
  readonly problem: GatewayError | undefined
  readonly exited: Promise<KeyholderExit>
  stop(): Promise<void>
}

export interface KeyholderExit {
  readonly code: number | null
  readonly signal: string | null
}

const ENVIRONMENT = [
  'PATH',
  'HOME',
  'LANG',
  'CREDENTIALS_DIRECTORY',
  // Where the launcher keeps compiled code, if it does: beside the code itself, for the same hands.
  'NODE_COMPILE_CACHE',
  'GUICHET_UPSTREAM_CONNECT',
  'GUICHET_UPSTREAM_CA',
] as const
const STOP_MS = 5 * SECOND_MS

/**
 * Starts the keyholder as a child that ends with this process, and waits until it listens.
 * A sealed keyholder is a running one; what keeps it from running at all rejects.
 */
export async function startKeyholder(options: KeyholderStart): Promise<KeyholderProcess> {
  const node = options.nodePath ?? process.execPath
  // A process cannot lower its own limit from JavaScript, so a shell does it and then becomes the keyholder.
  const child = spawn('/bin/sh', ['-c', 'ulimit -c 0; exec "$0" "$@"', node, ...argumentsFor(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: environmentFrom(options),
  })
  const exited = exitOf(child)
  child.stdin.on('error', () => {}) // The child went first: `exited` tells.
  const stop = async (): Promise<void> => {
    child.stdin.end()
    child.kill('SIGTERM')
    AbortSignal.timeout(STOP_MS).addEventListener('abort', () => child.kill('SIGKILL'))
    await exited
  }
  const line = await firstLine(child.stdout)
  if (!line.ready || child.pid === undefined) {
    await exited
    throw problemIn(line)
  }
  return {
    pid: child.pid,
    sealed: line.sealed,
    reason: line.reason,
    problem: line.code === undefined ? undefined : problemIn(line),
    exited,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** What the child says: that it is ready, or a `GatewayError` in pieces. */
interface FirstLine {
  readonly ready: boolean
  readonly sealed: boolean
  readonly reason?: string
  readonly code?: string
  readonly message?: string
  readonly hint?: string
}

function argumentsFor(options: KeyholderStart): string[] {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url))
  const flags = [
    // Without it any process of the same user can open a debugger in the child.
    '--disable-sigusr1',
    // With it and the sweeps of forward.ts an upload took 41 MB of the process's own instead of 57.
    '--expose-gc',
    '--max-semi-space-size=1',
    '--v8-pool-size=1',
    '--disable-warning=ExperimentalWarning',
  ]
  return [
    ...flags,
    main,
    ...['--home', options.home, '--socket', options.socketPath],
    ...(options.unlockFile === undefined ? [] : ['--unlock-file', options.unlockFile]),
    ...(options.keyring === true ? ['--keyring'] : []),
    ...(options.prompt ? ['--prompt'] : []),
  ]
}

function environmentFrom({ env, keyring }: KeyholderStart): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const name of [...ENVIRONMENT, ...(keyring === true ? KEYRING_ENVIRONMENT : [])]) {
    const value = env[name]
    if (value !== undefined) kept[name] = value
  }
  return kept
}

async function exitOf(child: ChildProcess): Promise<KeyholderExit> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
    child.once('error', () => resolve({ code: null, signal: null }))
  })
}

async function firstLine(output: Readable): Promise<FirstLine> {
  const lines = createInterface({ input: output })
  const silent = { ready: false, sealed: true }
  for await (const text of lines) {
    try {
      return { ...silent, ...JSON.parse(text) }
    } catch {
      break // Something else was started: `nodePath` is wrong.
    }
  }
  return silent
}

function problemIn(line: FirstLine): GatewayError {
  const code = line.code !== undefined && isErrorCode(line.code) ? line.code : 'sealed'
  return new GatewayError(code, line.message ?? 'the keyholder did not start', {
    hint: line.hint ?? 'look at what it wrote on the terminal',
    ...(line.reason === undefined ? {} : { facts: { reason: line.reason } }),
  })
}
