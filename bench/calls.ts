import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { type Emulator, startEmulator } from '@guichet/emulator'
import { upstreamCalls, writeTree } from '../e2e/clients.ts'
import { type Ran, run, startStand } from '../e2e/stand.ts'
import { startConnectProxy } from '../packages/emulator/src/testing/connect-proxy.ts'
import { type Job, LARGE_JOBS, SMALL_JOBS } from './jobs.ts'
import { table } from './table.ts'

/**
 * How many calls to 1fichier a job costs: by rclone alone, by the same rclone through Guichet, and by Guichet's own command.
 * rclone alone meets no rules, because it would be locked; through Guichet the documented ones are enforced.
 */

const RECORD = path.join(import.meta.dirname, 'calls.json')
const TIME_SCALE = 20

interface Row {
  readonly job: string
  /** Absent where a column has no such command. */
  readonly rclone?: number
  readonly throughGuichet?: number
  readonly guichet?: number
}

/** Counts the calls of one command. */
type Counted = (args: readonly string[]) => Promise<number>

const { values: flags } = parseArgs({
  options: {
    all: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
})
const jobs = flags.all ? [...SMALL_JOBS, ...LARGE_JOBS] : SMALL_JOBS
const rows = await measure(jobs)
process.stdout.write(
  table(
    ['job', 'rclone', 'rclone through Guichet', 'guichet'],
    rows.map((row) => [row.job, shown(row.rclone), shown(row.throughGuichet), shown(row.guichet)]),
  ),
)
if (flags.check) process.exitCode = await compare(rows)
else await record(rows)

async function measure(measured: readonly Job[]): Promise<readonly Row[]> {
  const alone = await rcloneAlone(measured)
  const unmodified = ['run', '--', 'rclone', '--config', '/dev/null']
  const through = await throughGuichet(measured, (job, work) => [...unmodified, ...job.rclone(work)])
  const own = await throughGuichet(measured, (job, work) => job.guichet?.(work))
  return measured.map(({ name }, index) => ({
    job: name,
    ...(alone[index] !== undefined && { rclone: alone[index] }),
    ...(through[index] !== undefined && { throughGuichet: through[index] }),
    ...(own[index] !== undefined && { guichet: own[index] }),
  }))
}

async function rcloneAlone(measured: readonly Job[]): Promise<readonly number[]> {
  await using emulator = await startEmulator({ rules: 'off', timeScale: TIME_SCALE })
  await using proxy = await startConnectProxy(emulator.address)
  const work = path.join(emulator.dataDir, 'bench')
  await prepare(emulator, work, measured)
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: work,
    HTTPS_PROXY: proxy.url,
    SSL_CERT_FILE: emulator.caFile,
    RCLONE_FICHIER_API_KEY: emulator.apiKey,
  }
  const count = counting(emulator, (args) => run('rclone', ['--config', '/dev/null', ...args], { env }))
  const counts: number[] = []
  for (const job of measured) counts.push(await count(job.rclone(work)))
  return counts
}

async function throughGuichet(
  measured: readonly Job[],
  commandOf: (job: Job, work: string) => readonly string[] | undefined,
): Promise<readonly (number | undefined)[]> {
  await using stand = await startStand({ timeScale: TIME_SCALE })
  await prepare(stand.emulator, stand.work, measured)
  const count = counting(stand.emulator, (args) => stand.guichet(args))
  const counts: (number | undefined)[] = []
  for (const job of measured) {
    const command = commandOf(job, stand.work)
    counts.push(command === undefined ? undefined : await count(command))
  }
  const { broken, locks, callsInLock } = stand.emulator.snapshot()
  if (locks + callsInLock > 0 || Object.keys(broken).length > 0)
    throw new Error(`rules were broken: ${JSON.stringify({ broken, locks, callsInLock })}`)
  return counts
}

async function prepare(emulator: Emulator, work: string, measured: readonly Job[]): Promise<void> {
  await mkdir(work, { recursive: true })
  for (const { local, stored } of measured) {
    if (local !== undefined) await writeTree(path.join(work, local.name), local.folders, local.files)
    if (stored === undefined) continue
    for (let folder = 0; folder < stored.folders; folder += 1) {
      for (let file = 0; file < stored.files; file += 1) {
        const name = `/${stored.name}/folder-${folder}/file-${file}.txt`
        await emulator.account.putFile(name, Buffer.from(`${name}\n`.repeat(20)))
      }
    }
  }
}

function counting(emulator: Emulator, command: (args: readonly string[]) => Promise<Ran>): Counted {
  return async (args) => {
    const before = upstreamCalls({ emulator })
    const { code, stderr } = await command(args)
    if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${stderr}`)
    return upstreamCalls({ emulator }) - before
  }
}

async function recorded(): Promise<readonly Row[]> {
  const { rows: known }: { rows: readonly Row[] } = JSON.parse(await readFile(RECORD, 'utf8'))
  return known
}

/** Rows that were not measured this time stay as they are. */
async function record(measured: readonly Row[]): Promise<void> {
  const known = await recorded().catch(() => []) // There is no record yet.
  const kept = known.filter(({ job }) => !measured.some((row) => row.job === job))
  await writeFile(RECORD, `${JSON.stringify({ rows: [...measured, ...kept] }, null, 2)}\n`)
}

async function compare(measured: readonly Row[]): Promise<number> {
  const known = new Map((await recorded()).map((row) => [row.job, row]))
  let worse = 0
  for (const row of measured) {
    for (const column of ['throughGuichet', 'guichet'] as const) {
      const [before, now] = [known.get(row.job)?.[column], row[column]]
      if (before === undefined || now === undefined || now <= before) continue
      process.stderr.write(`${row.job}: ${now} calls (${column}) instead of ${before}\n`)
      worse += 1
    }
  }
  return worse === 0 ? 0 : 1
}

function shown(count: number | undefined): string {
  return count === undefined ? '–' : String(count)
}
