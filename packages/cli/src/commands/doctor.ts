import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { GatewayError } from '@guichet/core'
import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { bundleOf } from '../doctor/bundle.ts'
import { type Diagnosis, diagnose, type Finding } from '../doctor/checks.ts'
import { gatherFacts } from '../doctor/gather.ts'
import { countText, printable } from '../print.ts'
import type { Session } from '../session.ts'
import { VERSION } from '../version.ts'

interface DoctorOptions {
  readonly bundle?: string
  readonly log?: string
}

/** Its own exit code for a serious finding: nothing failed, and yet something has to be done. */
const EXIT_SERIOUS = 1

export function addDoctor(program: Command, cli: Cli): void {
  program
    .command('doctor')
    .description(
      'Look for weak spots, each with the command that mends it. Changes nothing and asks 1fichier nothing.',
    )
    .option('--bundle <file>', 'also write a support file that is safe to show: no name, no address, no key')
    .option('--log <file>', 'a log of `guichet serve`, whose last lines go into the support file')
    .addHelpText(
      'after',
      `\nThe exit code is 1 when something serious was found.${examples(
        'guichet doctor',
        'guichet doctor --json | jq .findings',
        'guichet doctor --bundle support.json --log serve.log',
      )}`,
    )
    .action((options: DoctorOptions, command: Command) =>
      cli.run(command, (session) => doctor(session, options)),
    )
}

async function doctor(session: Session, options: DoctorOptions): Promise<number> {
  const { print } = session
  requireBundle(options)
  const facts = await gatherFacts(session)
  const diagnosis = diagnose(facts)
  if (options.bundle !== undefined) {
    const log = await lastLines(session, options.log)
    const bundle = bundleOf(facts, diagnosis, { version: VERSION, arch: process.arch, log })
    await writeBundle(resolve(session.world.cwd, options.bundle), bundle)
  }
  print.result(diagnosis, () => {
    for (const line of linesOf(diagnosis)) print.line(line)
  })
  if (options.bundle !== undefined)
    print.note(`wrote ${options.bundle}: read it before you show it to anybody`)
  return diagnosis.findings.some(({ severity }) => severity === 'serious') ? EXIT_SERIOUS : 0
}

function requireBundle({ bundle, log }: DoctorOptions): void {
  if (log === undefined || bundle !== undefined) return
  throw new GatewayError('invalid', '--log is for a support file, and none is to be written', {
    hint: 'name one with --bundle FILE',
  })
}

const LOG_LINES_MAX = 500
const LOG_BYTES_MAX = 1024 * 1024

async function lastLines({ world }: Session, path: string | undefined): Promise<readonly string[]> {
  if (path === undefined) return []
  await using file = await open(resolve(world.cwd, path), 'r')
  const { size } = await file.stat()
  const length = Math.min(size, LOG_BYTES_MAX)
  const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length)
  return buffer.toString('utf8').split('\n').slice(-LOG_LINES_MAX)
}

/** A new file for its owner alone: it is theirs to give away. */
async function writeBundle(path: string, bundle: object): Promise<void> {
  await using file = await open(path, 'wx', 0o600)
  await file.writeFile(`${JSON.stringify(bundle, null, 2)}\n`)
}

function linesOf({ findings, lookedAt, notLookedAt }: Diagnosis): readonly string[] {
  const groups = [...new Set(findings.map(({ group }) => group))]
  const serious = findings.filter(({ severity }) => severity === 'serious').length
  const sum =
    findings.length === 0
      ? 'no weak spot found'
      : `${countText(findings.length, 'weak spot')}, ${serious === 0 ? 'none' : serious} of them serious`
  return [
    ...groups.flatMap((group) => [
      group,
      ...findings.filter((finding) => finding.group === group).flatMap(findingLines),
      '',
    ]),
    sum,
    `looked at: ${lookedAt.join('; ')}`,
    ...(notLookedAt.length === 0 ? [] : [`could not look at: ${notLookedAt.join('; ')}`]),
  ]
}

function findingLines({ severity, text, mend }: Finding): readonly string[] {
  const mark = severity === 'serious' ? '!!' : ' -'
  return [`${mark} ${printable(text)}`, `   mend: ${printable(mend)}`]
}
