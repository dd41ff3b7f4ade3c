import { once } from 'node:events'
import { resolve } from 'node:path'
import { GatewayError, systemCodeOf } from '@guichet/core'
import type { Emulator } from '@guichet/emulator'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Cli, examples } from '../command.ts'
import { readSecretFile } from '../secret-files.ts'
import type { Session } from '../session.ts'

interface EmulatorOptions {
  readonly host: string
  readonly port: number
  readonly controlPort: number
  readonly rules: 'off' | 'documented' | 'observed'
  readonly timeScale: number
  readonly data?: string
  readonly apiKeyFile?: string
}

export function addEmulator(program: Command, cli: Cli): void {
  program
    .command('emulator')
    .description("Run a 1fichier of one's own, to try Guichet or test other tools without the real one.")
    .option('--host <address>', 'where it listens', '127.0.0.1')
    .option('--port <port>', '0 is a free one', parsePort, 0)
    .option('--control-port <port>', 'of its control API; 0 is a free one', parsePort, 0)
    .addOption(
      new Option('--rules <level>', "which of 1fichier's limits it enforces")
        .choices(['off', 'documented', 'observed'])
        .default('documented'),
    )
    .option('--time-scale <n>', 'its time runs so many times faster', parseScale, 1)
    .option('--data <dir>', 'keep the account here (default: forget it at the end)')
    .option('--api-key-file <file>', 'a file with the API key it is to know (default: a random one)')
    .addHelpText(
      'after',
      examples(
        'guichet emulator --rules documented',
        'guichet emulator --port 8443 --data ./account --time-scale 30',
      ),
    )
    .action((options: EmulatorOptions, command: Command) =>
      cli.run(command, (session) => emulator(session, options)),
    )
}

async function emulator(session: Session, options: EmulatorOptions): Promise<void> {
  const { world, print } = session
  const { host, port, controlPort, rules, timeScale, data, apiKeyFile } = options
  const apiKey = apiKeyFile === undefined ? undefined : await readApiKey(session, apiKeyFile)
  const { startEmulator } = await import('@guichet/emulator')
  // A server goes on when nobody reads what it prints.
  using _pipe = world.signals.take((signal) => signal === 'SIGPIPE')
  await using running = await startEmulator({
    host,
    port,
    controlPort,
    rules,
    timeScale,
    ...(data === undefined ? {} : { dataDir: resolve(world.cwd, data) }),
    ...(apiKey === undefined ? {} : { apiKey }),
  }).catch(raiseListening)
  tell(session, running, apiKey === undefined)
  if (!session.stop.aborted) await once(session.stop, 'abort')
  print.note('stopping')
}

const WHY_NOT: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program uses this port: stop it, or choose another; 0 is a free one',
  EACCES: 'choose a port above 1023',
  EADDRNOTAVAIL: 'this machine has no such address: choose another with --host',
}

function raiseListening(failure: unknown): never {
  const why = systemCodeOf(failure) ?? ''
  if (!(failure instanceof Error) || WHY_NOT[why] === undefined || !('port' in failure)) throw failure
  throw new GatewayError('conflict', `the emulator cannot listen on port ${failure.port} (${why})`, {
    hint: WHY_NOT[why],
    cause: failure,
  })
}

function tell({ print }: Session, running: Emulator, isKeyOurs: boolean): void {
  const connect = `${running.address.host}:${running.address.port}`
  const { caFile, controlUrl, apiKey } = running
  // The key of an account that does not exist is no secret.
  const value = { connect, caFile, controlUrl, ...(isKeyOurs ? { apiKey } : {}) }
  print.result(value, () => {
    print.line(`export GUICHET_UPSTREAM_CONNECT=${connect}`)
    print.line(`export GUICHET_UPSTREAM_CA=${caFile}`)
  })
  print.note(`control API: ${controlUrl}`)
  if (isKeyOurs) print.note(`its API key, good for nothing else: ${apiKey}`)
}

async function readApiKey({ world }: Session, file: string): Promise<string> {
  const path = file === '-' ? '-' : resolve(world.cwd, file)
  return (await readSecretFile(path, { what: 'the key file', input: world.input, guarded: false })).expose()
}

function parsePort(text: string): number {
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port
  throw new InvalidArgumentError('It is a number from 0 to 65535.')
}

function parseScale(text: string): number {
  const scale = Number(text)
  if (Number.isFinite(scale) && scale > 0 && scale <= 1_000_000) return scale
  throw new InvalidArgumentError('It is a number above 0, 1 for real time.')
}
