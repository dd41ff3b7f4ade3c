import type { ApiNode } from '@guichet/sdk'
import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { parsePlace } from '../places.ts'
import { printable, table } from '../print.ts'
import type { Session } from '../session.ts'
import { sizeText } from '../sizes.ts'
import { timeText } from '../times.ts'

export function addStat(program: Command, cli: Cli): void {
  program
    .command('stat')
    .description('Show what is known of a file or folder.')
    .argument('<place...>', 'paths, folder:123, or links')
    .addHelpText('after', examples('guichet stat /films/film.mkv', 'guichet stat --json folder:3357645'))
    .action((places: string[], _options: object, command: Command) =>
      cli.run(command, (session) => stat(session, places.map(parsePlace))),
    )
}

async function stat(session: Session, places: readonly string[]): Promise<void> {
  const { guichet } = session.connect()
  const nodes: ApiNode[] = []
  for (const at of places) nodes.push(await guichet.stat(at, { signal: session.stop }))
  session.print.result({ nodes }, () => {
    nodes.forEach((node, index) => {
      if (index > 0) session.print.line()
      for (const row of table(rowsOf(node))) session.print.line(row)
    })
  })
}

function rowsOf(node: ApiNode): readonly (readonly string[])[] {
  const path = printable(node.path)
  if (node.kind === 'folder') {
    return [
      ['path', path],
      ['kind', 'folder'],
      ['id', `folder:${node.id}`],
      ...(node.createdMs === undefined ? [] : [['created', timeText(node.createdMs)]]),
      ...(node.publicUrl === undefined ? [] : [['public', node.publicUrl]]),
    ]
  }
  return [
    ['path', path],
    ['kind', 'file'],
    ['size', `${sizeText(node.sizeBytes)} (${node.sizeBytes} bytes)`],
    ['date', timeText(node.dateMs)],
    ['link', node.link],
    ['whirlpool', node.whirlpool ?? 'not known yet'],
    ...(node.contentType === undefined ? [] : [['type', printable(node.contentType)]]),
    ...(node.hasPassword ? [['password', 'yes']] : []),
  ]
}
