import type { ApiNode } from '@guichet/sdk'
import { type Command, Option } from 'commander'
import { type Cli, examples } from '../command.ts'
import { matchesGlob } from '../glob.ts'
import { parsePlace } from '../places.ts'
import { countText, printable } from '../print.ts'
import type { Session } from '../session.ts'
import { parseSizeTest, passesSize, type SizeTest } from '../sizes.ts'
import { walk, warnOfCut } from '../walk.ts'

interface FindOptions {
  readonly name?: string
  readonly size?: SizeTest
  readonly type?: 'f' | 'd'
}

export function addFind(program: Command, cli: Cli): void {
  program
    .command('find')
    .description('Find files and folders below a folder.')
    .argument('[place]', 'a path or folder:123', '/')
    .option('-n, --name <glob>', 'whose name matches, as in "*.mkv"')
    .option('-s, --size <size>', 'files of more (+1G), less (-500k) or exactly so many bytes', parseSizeTest)
    .addOption(new Option('-t, --type <type>', 'files or folders only').choices(['f', 'd']))
    .addHelpText(
      'after',
      examples('guichet find /films --name "*.mkv" --size +1G', 'guichet find --type d --json'),
    )
    .action((place: string, options: FindOptions, command: Command) =>
      cli.run(command, (session) => find(session, parsePlace(place), options)),
    )
}

async function find(session: Session, at: string, options: FindOptions): Promise<void> {
  const { print, stop } = session
  const found: ApiNode[] = []
  let count = 0
  for await (const { listing } of walk(session.connect().guichet, at, { signal: stop })) {
    warnOfCut(print, listing)
    for (const node of [...listing.folders, ...listing.files]) {
      if (!isWanted(node, options)) continue
      count += 1
      if (print.isJson) found.push(node)
      else print.line(printable(node.path))
    }
  }
  if (print.isJson) print.json({ nodes: found })
  else print.note(`${countText(count, 'match', 'matches')}`)
}

function isWanted(node: ApiNode, { name, size, type }: FindOptions): boolean {
  if (type !== undefined && (type === 'f') !== (node.kind === 'file')) return false
  if (size !== undefined && (node.kind !== 'file' || !passesSize(size, node.sizeBytes))) return false
  return name === undefined || matchesGlob(name, node.name)
}
