import type { ApiTrashed } from '@guichet/sdk'
import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { pathInside } from '../places.ts'
import { countText, printable, table } from '../print.ts'
import type { Session } from '../session.ts'
import { sizeText } from '../sizes.ts'
import { timeText } from '../times.ts'

export function addTrash(program: Command, cli: Cli): void {
  const trash = program
    .command('trash')
    .description('Take back, or delete for good, what keys made with --trash have deleted.')
    .addHelpText('after', examples('guichet trash list', 'guichet trash restore 1a2b3c4d5e6f7g8h9i0j'))
  trash
    .command('list')
    .description('List what is in the trash, the oldest first.')
    .addHelpText('after', examples('guichet trash list', 'guichet trash list --json'))
    .action((_options: object, command: Command) => cli.run(command, list))
  trash
    .command('restore')
    .description('Move files back where they were.')
    .argument('<id...>', 'their ids, as `guichet trash list` shows them')
    .addHelpText('after', examples('guichet trash restore 1a2b3c4d5e6f7g8h9i0j'))
    .action((ids: string[], _options: object, command: Command) =>
      cli.run(command, (session) => restore(session, ids)),
    )
  trash
    .command('empty')
    .description('Delete for good what is due, or all of it.')
    .option('--all', 'also what has not been there for its time')
    .addHelpText('after', examples('guichet trash empty', 'guichet trash empty --all'))
    .action((options: { all?: boolean }, command: Command) =>
      cli.run(command, (session) => empty(session, options.all === true ? 'all' : 'due')),
    )
}

async function list(session: Session): Promise<void> {
  const { print, stop } = session
  const files = await session.connect().guichet.trash({ signal: stop })
  print.result({ files }, () => {
    if (files.length === 0) return print.note('the trash is empty')
    const rows = files.map((file) => [
      file.id,
      file.key,
      timeText(file.trashedMs),
      timeText(file.dueMs),
      sizeText(file.sizeBytes),
      pathOf(file),
    ])
    for (const row of table([['ID', 'KEY', 'DELETED', 'KEPT UNTIL', 'SIZE', 'WAS'], ...rows])) print.line(row)
  })
}

async function restore(session: Session, ids: readonly string[]): Promise<void> {
  const { print, stop } = session
  const files = await session.connect().guichet.restoreTrash(ids, { signal: stop })
  print.result({ files }, () => {
    for (const file of files) print.line(`restored ${pathOf(file)}`)
  })
}

async function empty(session: Session, what: 'all' | 'due'): Promise<void> {
  const { print, stop } = session
  const files = await session.connect().guichet.emptyTrash(what, { signal: stop })
  print.result({ files }, () => print.line(`deleted ${countText(files.length, 'file')} for good`))
}

function pathOf({ from, name }: ApiTrashed): string {
  return printable(pathInside(from, name))
}
