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
    .option(
      '--plain-http',
      'serve other machines without TLS: only behind a TLS proxy or on a network you trust',
    )
    .addHelpText(
      'after',
      `\nSIGTERM and Ctrl-C stop it gracefully: what is under way ends or stays in the journal. A second one ends it at once.${examples(
        'guichet serve',
        'guichet serve --listen 127.0.0.1:9000 --unlock-file /etc/guichet/unlock',
      )}`,
    )
    .action((options: ServeOptions, command: Command) =>
      cli.run(command, (session) => serve(session, options)),
    )
}

async function serve(session: Session, options: ServeOptions): Promise<void> {
  const { world, home, print, stop } = session
  // A vault that nothing can open is told of before anything is started or asked for.
  const { inspectVault } = await import('@guichet/keyholder')
  await inspectVault(home.vault)
  const { loadConfig, realWorld, startGateway } = await import('@guichet/gateway')
  const config = loadConfig({
    home: home.path,
    env: world.env,
    flags: {
      listen: options.listen,
      unlockFile: options.unlockFile === undefined ? undefined : resolve(world.cwd, options.unlockFile),
      plainHttp: options.plainHttp,
    },
  })
  // A server goes on when nobody reads what it prints.
  using _pipe = world.signals.take((signal) => signal === 'SIGPIPE')
  await using gateway = await startGateway(config, realWorld(config.logLevel))
  const keyholder = await gateway.keyholder.status()
  print.result({ url: gateway.url, adminSocket: home.adminSocket, home: home.path, keyholder }, () => {
    print.line(`Guichet is open at ${gateway.url}`)
  })
  print.note(`  with a virtual key   ${gateway.url}/v1, /api/v1, and as a proxy for unmodified tools`)
  print.note(`  without any key      ${home.adminSocket}, for this user alone`)
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
