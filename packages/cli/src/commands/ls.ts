import { GatewayError } from '@guichet/core'
import type { ApiFile, ApiFolder, ApiListing, ApiNode } from '@guichet/sdk'
import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { parsePlace } from '../places.ts'
import { printable, table } from '../print.ts'
import type { Session } from '../session.ts'
import { sizeText } from '../sizes.ts'
import { durationText, timeText } from '../times.ts'
import { walk, warnOfCut } from '../walk.ts'

interface LsOptions {
  readonly long?: boolean
  readonly recursive?: boolean
  readonly refresh?: boolean
}

export function addLs(program: Command, cli: Cli): void {
  program
    .command('ls')
    .description('List a folder; a file shows itself.')
    .argument('[place]', 'a path, folder:123, or a link', '/')
    .option('-l, --long', 'with size, time and link')
    .option('-R, --recursive', 'with everything below')
    .option('--refresh', 'ask 1fichier even if the gateway knows the folder')
    .addHelpText('after', examples('guichet ls -l /photos', 'guichet ls --json folder:3357645'))
    .action((place: string, options: LsOptions, command: Command) =>
      cli.run(command, (session) => ls(session, parsePlace(place), options)),
    )
}

async function ls(session: Session, at: string, options: LsOptions): Promise<void> {
  const { guichet } = session.connect()
  const node = at === '/' ? undefined : await find(session, at, options.refresh === true)
  if (node?.kind === 'file') {
    return session.print.result({ files: [node] }, () => printNodes(session, [], [node], options))
  }
  if (options.recursive === true) return lsBelow(session, at, options)
  const listing = await guichet.list(at, { signal: session.stop, refresh: options.refresh === true })
  session.print.result(listing, () => {
    printNodes(session, listing.folders, listing.files, options)
    tellAge(session, listing)
  })
  warnOfCut(session.print, listing)
}

/** With `refresh`, what is not there is looked for at 1fichier: others may have made it since its folder was listed. */
async function find(session: Session, at: string, refresh: boolean): Promise<ApiNode> {
  const { guichet } = session.connect()
  const call = { signal: session.stop }
  try {
    return await guichet.stat(at, call)
  } catch (failure) {
    if (!refresh || !at.startsWith('/') || GatewayError.from(failure).code !== 'not-found') throw failure
  }
  const parent = at.slice(0, at.lastIndexOf('/')) || '/'
  if (parent !== '/') await find(session, parent, refresh)
  await guichet.list(parent, { ...call, refresh })
  return guichet.stat(at, call)
}

async function lsBelow(session: Session, at: string, options: LsOptions): Promise<void> {
  const { print, stop } = session
  const refresh = options.refresh === true
  const listings: ApiListing[] = []
  for await (const { listing } of walk(session.connect().guichet, at, { signal: stop, refresh })) {
    warnOfCut(print, listing)
    if (print.isJson) {
      listings.push(listing)
      continue
    }
    print.line(print.style.bold(`${printable(listing.folder.path)}:`))
    printNodes(session, listing.folders, listing.files, options)
    print.line()
  }
  if (print.isJson) print.json({ listings })
}

function printNodes(
  session: Session,
  folders: readonly ApiFolder[],
  files: readonly ApiFile[],
  options: LsOptions,
): void {
  const { print } = session
  if (options.long !== true) {
    for (const folder of folders) print.line(`${print.style.blue(printable(folder.name))}/`)
    for (const file of files) print.line(printable(file.name))
    return
  }
  const rows = [
    ...folders.map((folder) => [
      '-',
      folder.createdMs === undefined ? '' : timeText(folder.createdMs),
      `folder:${folder.id}`,
      `${printable(folder.name)}/`,
    ]),
    ...files.map((file) => [
      sizeText(file.sizeBytes),
      timeText(file.dateMs),
      file.link,
      printable(file.name),
    ]),
  ]
  for (const row of table(rows, [0])) print.line(row)
}

/** A minute is fresh; what is older is said, since others may have written to the account. */
function tellAge(session: Session, listing: ApiListing): void {
  if (listing.ageMs < 60_000) return
  session.print.note(`(as known ${durationText(listing.ageMs)} ago; \`guichet ls --refresh\` asks 1fichier)`)
}
