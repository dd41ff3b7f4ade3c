import { mkdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { GatewayError, TRAITS } from '@guichet/core'
import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { type Report as Fetching, fetchAll, type Target } from '../downloads/fetch.ts'
import { findWanted, type WantedTree } from '../downloads/sources.ts'
import { countText, printable } from '../print.ts'
import { startProgress } from '../progress.ts'
import { confirm } from '../prompts.ts'
import type { Session } from '../session.ts'
import { sizeText } from '../sizes.ts'
import { whirlpoolOfFile } from '../whirlpool.ts'
import { isInteractive } from '../world.ts'

interface GetOptions {
  readonly recursive?: boolean
  readonly overwrite?: boolean
}

const SHOWN_MAX = 20

export function addGet(program: Command, cli: Cli): void {
  program
    .command('get')
    .description('Fetch files and folders to this machine.')
    .argument('<place...>', 'paths or links; the last of several is where to put them here (default: .)')
    .option('-r, --recursive', 'fetch folders with everything in them')
    .option('--overwrite', 'replace local files that differ')
    .addHelpText(
      'after',
      `\nA transfer that broke off goes on where it stopped; each file is checked by its Whirlpool sum.${examples(
        'guichet get /films/film.mkv .',
        'guichet get -r /photos/holiday ~/pictures',
        'guichet get https://1fichier.com/?2zk52quqlm0cbjr93ri5',
      )}`,
    )
    .action((places: string[], options: GetOptions, command: Command) =>
      cli.run(command, (session) => get(session, places, options)),
    )
}

interface Report extends Fetching {
  readonly skipped: { readonly path: string; readonly local: string }[]
}

async function get(session: Session, places: readonly string[], options: GetOptions): Promise<number> {
  const { stop } = session
  const sources = places.length === 1 ? places : places.slice(0, -1)
  const dest = places.length === 1 ? '.' : (places.at(-1) ?? '.')
  const { guichet } = session.connect()
  const wanted = await findWanted(guichet, sources, { recursive: options.recursive === true, signal: stop })
  const targets = await resolveTargets(session, wanted, dest)
  const report: Report = { fetched: [], skipped: [], failed: [...wanted.refused] }
  const chosen = await chooseTargets(session, targets, options, report)

  using progress = startProgress(session)
  progress.addTotal(chosen.reduce((sum, target) => sum + target.file.sizeBytes, 0))
  await fetchAll(session, chosen, progress, report)
  progress[Symbol.dispose]()
  tell(session, report)
  return report.failed[0] === undefined ? 0 : TRAITS[report.failed[0].error.code].exit
}

async function resolveTargets(
  session: Session,
  wanted: WantedTree,
  dest: string,
): Promise<readonly Target[]> {
  const path = resolve(session.world.cwd, dest)
  const existing = await stat(path).catch(() => undefined) // What is not there yet is made below.
  if (existing?.isDirectory() !== true && wanted.isSingle && !dest.endsWith('/')) {
    await requireParent(path, dest)
    return wanted.files.map(({ file }) => ({ file, local: path }))
  }
  if (existing?.isDirectory() !== true) await requireParent(path, dest)
  for (const folder of ['', ...wanted.folders]) await mkdir(join(path, folder), { recursive: true })
  return wanted.files.map(({ file, local }) => ({ file, local: join(path, local) }))
}

async function requireParent(path: string, dest: string): Promise<void> {
  const parent = await stat(dirname(path)).catch(() => undefined) // Whatever the reason, it is no directory to us.
  if (parent?.isDirectory() === true) return
  throw new GatewayError('not-found', `there is no local folder ${JSON.stringify(dirname(dest))}`, {
    hint: 'the last argument is where to put things on this machine: add `.` for the current directory',
  })
}

/** Leaves out what is here already, and asks before anything is replaced. */
async function chooseTargets(
  session: Session,
  targets: readonly Target[],
  options: GetOptions,
  report: Report,
): Promise<readonly Target[]> {
  const chosen: Target[] = []
  for (const target of targets) {
    const stats = await stat(target.local).catch(() => undefined) // Not there: nothing to protect.
    if (stats === undefined) {
      chosen.push(target)
    } else if (stats.isFile() && (await isSame(session, target, stats.size))) {
      report.skipped.push({ path: target.file.path, local: target.local })
    } else if (stats.isFile() && (options.overwrite === true || (await mayReplace(session, target)))) {
      chosen.push(target)
    } else {
      const error = new GatewayError(
        'conflict',
        `${JSON.stringify(target.local)} exists and is something else`,
        {
          hint: stats.isFile() ? 'give --overwrite to replace it' : 'choose another place',
        },
      )
      report.failed.push({ source: target.file.path, error })
    }
  }
  return chosen
}

async function isSame(session: Session, { file, local }: Target, sizeBytes: number): Promise<boolean> {
  if (sizeBytes !== file.sizeBytes || file.whirlpool === undefined) return false
  return (await whirlpoolOfFile(local, session.stop)) === file.whirlpool
}

async function mayReplace(session: Session, { local }: Target): Promise<boolean> {
  if (!isInteractive(session.world) || session.print.isJson) return false
  return confirm(session.world, `Replace ${printable(basename(local))}?`)
}

function tell(session: Session, report: Report): void {
  const { print } = session
  const { skipped, failed } = report
  // In the order of names, not of who was first.
  const fetched = report.fetched.toSorted((a, b) => (a.local < b.local ? -1 : 1))
  const problems = failed.map(({ source, error: { code, message, hint } }) => ({
    source,
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
  }))
  print.result({ fetched, skipped, failed: problems }, () => {
    for (const { local } of fetched) print.line(printable(local))
  })
  for (const { error } of failed.slice(0, SHOWN_MAX)) print.failure(error)
  if (failed.length > SHOWN_MAX) print.warning(`and ${failed.length - SHOWN_MAX} more like these`)
  const bytes = fetched.reduce((sum, file) => sum + file.sizeBytes, 0)
  print.note(
    [
      `${countText(fetched.length, 'file')} fetched (${sizeText(bytes)})`,
      ...(skipped.length > 0 ? [`${skipped.length} already here`] : []),
      ...(failed.length > 0 ? [`${failed.length} not fetched`] : []),
    ].join(', '),
  )
}
