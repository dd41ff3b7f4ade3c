import { once } from 'node:events'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { rotationReminder } from '../console-page.ts'
import type { Session } from '../session.ts'

interface ServeOptions {
  readonly listen?: string
  readonly unlockFile?: string
  readonly plainHttp?: boolean
  readonly tlsCert?: string
  readonly tlsKey?: string
}

export function addServe(program: Command, cli: Cli): void {
  program
    .command('serve')
    .description('Run the gateway until it is stopped.')
    .option(
      '--listen <host:port>',
      'where virtual keys are served (default: from config.json, else 127.0.0.1:8474)',
    )
    .option('--unlock-file <file>', 'what opens the vault (default: from config.json)')
    .option('--tls-cert <file>', 'serve by https with this certificate and its chain (PEM)')
    .option('--tls-key <file>', 'the key of the certificate (PEM, for its owner only)')
    .option(
      '--plain-http',
      'serve other machines without TLS: only behind a TLS proxy or on a network you trust',
    )
    .addHelpText(
      'after',
      `\nSIGTERM and Ctrl-C stop it gracefully: what is under way ends or stays in the journal. A second one ends it at once.${examples(
        'guichet serve',
        'guichet serve --listen 127.0.0.1:9000 --unlock-file /etc/guichet/unlock',
        'guichet serve --listen 0.0.0.0:8474 --tls-cert chain.pem --tls-key key.pem',
      )}`,
    )
    .action((options: ServeOptions, command: Command) =>
      cli.run(command, (session) => serve(session, options)),
    )
}

/** Who can reach what, one line for each listener. */
export function listenerLines(at: {
  readonly url: string
  readonly isLoopback: boolean
  readonly certificateEndsMs: number | undefined
  readonly keys: number
  readonly adminSocket: string
}): readonly string[] {
  const who = at.isLoopback ? 'every user of this machine' : 'every machine that can connect'
  const keys = `${at.keys} ${at.keys === 1 ? 'key is' : 'keys are'} good now`
  const how =
    at.certificateEndsMs === undefined
      ? 'plain HTTP'
      : `TLS, certificate good until ${new Date(at.certificateEndsMs).toISOString().slice(0, 10)}`
  return [
    `${at.url}: ${who} with a virtual key (${keys}): /v1, /api/v1, and as a proxy; ${how}`,
    `${at.adminSocket}: this user alone, without a key, as the owner of everything`,
  ]
}

async function serve(session: Session, options: ServeOptions): Promise<void> {
  const { world, home, print, stop } = session
  // A vault that nothing can open is told of before anything is started or asked for.
  const { inspectVault } = await import('@guichet/keyholder')
  await inspectVault(home.vault)
  const { loadConfig, realWorld, startGateway } = await import('@guichet/gateway')
  const fileOf = (typed: string | undefined): string | undefined =>
    typed === undefined ? undefined : resolve(world.cwd, typed)
  const config = loadConfig({
    home: home.path,
    env: world.env,
    flags: {
      listen: options.listen,
      unlockFile: fileOf(options.unlockFile),
      plainHttp: options.plainHttp,
      tlsCert: fileOf(options.tlsCert),
      tlsKey: fileOf(options.tlsKey),
    },
  })
  // A server goes on when nobody reads what it prints.
  using _pipe = world.signals.take((signal) => signal === 'SIGPIPE')
  await using gateway = await startGateway(config, realWorld(config.logLevel))
  const keyholder = await gateway.keyholder.status()
  const { url, reach } = gateway
  const told = { url, ...reach, keys: await gateway.livingKeys(), adminSocket: home.adminSocket }
  print.result({ ...told, home: home.path, keyholder }, () => print.line(`Guichet is open at ${url}`))
  for (const line of listenerLines(told)) print.note(`  ${line}`)
  if (!reach.isLoopback && reach.certificateEndsMs === undefined) {
    print.warning(
      'the port is open to other machines without TLS: who is on the way can read keys and files, and change them',
      'give a certificate with --tls-cert and --tls-key, or see that only a TLS proxy reaches this port',
    )
  }
  if (keyholder.state !== 'ready') {
    print.warning(
      `the keyholder is ${keyholder.state}${keyholder.reason === undefined ? '' : `: ${keyholder.reason}`}`,
      'open it with `guichet unseal`; until then nothing goes to 1fichier',
    )
  }
  if (keyholder.rotationDue === true) print.warning(rotationReminder(keyholder.keyAgeDays ?? 0))
  if (!stop.aborted) await once(stop, 'abort')
  print.note('stopping; what is under way ends first (a second signal ends it at once)')
}
