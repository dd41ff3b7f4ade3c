import { type Budget, GatewayError, type LimitsChange, parseApproval, parseBudgets } from '@guichet/core'
import type { Command } from 'commander'
import { type Cli, collect, examples } from '../../command.ts'
import { table } from '../../print.ts'
import type { Session } from '../../session.ts'
import { parseDuration } from '../../times.ts'
import { parseList, parseUses } from './limits.ts'
import { rowsOf } from './shown.ts'

const NONE = 'none'
type None = typeof NONE

interface LimitWishes {
  readonly expires?: number
  readonly idle?: number | None
  readonly uses?: number | None
  readonly from?: readonly string[] | None
  readonly notFrom?: readonly string[] | None
  readonly budget?: readonly string[]
  readonly approveDeletesOver?: readonly string[]
}

export function addKeyLimit(key: Command, cli: Cli): void {
  key
    .command('limit')
    .description('Change the limits of a living key. Its text, its verbs and what it has used up stay.')
    .argument('<key>', 'its id or name')
    .option('--expires <duration>', 'it ends so long from now; 0 is never', parseDuration)
    .option('--idle <duration>', 'ends for good when unused for so long', orNone(parseDuration))
    .option('--uses <number>', 'so many requests from now on', orNone(parseUses))
    .option('--from <addresses>', 'only from these addresses or blocks, parted by commas', orNone(parseList))
    .option('--not-from <addresses>', 'not from these', orNone(parseList))
    .option('--budget <budget>', 'in the place of its budget of that kind; may be repeated', collect)
    .option(
      '--approve-deletes-over <amount>',
      'ask a person when it deletes more than so many files or so much a day; may be repeated',
      collect,
    )
    .addHelpText(
      'after',
      `\nWhat is not named stays as it is. \`none\` takes a limit away; \`--budget none\` all budgets that are not named with it.
A key that was issued under another gets no more than that one has.${examples(
        'guichet key limit sync --budget deletes=200/day',
        'guichet key limit nas --from 192.168.1.0/24 --expires 90d',
        'guichet key limit guest --uses 20 --idle none',
      )}`,
    )
    .action((id: string, wishes: LimitWishes, command: Command) =>
      cli.run(command, (session) => limit(session, id, wishes)),
    )
}

async function limit(session: Session, id: string, wishes: LimitWishes): Promise<void> {
  const { print, stop, world } = session
  if (Object.keys(wishes).length === 0) {
    throw new GatewayError(
      'invalid',
      `nothing is said about what is to change of the key ${JSON.stringify(id)}`,
      {
        hint: 'name a limit, as in `--budget deletes=200/day`; `guichet key limit --help` lists them',
      },
    )
  }
  const { guichet } = session.connect()
  const change = await changeOf(wishes, async () => (await guichet.key(id, { signal: stop })).limits.budgets)
  const key = await guichet.limitKey(id, change, { signal: stop })
  print.result(key, () => {
    for (const row of table(rowsOf(key, world.clock.nowMs()))) print.line(row)
  })
}

async function changeOf(
  { expires, idle, uses, from, notFrom, budget, approveDeletesOver }: LimitWishes,
  presentBudgets: () => Promise<readonly Budget[] | undefined>,
): Promise<LimitsChange> {
  const isFree = approveDeletesOver?.length === 1 && approveDeletesOver[0] === NONE
  return {
    ...(expires !== undefined && { lifetimeMs: expires }),
    ...(idle !== undefined && { idleMs: idle === 0 ? null : orNull(idle) }),
    ...(uses !== undefined && { uses: orNull(uses) }),
    ...(from !== undefined && { from: orNull(from) }),
    ...(notFrom !== undefined && { notFrom: orNull(notFrom) }),
    ...(budget !== undefined && { budgets: await budgetsAfter(budget, presentBudgets) }),
    ...(approveDeletesOver !== undefined && { approval: isFree ? null : parseApproval(approveDeletesOver) }),
  }
}

/** A budget takes the place of the one that counts the same in the same window. */
async function budgetsAfter(
  texts: readonly string[],
  present: () => Promise<readonly Budget[] | undefined>,
): Promise<readonly Budget[] | null> {
  const wished = parseBudgets(texts.filter((text) => text !== NONE))
  const kept = texts.includes(NONE) ? [] : ((await present()) ?? [])
  const others = kept.filter(
    ({ measure, per }) => !wished.some((budget) => budget.measure === measure && budget.per === per),
  )
  return others.length + wished.length === 0 ? null : [...others, ...wished]
}

function orNull<T>(wish: T | None): T | null {
  return wish === NONE ? null : wish
}

function orNone<T>(parse: (text: string) => T): (text: string) => T | None {
  return (text) => (text === NONE ? NONE : parse(text))
}
