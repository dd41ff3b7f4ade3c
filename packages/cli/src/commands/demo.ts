import { once } from 'node:events'
import { resolve } from 'node:path'
import { GatewayError } from '@guichet/core'
import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { openStage, type Stage, TIME_SCALE } from '../demo/stage.ts'
import { type Figure, hasProgram, playStory, type Story, type Teller } from '../demo/story.ts'
import { countText, printable, table } from '../print.ts'
import type { Session } from '../session.ts'
import { durationText } from '../times.ts'
import type { World } from '../world.ts'

interface DemoOptions {
  readonly stay?: boolean
}

export function addDemo(program: Command, cli: Cli): void {
  program
    .command('demo')
    .description('Show the whole thing in seconds, against a 1fichier of its own.')
    .option('--stay', 'leave it running until Ctrl-C, to try things')
    .addHelpText(
      'after',
      `\nNothing of it touches the network or your own home; everything is removed at the end.${examples('guichet demo', 'guichet demo --stay')}`,
    )
    .action((options: DemoOptions, command: Command) => cli.run(command, (session) => demo(session, options)))
}

async function demo(session: Session, options: DemoOptions): Promise<void> {
  const { world, print, stop } = session
  const startedMs = world.clock.nowMs()
  const tell = tellerFor(session)
  tell.step(`A 1fichier on this machine, with every documented limit, ${TIME_SCALE} times faster`)
  await using stage = await openStage(world, tell.command)
  const story = await playStory(world, stage, tell)
  const locks = await requireNoLocks(stage)
  const tookMs = world.clock.nowMs() - startedMs
  print.result({ ok: true, tookMs, locks, figures: story.figures, url: stage.url, home: stage.home }, () => {
    tell.step('Calls to 1fichier')
    for (const line of figuresTable(story.figures)) print.line(line)
    print.line()
    print.line(`${countText(locks, 'lock')}, nothing asked twice. That took ${durationText(tookMs)}.`)
  })
  if (options.stay === true) {
    for (const line of waysIn(stage, story, await typedName(world))) print.line(line)
    if (!stop.aborted) await once(stop, 'abort')
    return
  }
  const name = await typedName(world)
  print.note('\nWhere to look next:')
  for (const line of table(NEXT.map(([args, what]) => [`  ${name} ${args}`, `    ${what}`]))) print.note(line)
}

const NEXT: readonly (readonly [args: string, what: string])[] = [
  ['demo --stay', 'the same, left running to play with'],
  ['init', 'take in your own API key'],
  ['help run', 'use the tools you have as they are'],
]

/** How a person starts `guichet` here: `npm run demo` comes before anything is installed. */
async function typedName(world: World): Promise<string> {
  if (await hasProgram(world, 'guichet')) return 'guichet'
  const main = world.self.at(-1) ?? ''
  return `node ${resolve(main, '../../../../bin/guichet.cjs')}`
}

function tellerFor({ print }: Session): Teller {
  const isSilent = print.isJson || print.isQuiet
  const say = (text: string): void => {
    if (!isSilent) print.line(text)
  }
  return {
    step: (title) => say(`\n${print.style.bold(title)}`),
    command: (commandLine) => say(`  ${print.style.cyan(`$ guichet ${printable(commandLine)}`)}`),
    said: (text) => {
      for (const line of text.split('\n')) say(`    ${printable(line)}`)
    },
  }
}

/** The emulator counts for itself what was done to it. */
async function requireNoLocks(stage: Stage): Promise<number> {
  const { upstream } = await stage.guichet.status()
  if (upstream.locksMet === 0) return 0
  throw new GatewayError('internal', `the demonstration met ${countText(upstream.locksMet, 'lock')}`, {
    hint: 'run it again, and report it if that happens again',
  })
}

function figuresTable(figures: readonly Figure[]): readonly string[] {
  return [
    ...table(
      [
        ['', 'Guichet', 'rclone alone'],
        ...figures.map(({ job, calls, plainCalls }) => [`  ${job}`, String(calls), String(plainCalls)]),
      ],
      [1, 2],
    ),
    '  rclone alone: 1.60.1 at like jobs (12 files in one folder; 5 folders of 3), measured by `npm run bench:calls`',
    '  without limits. With them it would be locked.',
  ]
}

function waysIn(stage: Stage, story: Story, name: string): readonly string[] {
  return [
    '',
    'It stays until Ctrl-C. In another terminal, as the owner:',
    `  export GUICHET_HOME=${stage.home}`,
    `  ${name} status`,
    ...(story.hasRclone ? [`  ${name} run -- rclone tree :fichier:`] : []),
    'or with the key of this demonstration:',
    `  export GUICHET_URL=${stage.url} GUICHET_KEY=${story.key}`,
    `  ${name} ls -l /holiday/lake`,
    `the emulator's control API: ${stage.controlUrl}`,
  ]
}
