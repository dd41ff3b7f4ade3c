import type { ApiApproval } from '@guichet/sdk'
import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { countText, printable, table } from '../print.ts'
import type { Session } from '../session.ts'
import { sizeText } from '../sizes.ts'
import { durationText } from '../times.ts'

export function addApprove(program: Command, cli: Cli): void {
  const approve = program
    .command('approve')
    .description('Answer keys that want to delete more than they may without asking.')
    .addHelpText('after', examples('guichet approve list', 'guichet approve yes a-k3j9x2.1'))
  approve
    .command('list')
    .description('List the deletions that wait for an answer.')
    .addHelpText('after', examples('guichet approve list', 'guichet approve list --json'))
    .action((_options: object, command: Command) => cli.run(command, list))
  approve
    .command('show')
    .description('Show what one of them would delete.')
    .argument('<id>', 'its id, as in a-k3j9x2.1')
    .addHelpText('after', examples('guichet approve show a-k3j9x2.1'))
    .action((id: string, _options: object, command: Command) =>
      cli.run(command, (session) => show(session, id)),
    )
  for (const [decision, does] of [
    ['yes', 'Allow it: exactly what was shown under this id.'],
    ['no', 'Refuse it.'],
  ] as const) {
    approve
      .command(decision)
      .description(does)
      .argument('<id>', 'its id, as in a-k3j9x2.1')
      .addHelpText('after', examples(`guichet approve ${decision} a-k3j9x2.1`))
      .action((id: string, _options: object, command: Command) =>
        cli.run(command, (session) => decide(session, id, decision)),
      )
  }
}

async function list(session: Session): Promise<void> {
  const { print, world, stop } = session
  const approvals = await session.connect().guichet.approvals({ signal: stop })
  print.result({ approvals }, () => {
    if (approvals.length === 0) return print.note('nothing waits for approval')
    const nowMs = world.clock.nowMs()
    const rows = approvals.map((one) => [
      one.id,
      printable(one.keyName),
      ...countsOf(one),
      leftText(one, nowMs),
    ])
    for (const row of table([['ID', 'KEY', 'FILES', 'FOLDERS', 'SIZE', 'LEFT'], ...rows])) print.line(row)
  })
}

async function show(session: Session, id: string): Promise<void> {
  const { print, world, stop } = session
  const one = await session.connect().guichet.approval(id, { signal: stop })
  print.result(one, () => {
    const rows = [
      ['id', one.id],
      ['key', `${one.key} (${printable(one.keyName)})`],
      [
        'deletes',
        `${countText(one.files, 'file')} of ${sizeText(one.bytes)}, ${countText(one.folders, 'folder')}`,
      ],
      ['the client', one.isWaiting ? 'waits for the answer' : 'has to ask again after a yes'],
      ['without an answer', `it is no in ${leftText(one, world.clock.nowMs())}`],
    ]
    for (const row of table(rows)) print.line(row)
    for (const example of one.examples) print.line(`  ${printable(example)}`)
    const more = one.files + one.folders - one.examples.length
    if (more > 0) print.line(`  and ${more} more`)
  })
}

async function decide(session: Session, id: string, decision: 'yes' | 'no'): Promise<void> {
  const { print, stop } = session
  const one = await session.connect().guichet.approve(id, decision, { signal: stop })
  print.result(one, () => {
    const said = decision === 'yes' ? 'allowed' : 'refused'
    print.line(`${said} ${printable(one.keyName)} to delete ${countText(one.files + one.folders, 'thing')}`)
    if (decision === 'yes' && !one.isWaiting) print.note('its client has to ask again, within a day')
  })
}

function countsOf({ files, folders, bytes }: ApiApproval): readonly string[] {
  return [String(files), String(folders), sizeText(bytes)]
}

function leftText({ untilMs }: ApiApproval, nowMs: number): string {
  return durationText(untilMs - nowMs)
}
