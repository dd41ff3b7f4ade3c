import { GatewayError, VERBS } from '@guichet/core'
import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { parsePlace } from '../places.ts'
import { printable } from '../print.ts'
import type { Session } from '../session.ts'
import { parseMoment } from '../times.ts'

interface ExplainOptions {
  readonly from?: string
  readonly at?: string
}

export function addExplain(program: Command, cli: Cli): void {
  program
    .command('explain')
    .description('Say whether a key may do something, which rule decides, and what would allow it.')
    .argument('<key>', 'its id or name')
    .argument('<verb>', `one of ${VERBS.join(' ')}`)
    .argument('<path>', 'where')
    .option('--from <address>', 'as if it were asked from this address')
    .option('--at <time>', 'as if it were then: 2026-12-24, 2026-12-24T18:00, or 2h from now')
    .addHelpText(
      'after',
      examples(
        'guichet explain kodi upload /films',
        'guichet explain k-1a2b3c4d list / --from 192.168.1.7 --at 30d',
      ),
    )
    .action((key: string, verb: string, path: string, options: ExplainOptions, command: Command) =>
      cli.run(command, (session) => explain(session, { key, verb, path }, options)),
    )
}

/** Exits with 3, as the request would, when it is not allowed. */
async function explain(
  session: Session,
  { key, verb, path }: { readonly key: string; readonly verb: string; readonly path: string },
  { from, at }: ExplainOptions,
): Promise<number> {
  const { print, world, stop } = session
  if (!VERBS.some((one) => one === verb)) {
    throw new GatewayError('invalid', `${JSON.stringify(verb)} is not one verb`, {
      hint: `choose from ${VERBS.join(' ')}`,
    })
  }
  const told = await session.connect().guichet.explain(
    {
      ...{ key, verb, at: parsePlace(path) },
      ...(from !== undefined && { from }),
      ...(at !== undefined && { atMs: parseMoment(at, world.clock.nowMs()) }),
    },
    { signal: stop },
  )
  print.result(told, () => {
    print.line(`${told.isAllowed ? 'yes' : 'no'}: ${printable(told.why)}`)
    if (!told.isAllowed) print.line(`rule: ${told.rule}`)
    if (told.remedy !== undefined) print.line(`allowed by: ${printable(told.remedy)}`)
  })
  return told.isAllowed ? 0 : 3
}
