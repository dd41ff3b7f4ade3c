import { GatewayError } from '@guichet/core'
import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { parsePlace, quoted } from '../places.ts'
import type { Session } from '../session.ts'

interface LinkOptions {
  readonly direct?: boolean
}

export function addLink(program: Command, cli: Cli): void {
  program
    .command('link')
    .description('Print the 1fichier link of files and shared folders.')
    .argument('<place...>', 'paths, folder:123, or links')
    .option('--direct', 'a short-lived link straight to the bytes; costs a call and needs the verb "direct"')
    .addHelpText(
      'after',
      examples('guichet link /films/film.mkv', 'mpv "$(guichet link --direct /films/film.mkv)"'),
    )
    .action((places: string[], options: LinkOptions, command: Command) =>
      cli.run(command, (session) => link(session, places.map(parsePlace), options)),
    )
}

async function link(session: Session, places: readonly string[], options: LinkOptions): Promise<void> {
  const { print } = session
  const links: { readonly path: string; readonly link: string }[] = []
  for (const at of places) links.push(await linkOf(session, at, options.direct === true))
  print.result({ links }, () => {
    for (const found of links) print.line(found.link)
  })
}

async function linkOf(
  session: Session,
  at: string,
  isDirect: boolean,
): Promise<{ readonly path: string; readonly link: string }> {
  const { guichet } = session.connect()
  const call = { signal: session.stop }
  if (isDirect) return { path: at, link: (await guichet.direct(at, call)).url }
  const node = await guichet.stat(at, call)
  if (node.kind === 'file') return { path: node.path, link: node.link }
  // A public link stands in the folder's own listing, which may not be known yet.
  const publicUrl = node.publicUrl ?? (await guichet.list(at, call)).folder.publicUrl
  if (publicUrl !== undefined) return { path: node.path, link: publicUrl }
  throw new GatewayError('conflict', `the folder ${JSON.stringify(node.path)} has no public link`, {
    hint: `make one with \`guichet share ${quoted(node.path)} --public\``,
  })
}
