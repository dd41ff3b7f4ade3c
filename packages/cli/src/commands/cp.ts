import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { takeDestination } from '../destinations.ts'
import { parsePlace } from '../places.ts'
import { printable } from '../print.ts'
import type { Session } from '../session.ts'

export function addCp(program: Command, cli: Cli): void {
  program
    .command('cp')
    .description('Copy files within the account; no bytes travel.')
    .usage('[options] <place...> <to>')
    .argument(
      '<place...>',
      "what to copy: paths, or links of anybody's files; last a folder, or a new name for a single thing",
    )
    .addHelpText(
      'after',
      examples('guichet cp /a.txt /archive', 'guichet cp https://1fichier.com/?2zk52quqlm0cbjr93ri5 /films'),
    )
    .action((words: string[], _options: object, command: Command) =>
      cli.run(command, (session) => {
        const { from, to } = takeDestination(words, 'guichet cp /a.txt /archive/')
        return copy(session, from.map(parsePlace), to)
      }),
    )
}

async function copy(session: Session, from: readonly string[], to: string): Promise<void> {
  const { print, stop } = session
  const nodes = await session.connect().guichet.copy({ from, to: parsePlace(to) }, { signal: stop })
  print.result({ nodes }, () => {
    for (const node of nodes) print.line(printable(node.path))
  })
}
