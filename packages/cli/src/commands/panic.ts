import { GatewayError } from '@guichet/core'
import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { CONSOLE_PAGE } from '../console-page.ts'
import { openKeyholder } from '../keyholder.ts'
import { countText } from '../print.ts'
import { confirm } from '../prompts.ts'
import type { Session } from '../session.ts'
import { isInteractive } from '../world.ts'

interface PanicOptions {
  readonly yes?: boolean
}

export function addPanic(program: Command, cli: Cli): void {
  program
    .command('panic')
    .description('Something leaked: seal the vault, revoke every virtual key, and say how to come back.')
    .option('-y, --yes', 'do not ask first')
    .addHelpText(
      'after',
      `\nIt works without a running gateway, too. It changes nothing at 1fichier: the key there is ended on its page.${examples(
        'guichet panic',
        'guichet panic --yes --json',
      )}`,
    )
    .action((options: PanicOptions, command: Command) =>
      cli.run(command, (session) => panic(session, options)),
    )
}

async function panic(session: Session, { yes }: PanicOptions): Promise<void> {
  const { print, world } = session
  if (yes !== true) {
    if (!isInteractive(world)) {
      throw new GatewayError('invalid', 'there is no terminal to ask on whether this is meant', {
        hint: 'run `guichet panic --yes`',
      })
    }
    const question = 'Stop all traffic to 1fichier now and end every virtual key for ever?'
    if (!(await confirm(world, question))) throw new GatewayError('cancelled', 'nothing was changed')
  }
  const { revoked, isRunning } = await act(session)
  print.result({ sealed: true, revoked, gateway: isRunning ? 'running' : 'not-answering' }, () => {
    print.line('sealed: nothing goes to 1fichier')
    print.line(`revoked ${countText(revoked, 'virtual key')}`)
  })
  if (!isRunning) {
    print.warning(
      'no gateway answered: the vault and the keys were changed on the disk',
      'if a `guichet serve` hangs, end its process: what it has under way is cut only by that',
    )
  }
  for (const line of WAY_BACK) print.note(line)
}

const WAY_BACK = [
  '',
  'Now, in this order:',
  `  1. Make a new API key on ${CONSOLE_PAGE}, and delete the old one there:`,
  '     until then, whoever has the old one has the account.',
  '  2. guichet rotate                 put the new one into the vault; it stays sealed',
  '  3. guichet ledger show            find out what happened: it has every decision',
  '  4. guichet unseal                 open again (after `guichet serve`, if it does not run)',
  '  5. guichet key create ...         give each program a new key; the old ones stay ended',
]

/** By the gateway, else with what the disk allows. */
async function act(session: Session): Promise<{ readonly revoked: number; readonly isRunning: boolean }> {
  const { guichet, target } = session.connect()
  try {
    return { ...(await guichet.panic({ signal: session.stop })), isRunning: true }
  } catch (failure) {
    if (target.kind !== 'socket' || GatewayError.from(failure).code !== 'unavailable') throw failure
  }
  const { inspectVault } = await import('@guichet/keyholder')
  await inspectVault(session.home.vault)
  await sealKeyholder(session)
  const { panicWithoutGateway, realWorld } = await import('@guichet/gateway')
  return { ...(await panicWithoutGateway(session.home.path, realWorld('error'))), isRunning: false }
}

/** A keyholder that outlived its gateway. When there is none, the mark in the home is enough. */
async function sealKeyholder(session: Session): Promise<void> {
  try {
    await using keyholder = await openKeyholder(session)
    await keyholder.seal()
  } catch (failure) {
    const { code, facts } = GatewayError.from(failure)
    if (code === 'unavailable' || (code === 'sealed' && facts['sent'] === false)) return
    throw failure
  }
}
