import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { takeDestination } from '../destinations.ts'
import { parsePlace } from '../places.ts'
import { printable } from '../print.ts'
import type { Session } from '../session.ts'

export function addMv(program: Command, cli: Cli): void {
  program
    .command('mv')
    .description('Move or rename files and folders.')
    .usage('[options] <place...> <to>')
    .argument('<place...>', 'what to move: paths or links; last a folder, or a new name for a single thing')
    .addHelpText(
      'after',
      examples('guichet mv /a.txt /b.txt', 'guichet mv /inbox/1.jpg /inbox/2.jpg /photos'),
    )
    .action((words: string[], _options: object, command: Command) =>
      cli.run(command, (session) => {
        const { from, to } = takeDestination(words, 'guichet mv /a.txt /archive/')
        return move(session, from.map(parsePlace), to)
      }),
    )
}

async function move(session: Session, from: readonly string[], to: string): Promise<void> {
  const { print, stop } = session
  const nodes = await session.connect().guichet.move({ from, to: parsePlace(to) }, { signal: stop })
  print.result({ nodes }, () => {
    for (const node of nodes) print.line(printable(node.path))
  })
}
