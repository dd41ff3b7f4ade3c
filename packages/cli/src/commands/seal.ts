import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import type { Session } from '../session.ts'

export function addSeal(program: Command, cli: Cli): void {
  program
    .command('seal')
    .description('Forget the API key now: nothing goes to 1fichier until `guichet unseal`.')
    .addHelpText('after', examples('guichet seal'))
    .action((_options: object, command: Command) => cli.run(command, seal))
}

async function seal(session: Session): Promise<void> {
  await session.connect().guichet.seal({ signal: session.stop })
  session.print.result({ sealed: true }, () => session.print.line('sealed'))
}
