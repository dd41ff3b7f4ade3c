import { access, constants, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GatewayError } from '@guichet/core'
import { whirlpoolOfFile } from '../whirlpool.ts'
import type { World } from '../world.ts'
import type { Ran } from './processes.ts'
import { requireSuccess, type Stage } from './stage.ts'

/** One line of the table at the end. */
export interface Figure {
  readonly job: string
  readonly calls: number
  /** Calls of plain rclone 1.60.1 for such a job, measured against a stand-in without limits. */
  readonly plainCalls: number
}

export interface Story {
  readonly figures: readonly Figure[]
  /** May look, fetch and add in the whole account. */
  readonly key: string
  readonly hasRclone: boolean
}

export interface Teller {
  step(title: string): void
  command(commandLine: string): void
  said(text: string): void
}

const FOLDERS = ['forest', 'lake', 'mountain'] as const
const FILES_PER_FOLDER = 4

/** Plays the main job: a tree up, listed, down again and compared, a refusal, and an unmodified tool. */
export async function playStory(world: World, stage: Stage, tell: Teller): Promise<Story> {
  const local = await makeTree(world, stage)
  // What rclone alone takes for like jobs: bench/calls.json.
  const figures: Figure[] = []
  const measure = async (job: string, plainCalls: number, work: () => Promise<void>): Promise<void> => {
    const before = await callsOf(stage)
    await work()
    figures.push({ job, calls: (await callsOf(stage)) - before, plainCalls })
  }

  tell.step('A virtual key does what the API key did, and no more')
  const key = await makeKey(stage, tell, ['--name', 'demo', '--verbs', 'write'])
  tell.step('Twelve files in three folders go up, a folder in one request')
  await measure('upload 12 files into 3 new folders', 67, () =>
    show(stage, tell, ['put', '-r', local, '/'], key),
  )
  tell.step('Listings come from what is known')
  await measure('list 4 folders', 13, () => show(stage, tell, ['tree', '/holiday'], key))
  tell.step('Everything comes back as it was')
  await fetchAndCompare(world, stage, tell, local, key)
  tell.step('A key that may only look cannot delete, whatever it tries')
  await tryForbidden(stage, tell)
  tell.step('An unmodified rclone, with the host names of 1fichier built in')
  const hasRclone = await hasProgram(world, 'rclone')
  if (hasRclone) await measure('rclone check of the 12 files', 5, () => checkWithRclone(stage, tell, local))
  else tell.said('rclone is not installed here; with it, `guichet run -- rclone …` would run now')
  return { figures, key, hasRclone }
}

async function makeTree(world: World, stage: Stage): Promise<string> {
  const root = join(stage.folder, 'local', 'holiday')
  for (const folder of FOLDERS) {
    await mkdir(join(root, folder), { recursive: true })
    for (let number = 1; number <= FILES_PER_FOLDER; number += 1) {
      await writeFile(join(root, folder, `${folder}-${number}.jpg`), world.random(20_000 * number))
    }
  }
  return root
}

async function makeKey(stage: Stage, tell: Teller, options: readonly string[]): Promise<string> {
  const args = ['key', 'create', ...options]
  tell.command(args.join(' '))
  const { output } = requireSuccess(args, await stage.run([...args, '--json']))
  const issued: { readonly key: string; readonly id: string } = JSON.parse(output)
  tell.said(`${issued.id}, valid where an API key of 1fichier is asked for`)
  return issued.key
}

async function show(stage: Stage, tell: Teller, args: readonly string[], key: string): Promise<void> {
  tell.command(args.join(' ').replaceAll(join(stage.folder, 'local'), '.'))
  const ran = requireSuccess(args, await stage.run(args, key))
  tell.said(shortened(ran))
}

async function fetchAndCompare(
  world: World,
  stage: Stage,
  tell: Teller,
  local: string,
  key: string,
): Promise<void> {
  const target = join(stage.folder, 'local', 'back')
  const args = ['get', '-r', '/holiday/', target]
  tell.command('get -r /holiday/ ./back')
  requireSuccess(args, await stage.run([...args, '--json'], key))
  let same = 0
  for (const folder of FOLDERS) {
    for (let number = 1; number <= FILES_PER_FOLDER; number += 1) {
      const name = join(folder, `${folder}-${number}.jpg`)
      const { stop } = world.signals
      const [was, is] = [
        await whirlpoolOfFile(join(local, name), stop),
        await whirlpoolOfFile(join(target, name), stop),
      ]
      if (was !== is) throw new GatewayError('corrupt', `${name} did not come back as it was`)
      same += 1
    }
  }
  tell.said(`${same} files, each with the Whirlpool sum it had`)
}

async function tryForbidden(stage: Stage, tell: Teller): Promise<void> {
  const reader = await makeKey(stage, tell, [
    '--name',
    'reader',
    '--verbs',
    'list,download',
    '--root',
    '/holiday/lake',
  ])
  const attempts = [
    ['rm', '--yes', '/holiday/lake/lake-1.jpg'],
    ['ls', '/holiday/forest'],
  ]
  for (const args of attempts) {
    tell.command(args.join(' '))
    const ran = await stage.run(args, reader)
    if (ran.exit === 0) throw new GatewayError('internal', 'a key could do what it must not')
    tell.said(`${ran.errors.trim()}  (exit ${ran.exit})`)
  }
}

async function checkWithRclone(stage: Stage, tell: Teller, local: string): Promise<void> {
  const args = ['run', '--read-only', '--', 'rclone', 'check', local, ':fichier:holiday']
  tell.command(args.join(' ').replaceAll(join(stage.folder, 'local'), '.'))
  const ran = requireSuccess(args, await stage.run(args))
  const lines = ran.errors
    .split('\n')
    .flatMap((line) => /NOTICE: .*?: (\d+ .*|0 diff.*)$/.exec(line)?.[1] ?? [])
  tell.said(lines.join(', '))
}

export async function hasProgram(world: World, name: string): Promise<boolean> {
  for (const folder of (world.env['PATH'] ?? '').split(':')) {
    const isThere = await access(join(folder, name), constants.X_OK).then(
      () => true,
      () => false, // Not in this folder.
    )
    if (isThere) return true
  }
  return false
}

async function callsOf(stage: Stage): Promise<number> {
  return (await stage.guichet.status()).upstream.total
}

/** A long listing of what everybody can imagine says less than its beginning. */
function shortened(ran: Ran): string {
  const lines = ran.output.trimEnd().split('\n')
  const shown = lines.length > 8 ? [...lines.slice(0, 5), `… and ${lines.length - 5} more lines`] : lines
  return [...shown, ran.errors.trim()].filter((line) => line !== '').join('\n')
}
