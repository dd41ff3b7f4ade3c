import { GatewayError, TRAITS } from '@guichet/core'
import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { type Destination, findListing, resolveDestination, takeDestination } from '../destinations.ts'
import { foreseen } from '../failures.ts'
import { pathInside } from '../places.ts'
import { countText, printable } from '../print.ts'
import { type Progress, startProgress } from '../progress.ts'
import type { Session } from '../session.ts'
import { sizeText } from '../sizes.ts'
import { decide, planBatches, type RemoteFolder, type Send, sameSized } from '../uploads/plan.ts'
import { type Outcome, sendBatches } from '../uploads/send.ts'
import { findSources, type Source, type Sources } from '../uploads/sources.ts'
import { whirlpoolOfFile } from '../whirlpool.ts'

interface PutOptions {
  readonly recursive?: boolean
  readonly overwrite?: boolean
}

export function addPut(program: Command, cli: Cli): void {
  program
    .command('put')
    .description('Send files and folders to the account.')
    .usage('[options] <source...> <dest>')
    .argument(
      '<source...>',
      'local files, folders with -r (`DIR` becomes DEST/DIR, `DIR/` is what is inside); last a folder of the account, or the new name of a single file',
    )
    .option('-r, --recursive', 'send folders with everything in them')
    .option('--overwrite', 'replace files that are there with other content')
    .addHelpText(
      'after',
      `\nWhat is there already with the same content is left alone.${examples(
        'guichet put film.mkv /films/',
        'guichet put -r holiday /photos     (becomes /photos/holiday)',
        'guichet put -r holiday/ /photos    (its content goes into /photos)',
      )}`,
    )
    .action((words: string[], options: PutOptions, command: Command) =>
      cli.run(command, (session) => {
        const { from, to } = takeDestination(words, 'guichet put film.mkv /films/')
        return put(session, from, to, options)
      }),
    )
}

interface Refusal {
  readonly source: string
  readonly path?: string
  readonly error: GatewayError
}

async function put(
  session: Session,
  texts: readonly string[],
  dest: string,
  options: PutOptions,
): Promise<number> {
  const { world, stop } = session
  const { guichet } = session.connect()
  const recursive = options.recursive === true
  const sources = await findSources(texts, { cwd: world.cwd, recursive, signal: stop })
  const isSingle = texts.length === 1 && sources.folders.length === 0
  const hasWork = sources.files.length + sources.folders.length > 0
  const to = hasWork ? await resolveDestination(guichet, dest, { isSingle, signal: stop }) : { folder: '/' }

  using progress = startProgress(session)
  const plan = await planPut(session, sources, to, options, progress)
  progress.tell('')
  const outcome = await sendBatches(session, planBatches(plan.sends), progress)
  progress[Symbol.dispose]()
  const failed: Refusal[] = [...sources.refused, ...plan.refused, ...outcome.failed]
  report(session, outcome, plan.skipped, failed)
  return failed[0] === undefined ? 0 : TRAITS[failed[0].error.code].exit
}

const NOTHING: RemoteFolder = { files: [], folderNames: new Set() }

interface Plan {
  readonly sends: (Send & { readonly folder: string })[]
  readonly skipped: { readonly source: string; readonly path: string }[]
  readonly refused: Refusal[]
}

/** Looks once into each folder of the destination, makes those that are missing, and decides for each file. */
async function planPut(
  session: Session,
  sources: Sources,
  to: Destination,
  options: PutOptions,
  progress: Progress,
): Promise<Plan> {
  const plan: Plan = { sends: [], skipped: [], refused: [] }
  const folders = new Map<string, RemoteFolder>()
  folders.set(to.folder, await openFolder(session, to.folder, undefined, progress))
  for (const names of sources.folders) {
    if (names.length === 0) continue
    const path = pathInside(to.folder, ...names)
    const parent = names.length === 1 ? to.folder : pathInside(to.folder, ...names.slice(0, -1))
    folders.set(path, await openFolder(session, path, folders.get(parent), progress))
  }
  const taken = new Set<string>()
  for (const source of sources.files) {
    session.stop.throwIfAborted()
    const name = to.name ?? source.names.at(-1) ?? ''
    const folder = source.names.length === 1 ? to.folder : pathInside(to.folder, ...source.names.slice(0, -1))
    const path = pathInside(folder, name)
    if (taken.has(path)) {
      plan.refused.push({ source: source.shown, path, error: isNamedTwice(path) })
      continue
    }
    taken.add(path)
    const remote = folders.get(folder) ?? NOTHING
    await planFile(session, plan, source, { folder, name, remote }, options)
  }
  progress.addTotal(plan.sends.reduce((sum, send) => sum + send.source.sizeBytes, 0))
  return plan
}

/** 1fichier would keep both under one name, and which of them is meant later nobody knows. */
function isNamedTwice(path: string): GatewayError {
  return new GatewayError('conflict', `two of these files would become ${JSON.stringify(path)}`, {
    hint: 'send them one by one, under different names or into different folders',
  })
}

async function openFolder(
  session: Session,
  path: string,
  parent: RemoteFolder | undefined,
  progress: Progress,
): Promise<RemoteFolder> {
  const { guichet } = session.connect()
  const name = path.slice(path.lastIndexOf('/') + 1)
  const mayExist = parent?.folderNames.has(name) ?? true
  progress.tell(`looking at ${path}`)
  const listing = mayExist ? await findListing(guichet, path, session.stop) : undefined
  if (listing === undefined) await guichet.makeFolder({ at: path, parents: true }, { signal: session.stop })
  return { files: listing?.files ?? [], folderNames: new Set(listing?.folders.map((folder) => folder.name)) }
}

async function planFile(
  session: Session,
  plan: Plan,
  source: Source,
  target: { readonly folder: string; readonly name: string; readonly remote: RemoteFolder },
  options: PutOptions,
): Promise<void> {
  const { folder, name, remote } = target
  try {
    const needsHash = sameSized(source, name, remote).length > 0
    const whirlpool = needsHash ? await whirlpoolOfFile(source.path, session.stop) : undefined
    const decision = decide(source, name, remote, whirlpool, options.overwrite === true)
    if (decision.kind === 'send') plan.sends.push({ source, name, folder, replaces: decision.replaces })
    else if (decision.kind === 'skip')
      plan.skipped.push({ source: source.shown, path: pathInside(folder, name) })
    else plan.refused.push(decision.refused)
  } catch (failure) {
    const error = foreseen(failure)
    if (error.code === 'cancelled') throw error
    plan.refused.push({ source: source.shown, error })
  }
}

function report(
  session: Session,
  outcome: Outcome,
  skipped: Plan['skipped'],
  failed: readonly Refusal[],
): void {
  const { print } = session
  // In the order of names, not of who was first.
  const stored = outcome.stored.toSorted((a, b) => (a.path < b.path ? -1 : 1))
  const value = {
    stored,
    skipped,
    failed: failed.map(({ source, path, error: { code, message, hint } }) => ({
      source,
      ...(path === undefined ? {} : { path }),
      code,
      message,
      ...(hint === undefined ? {} : { hint }),
    })),
  }
  print.result(value, () => {
    for (const { path } of stored) print.line(printable(path))
  })
  for (const { error } of failed.slice(0, SHOWN_MAX)) print.failure(error)
  if (failed.length > SHOWN_MAX) print.warning(`and ${failed.length - SHOWN_MAX} more like these`)
  const bytes = stored.reduce((sum, file) => sum + file.sizeBytes, 0)
  print.note(
    [
      `${countText(stored.length, 'file')} stored (${sizeText(bytes)})`,
      ...(skipped.length > 0 ? [`${skipped.length} already there`] : []),
      ...(failed.length > 0 ? [`${failed.length} not sent`] : []),
    ].join(', '),
  )
}

/** A wall of like errors hides the first one; --json has them all. */
const SHOWN_MAX = 20
