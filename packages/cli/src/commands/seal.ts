import { existsSync } from 'node:fs'
import { GatewayError } from '@guichet/core'
import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { enterDeed } from '../deeds.ts'
import { openKeyholder } from '../keyholder.ts'
import type { Session } from '../session.ts'

export function addSeal(program: Command, cli: Cli): void {
  program
    .command('seal')
    .description('Forget the API key now: nothing goes to 1fichier until `guichet unseal`.')
    .addHelpText(
      'after',
      `\nIt holds over a restart, whatever opens the vault. When no gateway runs, the next one starts sealed.${examples('guichet seal')}`,
    )
    .action((_options: object, command: Command) => cli.run(command, seal))
}

async function seal(session: Session): Promise<void> {
  const { print, stop, home } = session
  const { guichet, target } = session.connect()
  const isHere = target.kind === 'socket' && existsSync(home.vault)
  // The keyholder first: it depends on nothing but itself.
  const isSealed = isHere && (await sealKeyholder(session))
  try {
    await guichet.seal({ signal: stop })
  } catch (failure) {
    if (!isHere || GatewayError.from(failure).code !== 'unavailable') throw failure
    const { markSealed } = await import('@guichet/keyholder')
    await markSealed(home.path)
    await enterDeed(session, 'seal the keyholder')
    if (isSealed) {
      print.warning(
        'the keyholder is sealed, but no gateway says that it knows',
        'end its process if there is one: downloads that need no key may go on in it',
      )
    } else print.note('no gateway is running; the next one starts sealed')
  }
  print.result({ sealed: true }, () => print.line('sealed'))
}

/** False when none is running, or it cannot say so: then the gateway is asked, and tells what is wrong. */
async function sealKeyholder(session: Session): Promise<boolean> {
  try {
    await using keyholder = await openKeyholder(session)
    return (await keyholder.seal()).sealed
  } catch {
    return false
  }
}
