import type { ApiNode } from '@guichet/sdk'
import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { parsePlace } from '../places.ts'
import { printable } from '../print.ts'
import type { Session } from '../session.ts'

interface MkdirOptions {
  readonly parents?: boolean
}

export function addMkdir(program: Command, cli: Cli): void {
  program
    .command('mkdir')
    .description('Make folders.')
    .argument('<path...>', 'paths of the new folders')
    .option('-p, --parents', 'make what is missing on the way; a folder that is there is fine')
    .addHelpText('after', examples('guichet mkdir /photos', 'guichet mkdir -p /photos/2026/summer'))
    .action((paths: string[], options: MkdirOptions, command: Command) =>
      cli.run(command, (session) => mkdir(session, paths.map(parsePlace), options)),
    )
}

async function mkdir(session: Session, paths: readonly string[], options: MkdirOptions): Promise<void> {
  const { print, stop } = session
  const { guichet } = session.connect()
  const parents = options.parents === true
  const nodes: ApiNode[] = []
  for (const at of paths) nodes.push(await guichet.makeFolder({ at, parents }, { signal: stop }))
  print.result({ nodes }, () => {
    for (const node of nodes) print.line(printable(node.path))
  })
}
