import type { ApiFile, ApiFolder, ApiListing, Guichet } from '@guichet/sdk'
import { type Command, InvalidArgumentError } from 'commander'
import { type Cli, examples } from '../command.ts'
import { parsePlace } from '../places.ts'
import { countText, printable } from '../print.ts'
import type { Session } from '../session.ts'
import { sizeText } from '../sizes.ts'
import { walk, warnOfCut } from '../walk.ts'

interface TreeOptions {
  readonly depth?: number
  readonly dirs?: boolean
}

export function addTree(program: Command, cli: Cli): void {
  program
    .command('tree')
    .description('Draw a folder with everything below it.')
    .argument('[place]', 'a path or folder:123', '/')
    .option('-d, --depth <levels>', 'go so deep and no deeper', parseDepth)
    .option('--dirs', 'folders only')
    .addHelpText('after', examples('guichet tree /photos', 'guichet tree --depth 2 /'))
    .action((place: string, options: TreeOptions, command: Command) =>
      cli.run(command, (session) => tree(session, parsePlace(place), options)),
    )
}

interface Branch {
  readonly folder: ApiFolder
  readonly folders: readonly Branch[]
  readonly files: readonly ApiFile[]
}

async function tree(session: Session, at: string, options: TreeOptions): Promise<void> {
  const { print } = session
  const listings = await listingsBelow(session.connect().guichet, at, session.stop, options.depth)
  const root = listings[0]
  if (root === undefined) return
  for (const listing of listings) warnOfCut(print, listing)
  const byId = new Map(listings.map((listing) => [listing.folder.id, listing]))
  const top = branchOf(root, byId, options)
  const total = listings.reduce((sum, { files }) => sum + files.length, 0)
  const bytes = listings.reduce(
    (sum, { files }) => sum + files.reduce((size, file) => size + file.sizeBytes, 0),
    0,
  )
  print.result({ tree: top }, () => {
    print.line(print.style.bold(printable(root.folder.path)))
    for (const line of draw(top, '')) print.line(line)
    print.note(`${countText(listings.length - 1, 'folder')}, ${countText(total, 'file')}, ${sizeText(bytes)}`)
  })
}

async function listingsBelow(
  guichet: Guichet,
  at: string,
  signal: AbortSignal,
  levels: number | undefined,
): Promise<readonly ApiListing[]> {
  const listings: ApiListing[] = []
  const depthMax = levels === undefined ? undefined : levels - 1
  for await (const { listing } of walk(guichet, at, { signal, depthMax })) listings.push(listing)
  return listings
}

function branchOf(listing: ApiListing, byId: ReadonlyMap<number, ApiListing>, options: TreeOptions): Branch {
  const folders = listing.folders.map((folder) => {
    const below = byId.get(folder.id)
    return below === undefined ? { folder, folders: [], files: [] } : branchOf(below, byId, options)
  })
  return { folder: listing.folder, folders, files: options.dirs === true ? [] : listing.files }
}

function* draw(branch: Branch, indent: string): Generator<string> {
  const count = branch.folders.length + branch.files.length
  let drawn = 0
  for (const below of branch.folders) {
    drawn += 1
    yield `${indent}${drawn === count ? '└── ' : '├── '}${printable(below.folder.name)}/`
    yield* draw(below, `${indent}${drawn === count ? '    ' : '│   '}`)
  }
  for (const file of branch.files) {
    drawn += 1
    yield `${indent}${drawn === count ? '└── ' : '├── '}${printable(file.name)}  (${sizeText(file.sizeBytes)})`
  }
}

function parseDepth(text: string): number {
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It is a whole number from 1 to 999.')
}
