import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GatewayError } from '@guichet/core'
import { connectGuichet, type Guichet } from '@guichet/sdk'
import { openTransport } from '../transport.ts'
import type { World } from '../world.ts'
import { type Environment, lastLine, type Ran, runGuichet, startGuichet } from './processes.ts'

/** The emulator's time runs so many times faster, and with it our patience. */
export const TIME_SCALE = 30

/** A 1fichier, a home and a gateway of their own. Disposing of it stops and removes them all. */
export interface Stage extends AsyncDisposable {
  readonly folder: string
  readonly home: string
  /** Of the gateway. */
  readonly url: string
  readonly controlUrl: string
  /** The owner's connection, over the admin socket. */
  readonly guichet: Guichet
  /** Runs a `guichet` with a key, or as the owner. */
  run(args: readonly string[], key?: string): Promise<Ran>
}

/** Sets the stage with the same commands that a person would use. */
export async function openStage(world: World, tell: (commandLine: string) => void): Promise<Stage> {
  await using opened = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'guichet-demo-'))
  opened.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  const home = join(folder, 'home')
  const keyFile = join(folder, 'api-key')
  const rulesFile = join(folder, 'rules.json')
  const outside = withoutGuichet(world.env)
  const env: Environment = { ...outside, GUICHET_HOME: home }
  await writeFile(keyFile, `${Buffer.from(world.random(24)).toString('base64url')}\n`, { mode: 0o600 })
  await writeFile(rulesFile, JSON.stringify({ timeScale: TIME_SCALE }))

  const emulatorArgs = ['emulator', '--rules', 'documented', '--time-scale', String(TIME_SCALE)]
  tell(emulatorArgs.join(' '))
  const emulator = opened.use(
    await startGuichet(world, [...emulatorArgs, '--api-key-file', keyFile, '--json'], env),
  )

  tell('init --key-file api-key --unlock-file unlock')
  const init = ['init', '--key-file', keyFile, '--unlock-file', join(folder, 'unlock')]
  requireSuccess(init, await runGuichet(world, init, env))
  await rm(keyFile)

  const serve = ['serve', '--listen', '127.0.0.1:0']
  tell(serve.join(' '))
  const upstream = {
    GUICHET_UPSTREAM_CONNECT: String(emulator.said['connect']),
    GUICHET_UPSTREAM_CA: String(emulator.said['caFile']),
    GUICHET_RULES: rulesFile,
    GUICHET_LOG: 'error',
  }
  const gateway = opened.use(await startGuichet(world, [...serve, '--json'], { ...env, ...upstream }))
  const url = String(gateway.said['url'])
  const socket = join(home, 'run', 'admin.sock')
  const missing = (): GatewayError =>
    new GatewayError('unavailable', 'the gateway of the demonstration is gone')
  const { transport } = opened.use(openTransport({ kind: 'socket', path: socket, missing }))
  await mkdir(join(folder, 'local'))

  const owned = opened.move()
  return {
    folder,
    home,
    url,
    controlUrl: String(emulator.said['controlUrl']),
    guichet: connectGuichet({ transport }),
    run: (args, key) =>
      runGuichet(world, args, key === undefined ? env : { ...outside, GUICHET_URL: url, GUICHET_KEY: key }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

export function requireSuccess(args: readonly string[], ran: Ran): Ran {
  if (ran.exit === 0) return ran
  throw new GatewayError(
    'internal',
    `\`guichet ${args[0]}\` failed in the demonstration: ${lastLine(ran.errors)}`,
    {
      hint: 'run it again; if it fails again, report it with the output of `guichet demo`',
      facts: { exit: ran.exit },
    },
  )
}

/** What the person has set for their own gateway stays out of it. */
function withoutGuichet(env: World['env']): Record<string, string> {
  const kept: Record<string, string> = { NO_COLOR: '1' }
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !name.startsWith('GUICHET_') && name !== 'NODE_CHANNEL_FD') kept[name] = value
  }
  return kept
}
