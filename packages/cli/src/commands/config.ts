import type { Config } from '@guichet/gateway'
import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { printable, table } from '../print.ts'
import type { Session } from '../session.ts'
import { durationText } from '../times.ts'

export function addConfig(program: Command, cli: Cli): void {
  const config = program
    .command('config')
    .description(
      'Show or check the configuration: config.json, the environment, and what they give together.',
    )
    .addHelpText('after', examples('guichet config show', 'guichet config check'))
  config
    .command('show')
    .description('Print the configuration that `guichet serve` would use.')
    .addHelpText('after', examples('guichet config show --json'))
    .action((_options: object, command: Command) => cli.run(command, show))
  config
    .command('check')
    .description('Read the configuration and report every problem at once.')
    .addHelpText('after', examples('guichet config check'))
    .action((_options: object, command: Command) => cli.run(command, check))
  config
    .command('path')
    .description('Print where config.json is.')
    .addHelpText('after', examples('$EDITOR "$(guichet config path)"'))
    .action((_options: object, command: Command) => cli.run(command, path))
}

async function show(session: Session): Promise<void> {
  const { print } = session
  const config = await load(session)
  // The environment may hold anything; the certificate is long and not secret.
  const { env: _env, upstreamCa, ...rest } = config
  print.result({ ...rest, hasUpstreamCa: upstreamCa !== undefined }, () => {
    const rows = [
      ['home', config.home],
      ['listen', `${config.listen.host}:${config.listen.port}`],
      ['unlock', unlockText(config.unlock)],
      ['fresh for', durationText(config.freshMs)],
      ['log', config.logLevel],
      ['time scale', String(config.timeScale)],
      ...(config.upstreamRoute === undefined
        ? []
        : [['upstream', `${config.upstreamRoute.host}:${config.upstreamRoute.port} instead of 1fichier`]]),
      ...config.rules.map((rule) => [
        `rule ${rule.id}`,
        `${rule.burst} at once, then one each ${rule.gapMs} ms (${rule.source})`,
      ]),
    ]
    for (const row of table(rows)) print.line(printable(row))
  })
}

function unlockText(unlock: Config['unlock']): string {
  if (unlock.kind === 'file') return `by the file ${unlock.path}`
  return unlock.kind === 'keyring' ? 'by the keyring of the system' : 'by a passphrase'
}

async function check(session: Session): Promise<void> {
  await load(session)
  session.print.result({ ok: true }, () => session.print.line('the configuration is fine'))
}

async function path({ print, home }: Session): Promise<void> {
  print.result({ path: home.config }, () => print.line(home.config))
}

async function load({ home, world }: Session) {
  const { loadConfig } = await import('@guichet/gateway')
  return loadConfig({ home: home.path, env: world.env })
}
