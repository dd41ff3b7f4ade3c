import { fstatSync, readFileSync, writeFileSync } from 'node:fs'
import { url as inspectorUrl } from 'node:inspector'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { GatewayError, systemCodeOf } from '@guichet/core'
import { Keyholder } from './keyholder.ts'
import { readKeyring } from './keyring.ts'
import { serveKeyholder } from './server.ts'
import { isTyped, readUnlockSecret, type UnlockSources } from './unlock.ts'
import { Upstream, type UpstreamOptions } from './upstream.ts'
import { readWays } from './ways.ts'

const PASSPHRASE_TRIES = 3

type Problem = Pick<GatewayError, 'code' | 'message' | 'hint'>

interface Settings {
  readonly home: string
  readonly socketPath: string
  readonly sources: UnlockSources
  readonly upstream: UpstreamOptions
}

/**
 * The keyholder process. No secret is in its arguments or environment.
 * It says one line of JSON on its output when it is ready or cannot be, and lives as long as its input stays open.
 */
async function main(): Promise<void> {
  harden()
  const settings = parseSettings(process.argv.slice(2), process.env)
  for (const name of Object.keys(process.env)) delete process.env[name]
  const { home, socketPath, sources } = settings

  await using opened = new AsyncDisposableStack()
  const keyholder = opened.use(
    new Keyholder({
      home,
      upstream: opened.use(new Upstream(settings.upstream)),
      unlockSecret: () => readUnlockSecret({ ...sources, prompt: false }),
      nowMs: () => Date.now(),
      monotonicMs: () => performance.now(),
    }),
  )
  const stopped = untilStopped()
  opened.use(await serveKeyholder(keyholder, socketPath))
  const problem = await Promise.race([stopped.then(() => undefined), unsealFirst(keyholder, sources)])
  const { sealed, reason } = await keyholder.status()
  say({ ready: true, sealed, reason, ...problem })
  await stopped
}

/** Keeps the key out of core dumps and away from debuggers, as far as a process can do that for itself. */
function harden(): void {
  process.umask(0o077)
  for (const signal of ['SIGUSR1', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
  if (inspectorUrl() !== undefined) {
    throw new GatewayError('invalid', 'the keyholder does not run under a debugger', {
      hint: 'start Node without --inspect, also in NODE_OPTIONS',
    })
  }
  try {
    writeFileSync('/proc/self/coredump_filter', '0x0')
  } catch {
    // Not Linux, or closed: the limits of the service unit must keep core dumps away.
  }
}

function parseSettings(argv: readonly string[], env: NodeJS.ProcessEnv): Settings {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      home: { type: 'string' },
      socket: { type: 'string' },
      'unlock-file': { type: 'string' },
      keyring: { type: 'boolean', default: false },
      prompt: { type: 'boolean', default: false },
    },
  })
  const { home, socket } = values
  if (home === undefined || socket === undefined) {
    throw new GatewayError('invalid', 'the keyholder needs --home DIR and --socket PATH', {
      hint: 'let `guichet serve` start it',
    })
  }
  const unlockFile = values['unlock-file']
  const session = { ...env }
  const keyring = values.keyring
    ? async () => readKeyring((await readWays(join(home, 'vault'))).id, session)
    : undefined
  const credentialsDirectory = env['CREDENTIALS_DIRECTORY']
  const connect = env['GUICHET_UPSTREAM_CONNECT']
  const caFile = env['GUICHET_UPSTREAM_CA']
  return {
    home,
    socketPath: socket,
    sources: { unlockFile, credentialsDirectory, keyring, prompt: values.prompt },
    upstream: {
      connect: connect === undefined ? undefined : parseConnect(connect),
      ca: caFile === undefined ? undefined : readFileSync(caFile, 'utf8'),
    },
  }
}

function parseConnect(text: string): { host: string; port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  if (host !== undefined && port >= 1 && port <= 65_535) return { host, port }
  throw new GatewayError('invalid', 'GUICHET_UPSTREAM_CONNECT is not HOST:PORT', {
    hint: 'write it like 127.0.0.1:8443 or [::1]:8443',
  })
}

/**
 * A vault that does not open leaves the keyholder sealed, with the reason in its status.
 * Resolves with what somebody has to mend, unless typing the passphrase is all there is to do.
 */
async function unsealFirst(keyholder: Keyholder, sources: UnlockSources): Promise<Problem | undefined> {
  if (keyholder.isSealedOnPurpose) return undefined
  const typed = isTyped(sources)
  for (let left = typed ? PASSPHRASE_TRIES : 1; left > 0; left -= 1) {
    try {
      const isRepeated = typed && left < PASSPHRASE_TRIES
      await keyholder.unseal(() => readUnlockSecret({ ...sources, isRepeated }))
      return undefined
    } catch (failure) {
      const { code, message, hint } = GatewayError.from(failure)
      if (code === 'sealed') return undefined
      if (!typed || code !== 'unauthenticated') return { code, message, hint }
    }
  }
  return undefined
}

/** Resolves when the parent is gone, or asks us to stop. */
async function untilStopped(): Promise<void> {
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve)
    const input = fstatSync(0)
    // A service manager gives a device instead, which is at its end from the beginning.
    if (!input.isFIFO() && !input.isSocket()) return
    process.stdin.on('error', () => resolve())
    process.stdin.on('close', () => resolve())
    process.stdin.resume()
  })
}

function say(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

/** Says what kind of failure it was and nothing more: foreign messages may quote anything. */
function fail(failure: unknown): never {
  const { code, message, hint } = GatewayError.from(failure)
  const reason = systemCodeOf(failure)
  writeFileSync(1, `${JSON.stringify({ ready: false, code, message, hint, reason })}\n`)
  process.exit(1)
}

// Else it is compiled ahead only, by bin/compile-ahead.mjs.
if (import.meta.main) {
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)
  main().then(() => process.exit(0), fail)
}
