import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import type { Session } from '../session.ts'

export function addResume(program: Command, cli: Cli): void {
  program
    .command('resume')
    .description('Go on after 1fichier refused the account for good, and you have mended why.')
    .addHelpText(
      'after',
      `\n\`guichet status\` shows what was refused. A lock for a while ends by itself and needs no resume.${examples('guichet resume')}`,
    )
    .action((_options: object, command: Command) => cli.run(command, resume))
}

async function resume(session: Session): Promise<void> {
  await session.connect().guichet.resume({ signal: session.stop })
  session.print.result({ resumed: true }, () => session.print.line('resumed'))
}
