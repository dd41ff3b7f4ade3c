import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { type Diagnosis, diagnose, type Finding } from '../doctor/checks.ts'
import { gatherFacts } from '../doctor/gather.ts'
import { countText, printable } from '../print.ts'
import type { Session } from '../session.ts'

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
    .addHelpText(
      'after',
      `\nThe exit code is 1 when something serious was found.${examples(
        'guichet doctor',
        'guichet doctor --json | jq .findings',
      )}`,
    )
    .action((_options: DoctorOptions, command: Command) => cli.run(command, doctor))
}

async function doctor(session: Session): Promise<number> {
  const { print } = session
  const diagnosis = diagnose(await gatherFacts(session))
  print.result(diagnosis, () => {
    for (const line of linesOf(diagnosis)) print.line(line)
  })
  return diagnosis.findings.some(({ severity }) => severity === 'serious') ? EXIT_SERIOUS : 0
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
