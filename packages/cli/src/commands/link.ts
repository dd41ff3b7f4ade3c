import { DAY_MS, GatewayError } from '@guichet/core'
import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { parsePlace, quoted } from '../places.ts'
import type { Session } from '../session.ts'
import { spanUpTo } from '../times.ts'
import { parseList, parseUses } from './keys/limits.ts'
import { addressOf } from './keys/shown.ts'

interface LinkOptions {
  readonly direct?: boolean
  readonly for?: number
  readonly uses?: number
  readonly from?: readonly string[]
}

export function addLink(program: Command, cli: Cli): void {
  program
    .command('link')
    .description('Print the 1fichier link of files and shared folders, or a link of this gateway that ends.')
    .argument('<place...>', 'paths, folder:123, or links')
    .option('--direct', 'a short-lived link straight to the bytes; costs a call and needs the verb "direct"')
    .option(
      '--for <duration>',
      'a link of this gateway to one file, good for so long without a key',
      spanUpTo(30 * DAY_MS),
    )
    .option('--uses <number>', 'with --for: fetched so often and no more', parseUses)
    .option(
      '--from <addresses>',
      'with --for: only from these addresses or blocks, parted by commas',
      parseList,
    )
    .addHelpText(
      'after',
      examples(
        'guichet link /films/film.mkv',
        'mpv "$(guichet link --direct /films/film.mkv)"',
        'guichet link --for 2h --uses 1 /films/film.mkv',
      ),
    )
    .action((places: string[], options: LinkOptions, command: Command) =>
      cli.run(command, (session) => {
        const named = places.map(parsePlace)
        return options.for === undefined
          ? link(session, named, requirePlain(options))
          : lend(session, named, { ...options, for: options.for })
      }),
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

function requirePlain(options: LinkOptions): LinkOptions {
  if (options.uses === undefined && options.from === undefined) return options
  throw new GatewayError('invalid', '--uses and --from are about links of this gateway', {
    hint: 'say how long it is good: `guichet link --for 2h --uses 1 …`',
  })
}

/** Links of the gateway, for people and tools without a key. */
async function lend(
  session: Session,
  places: readonly string[],
  options: LinkOptions & { readonly for: number },
): Promise<void> {
  const { print, stop } = session
  if (options.direct === true) {
    throw new GatewayError('invalid', '--direct and --for are two different links', {
      hint: 'give one of them',
    })
  }
  const { guichet } = session.connect()
  const base = await addressOf(session)
  const limits = {
    ...(options.uses !== undefined && { uses: options.uses }),
    ...(options.from !== undefined && { from: options.from }),
  }
  const links: { readonly place: string; readonly link: string; readonly untilMs: number }[] = []
  for (const at of places) {
    const { path, untilMs } = await guichet.ticket({ at, forMs: options.for, ...limits }, { signal: stop })
    links.push({ place: at, link: `${base}${path}`, untilMs })
  }
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
