import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { type Emulator, type EmulatorOptions, startEmulator } from '@guichet/emulator'
import type { ApiIssuedKey, ApiStatus } from '@guichet/sdk'

/** Everything of the main job on one machine: an emulated 1fichier, a home, a gateway as its own process. */
export interface Stand extends AsyncDisposable {
  readonly emulator: Emulator
  readonly home: string
  /** A folder of the test's own. */
  readonly work: string
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  readonly gateway: ChildProcess
  /** All that the gateway has written to its terminal. */
  readonly output: string[]
  /** Runs `guichet ARGS…` on the home of this stand. */
  guichet(args: readonly string[], options?: RunOptions): Promise<Ran>
  /** `guichet key create --json`. */
  issue(verbs: string, options?: readonly string[]): Promise<ApiIssuedKey>
  status(): Promise<ApiStatus>
  /** Ends the gateway by `kill -9`, or with another signal, and waits until it is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Starts the gateway again on the same home and port. */
  start(): Promise<void>
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  readonly cwd?: string
}

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface StandOptions {
  readonly emulator?: EmulatorOptions
  /** How many times faster than real time both sides live. */
  readonly timeScale?: number
  /** More of the gateway's rules file. */
  readonly rules?: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string>>
  /** More arguments of `guichet serve`; `--listen` among them chooses another address than loopback. */
  readonly serve?: readonly string[]
  /** The Node that the gateway's launcher runs under, with its flags. */
  readonly node?: readonly string[]
}

export const LAUNCHER: string = path.join(import.meta.dirname, '..', 'bin', 'guichet.cjs')

export async function startStand(options: StandOptions = {}): Promise<Stand> {
  await using opened = new AsyncDisposableStack()
  const timeScale = options.timeScale ?? 100
  const emulator = opened.use(await startEmulator({ rules: 'documented', timeScale, ...options.emulator }))
  const directory = await mkdtemp(path.join(tmpdir(), 'guichet-e2e-'))
  opened.defer(() => rm(directory, { recursive: true, force: true }))
  const home = path.join(directory, 'home')
  await writeFile(path.join(directory, 'rules.json'), JSON.stringify({ timeScale, ...options.rules }))
  await writeFile(path.join(directory, 'api-key'), emulator.apiKey, { mode: 0o600 })
  await writeFile(path.join(directory, 'unlock'), 'a passphrase for tests only', { mode: 0o600 })
  const env: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    HOME: directory,
    GUICHET_HOME: home,
    GUICHET_RULES: path.join(directory, 'rules.json'),
    GUICHET_UPSTREAM_CONNECT: `${emulator.address.host}:${emulator.address.port}`,
    GUICHET_UPSTREAM_CA: emulator.caFile,
    ...options.env,
  }
  const stand = new ProcessStand(emulator, home, directory, env, options)
  opened.defer(() => stand.kill('SIGTERM'))
  const init = await stand.guichet([
    'init',
    '--key-file',
    path.join(directory, 'api-key'),
    '--unlock-file',
    path.join(directory, 'unlock'),
  ])
  if (init.code !== 0) throw new Error(`init failed: ${init.stderr}`)
  await rm(path.join(directory, 'api-key'))
  await stand.start()
  const owned = opened.move()
  stand.close = () => owned.disposeAsync()
  return stand
}

class ProcessStand implements Stand {
  readonly emulator: Emulator
  readonly home: string
  readonly work: string
  readonly output: string[] = []
  readonly #env: Readonly<Record<string, string>>
  readonly #node: readonly string[]
  readonly #serve: readonly string[]
  #gateway: ChildProcess | undefined
  #listen = '127.0.0.1:0'
  #scheme = 'http'
  close: () => Promise<void> = async () => undefined

  constructor(
    emulator: Emulator,
    home: string,
    work: string,
    env: Readonly<Record<string, string>>,
    { node = [process.execPath], serve = [] }: StandOptions = {},
  ) {
    this.emulator = emulator
    this.home = home
    this.work = work
    this.#env = env
    this.#node = node
    this.#serve = serve
  }

  get url(): string {
    return `${this.#scheme}://${this.#listen}`
  }

  get gateway(): ChildProcess {
    if (this.#gateway === undefined) throw new Error('the gateway is not running')
    return this.#gateway
  }

  guichet(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    return run(process.execPath, [LAUNCHER, ...args], { ...options, env: { ...this.#env, ...options.env } })
  }

  async issue(verbs: string, options: readonly string[] = []): Promise<ApiIssuedKey> {
    const made = await this.guichet([
      'key',
      'create',
      '--name',
      `key ${this.output.length}-${Math.random()}`,
      '--verbs',
      verbs,
      '--json',
      ...options,
    ])
    if (made.code !== 0) throw new Error(`key create failed: ${made.stderr}`)
    return JSON.parse(made.stdout)
  }

  async status(): Promise<ApiStatus> {
    return JSON.parse((await this.guichet(['status', '--json'])).stdout)
  }

  async start(): Promise<void> {
    const [node = process.execPath, ...flags] = this.#node
    const child = spawn(node, [...flags, LAUNCHER, 'serve', '--listen', this.#listen, ...this.#serve], {
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#gateway = child
    for (const stream of [child.stdout, child.stderr])
      createInterface(stream).on('line', (line) => this.output.push(line))
    const lines = createInterface(child.stdout)
    for await (const line of lines) {
      const [, scheme, address] = /(https?):\/\/(\S+:\d+)/.exec(line) ?? []
      if (scheme === undefined || address === undefined) continue
      this.#scheme = scheme
      this.#listen = address
      return
    }
    throw new Error(`serve ended: ${this.output.join('\n')}`)
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#gateway
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await gone
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** Runs a command to its end. */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions & { readonly env: Readonly<Record<string, string>> },
): Promise<Ran> {
  const child = spawn(command, args, {
    env: options.env,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  child.stdin.on('error', () => undefined) // A command that does not read its input has ended.
  child.stdin.end(options.input ?? '')
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status, signal) => resolve(status ?? (signal === null ? -1 : -2)))
  })
  return { code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }
}

/** One call to the native door, as curl would make it. */
export async function call(
  stand: Stand,
  key: string,
  endpoint: string,
  body: unknown,
): Promise<{ status: number; json: Record<string, unknown> }> {
  const text = JSON.stringify(body)
  const agent = new Agent()
  return new Promise((resolve, reject) => {
    const sent = request(
      `${stand.url}/v1/${endpoint}.cgi`,
      {
        method: 'POST',
        agent,
        headers: {
          authorization: `Bearer ${key}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(text),
        },
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, json: JSON.parse(Buffer.concat(chunks).toString()) }),
        )
      },
    )
    sent.on('error', reject)
    sent.end(text)
  })
}

/** The status as the owner sees it, without starting a command. */
export async function ownerStatus(stand: Stand): Promise<ApiStatus> {
  return JSON.parse(await askOwner(stand, 'GET', '/status'))
}

/** A request by the owner's local socket; resolves with the text of the answer. */
export async function askOwner(stand: Stand, method: 'GET' | 'POST', route: string): Promise<string> {
  const socketPath = path.join(stand.home, 'run', 'admin.sock')
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path: `/api/v1${route}`, agent: new Agent() }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve(Buffer.concat(chunks).toString()))
    })
    sent.on('error', reject)
    sent.end()
  })
}
