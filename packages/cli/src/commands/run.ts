import { resolve } from 'node:path'
import { DAY_MS, GatewayError, SECOND_MS } from '@guichet/core'
import type { ApiIssuedKey } from '@guichet/sdk'
import { type Command, Option } from 'commander'
import { type Cli, examples } from '../command.ts'
import { parseFolderPlace } from '../places.ts'
import { writeBundle } from '../running/bundle.ts'
import { runChild } from '../running/child.ts'
import { childEnvironment, reachableUrl } from '../running/environment.ts'
import { openRelay, type Relay } from '../running/relay.ts'
import type { Session } from '../session.ts'
import { spanUpTo } from '../times.ts'
import { chooseVerbs } from './key.ts'

interface RunOptions {
  readonly verbs?: string
  readonly readOnly?: boolean
  readonly root: string
  readonly ttl: number
  readonly tunnel?: boolean
  readonly masking: boolean
  readonly ca?: string
}

export function addRun(program: Command, cli: Cli): void {
  program
    .command('run')
    .description('Run a tool as it is, with a virtual key that lives as long as the tool.')
    .argument('[command...]', 'the tool and its arguments, after `--`')
    .option('--verbs <verbs>', 'what it may do (default: files)')
    .option('--read-only', 'the same as --verbs read')
    .option('--root <folder>', 'the folder it is confined to', '/')
    .addOption(
      new Option('--ttl <duration>', 'how long the key lasts at the most')
        .argParser(spanUpTo(365 * DAY_MS))
        .default(DAY_MS, '24h'),
    )
    .option('--tunnel', 'it may also reach hosts that are not of 1fichier')
    .option('--no-masking', 'leave its output as it is: on a terminal, but the key could be shown')
    .option('--ca <file>', 'the certificate of a gateway on another machine')
    .addHelpText(
      'after',
      `\nThe tool finds the gateway through HTTPS_PROXY and trusts its certificate; the key is revoked when the tool ends.
To a gateway that speaks TLS a port on loopback leads, as few tools speak TLS to a proxy.${examples(
        'guichet run -- rclone copy ~/photos :fichier:photos',
        'guichet run --read-only --root /films -- rclone ls :fichier:',
        'guichet run -- sh -c \'curl -H "Authorization: Bearer $GUICHET_KEY" …\'',
      )}`,
    )
    .action((words: string[], options: RunOptions, command: Command) =>
      cli.run(command, (session) => run(session, words, options)),
    )
}

async function run(session: Session, words: readonly string[], options: RunOptions): Promise<number> {
  const [command, ...args] = words
  if (command === undefined || command === '') {
    throw new GatewayError('invalid', 'there is no command to run', {
      hint: 'write it after `--`, as in `guichet run -- rclone ls :fichier:`',
    })
  }
  const { world, home, print } = session
  const verbs = chooseVerbs(options, 'files')
  const authority = options.ca === undefined ? home.authority : resolve(world.cwd, options.ca)
  await using bundle = await writeBundle(authority, world.env)
  const { url, key } = await issueKey(session, command, verbs, options)
  await using _key = { [Symbol.asyncDispose]: () => revoke(session, key.id) }
  await using relay = url.startsWith('https:') ? await openRelayTo(session, url) : undefined
  session.stop.throwIfAborted()
  const outcome = await runChild(world, {
    command,
    args,
    env: childEnvironment(world.env, { url: relay?.url ?? url, key: key.key, bundlePath: bundle.path }),
    concealed: options.masking ? [key.key] : [],
  })
  if (outcome.kind === 'not-started') print.failure(outcome.error)
  return outcome.exit
}

async function issueKey(
  session: Session,
  command: string,
  verbs: readonly string[],
  options: RunOptions,
): Promise<{ readonly url: string; readonly key: ApiIssuedKey }> {
  const { world, stop } = session
  const { guichet, target } = session.connect()
  const url =
    target.kind === 'address'
      ? target.base.origin
      : reachableUrl((await guichet.status({ signal: stop })).address)
  const tool = command
    .replace(/^.*\//, '')
    .replace(/[^\w.-]/g, '_')
    .slice(0, 40)
  const suffix = Buffer.from(world.random(4)).toString('hex')
  // Not cancelled half-way: a key whose answer is not waited for could not be revoked.
  const key = await guichet.issueKey({
    name: `run-${tool}-${suffix}`,
    verbs,
    root: parseFolderPlace(options.root),
    lifetimeMs: options.ttl,
    mayTunnel: options.tunnel === true,
  })
  world.secrets.learn(key.key)
  return { url, key }
}

/** On this machine the gateway says itself which certificate it has; elsewhere it must be one that is trusted. */
function openRelayTo(session: Session, gateway: string): Promise<Relay> {
  const { guichet, target } = session.connect()
  const isHere = target.kind === 'socket'
  return openRelay({
    gateway,
    fingerprint: isHere ? async () => (await guichet.status()).certificate : undefined,
    onFailure: ({ message, hint }) => session.print.warning(message, hint),
  })
}

const REVOKE_TIMEOUT_MS = 10 * SECOND_MS

/** The exit code is the tool's, whatever happens here. */
async function revoke(session: Session, id: string): Promise<void> {
  try {
    await session.connect().guichet.revokeKey(id, { signal: AbortSignal.timeout(REVOKE_TIMEOUT_MS) })
  } catch (failure) {
    session.print.warning(
      `the key ${id} could not be revoked: ${GatewayError.from(failure).message}`,
      `run \`guichet key revoke ${id}\` when the gateway answers again`,
    )
  }
}
