import { DAY_MS, GatewayError, parseVerbs, TRAITS, VERB_SETS, VERBS } from '@guichet/core'
import type { ApiIssuedKey, ApiKey, Guichet } from '@guichet/sdk'
import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { parseFolderPlace } from '../places.ts'
import { printable, table } from '../print.ts'
import type { Session } from '../session.ts'
import { parseDuration, spanUpTo, timeText } from '../times.ts'
import { addKeyLimit } from './keys/limit.ts'
import { addLimitOptions, type LimitOptions, limitsOf } from './keys/limits.ts'
import { addProfileOptions, type ProfileOptions, trashOf, verbsOf } from './keys/profile.ts'
import { addressOf, rowsOf, stateOf, verbsText } from './keys/shown.ts'
import { addKeyTexts } from './keys/texts.ts'

interface CreateOptions extends LimitOptions, ProfileOptions {
  readonly name: string
  readonly root?: string
  readonly expires?: number
  readonly tunnel?: boolean
  readonly wrap?: number
}

export function addKey(program: Command, cli: Cli): void {
  const key = program
    .command('key')
    .description(
      'Make, list, change and revoke virtual keys: what other programs use instead of the API key.',
    )
    .addHelpText(
      'after',
      examples(
        'guichet key create --name kodi --verbs read --root /films',
        'guichet key list',
        'guichet key revoke k-1a2b3c4d',
      ),
    )
  const created = key
    .command('create')
    .description('Make a virtual key. Its text is shown this once.')
    .requiredOption('-n, --name <name>', 'whom or what it is for')
    .option('--verbs <verbs>', 'what it may do, parted by commas', 'read')
    .option('--root <folder>', 'the folder it is confined to (default: all that its maker sees)')
    .option(
      '--expires <duration>',
      'how long it lasts: 30d, 12h, 90m; 0 is for ever (default: 90d)',
      parseDuration,
    )
    .option('--tunnel', 'may also reach hosts that are not of 1fichier through the proxy')
  addLimitOptions(addProfileOptions(created))
    .option(
      '--wrap <duration>',
      'print a token that fetches the text once, for so long',
      spanUpTo(30 * DAY_MS),
    )
    .addHelpText(
      'after',
      `\n${verbsHelp()}\n${examples(
        'guichet key create --name kodi --verbs list,download --root /films --expires 30d',
        'guichet key create --name backup --verbs list,upload,mkdir --root /backup --json',
        'guichet key create --name nas --verbs write --from 192.168.1.0/24 --idle 30d --wrap 10m',
        'guichet key create --name nas --profile append-only --root /backup --trash /trash --trash-for 30d',
        'guichet key create --name sync --verbs files --budget deletes=100/day --budget down=10GB/month',
      )}`,
    )
    .action((options: CreateOptions, command: Command) =>
      cli.run(command, (session) => create(session, options)),
    )
  key
    .command('list')
    .description('List the virtual keys, newest first.')
    .addHelpText('after', examples('guichet key list', 'guichet key list --json'))
    .action((_options: object, command: Command) => cli.run(command, list))
  key
    .command('show')
    .description('Show one virtual key, without its text.')
    .argument('<key>', 'its id or name')
    .addHelpText('after', examples('guichet key show k-1a2b3c4d'))
    .action((id: string, _options: object, command: Command) =>
      cli.run(command, (session) => show(session, id)),
    )
  key
    .command('revoke')
    .description('End virtual keys at once, with what is under way and all keys issued under them.')
    .argument('<key...>', 'their ids or names')
    .addHelpText('after', examples('guichet key revoke k-1a2b3c4d', 'guichet key revoke kodi'))
    .action((ids: string[], _options: object, command: Command) =>
      cli.run(command, (session) => revoke(session, ids)),
    )
  addKeyLimit(key, cli)
  addKeyTexts(key, cli)
}

async function create(session: Session, options: CreateOptions): Promise<void> {
  const verbs = verbsOf(options)
  const { guichet } = session.connect()
  const limits = limitsOf(options, session.world.clock.nowMs())
  const wish = {
    ...{ name: options.name, verbs, limits, mayTunnel: options.tunnel === true },
    ...(options.root !== undefined && { root: parseFolderPlace(options.root) }),
    ...(options.expires !== undefined && { lifetimeMs: options.expires }),
    ...trashOf(options),
  }
  if (options.wrap !== undefined) return wrap(session, { ...wish, wrapMs: options.wrap })
  const issued = await guichet.issueKey(wish, { signal: session.stop })
  session.print.result(issued, () => tellKey(session, issued))
  if (session.print.isJson || session.print.isQuiet) return
  const address = await addressOf(session)
  for (const line of usage(address)) session.print.note(line)
}

async function wrap(session: Session, wish: Parameters<Guichet['wrapKey']>[0]): Promise<void> {
  const { print, stop } = session
  const made = await session.connect().guichet.wrapKey(wish, { signal: stop })
  const link = `${await addressOf(session)}/unwrap#${made.wrap.token}`
  print.result({ ...made, wrap: { ...made.wrap, link } }, () => {
    print.line(link)
    print.note('')
    for (const row of table(rowsOf(made, session.world.clock.nowMs()))) print.note(row)
    print.note(
      `\nWhoever comes first with this link, until ${timeText(made.wrap.untilMs)}, is shown the key once:`,
    )
    print.note(
      '  in a browser, or with `guichet key unwrap -`, which reads the link or the token behind its #.',
    )
    print.note('A second use is an alarm and ends the key. Unused, the key ends too.')
  })
}

function tellKey(session: Session, issued: ApiIssuedKey): void {
  const { print } = session
  print.line(print.style.bold(issued.key))
  print.note('')
  for (const row of table(rowsOf(issued, session.world.clock.nowMs()))) print.note(row)
  print.note('\nThe key is shown this once. It fits where a tool asks for an API key of 1fichier:\n')
}

function usage(address: string): readonly string[] {
  return [
    `  curl -H "Authorization: Bearer KEY" -H "Content-Type: application/json" -d '{"folder_id":0}' ${address}/v1/folder/ls.cgi`,
    `  GUICHET_URL=${address} GUICHET_KEY=KEY guichet ls /`,
    '  guichet run -- rclone ls :fichier:        (makes and revokes a key of its own)',
  ]
}

async function list(session: Session): Promise<void> {
  const { print, world } = session
  const keys = await session.connect().guichet.keys({ signal: session.stop })
  print.result({ keys }, () => {
    const nowMs = world.clock.nowMs()
    const rows = keys.map((key) => [
      key.id,
      printable(key.name),
      stateOf(key, nowMs),
      printable(key.root),
      verbsText(key.verbs),
    ])
    if (rows.length === 0) return print.note('there is no key yet: `guichet key create --help`')
    for (const row of table([['ID', 'NAME', 'STATE', 'ROOT', 'VERBS'], ...rows])) print.line(row)
  })
}

async function show(session: Session, id: string): Promise<void> {
  const { print, world } = session
  const key = await session.connect().guichet.key(id, { signal: session.stop })
  print.result(key, () => {
    for (const row of table(rowsOf(key, world.clock.nowMs()))) print.line(row)
  })
}

async function revoke(session: Session, ids: readonly string[]): Promise<number> {
  const { print, stop } = session
  const { guichet } = session.connect()
  const keys: ApiKey[] = []
  const failed: { readonly key: string; readonly error: GatewayError }[] = []
  for (const key of new Set(ids)) {
    try {
      keys.push(await guichet.revokeKey(key, { signal: stop }))
    } catch (failure) {
      const error = GatewayError.from(failure)
      // One wrong name keeps no other key alive; a gateway that is gone is told once.
      if (error.code !== 'not-found' || ids.length === 1) throw error
      failed.push({ key, error })
    }
  }
  const unknown = failed.map(({ key }) => key)
  print.result(ids.length === 1 ? keys[0] : { keys, ...(unknown.length > 0 && { unknown }) }, () => {
    for (const key of keys) print.line(`revoked ${key.id} (${printable(key.name)})`)
  })
  for (const { error } of failed) print.failure(error)
  return failed.length === 0 ? 0 : TRAITS['not-found'].exit
}

function verbsHelp(): string {
  const sets = Object.entries(VERB_SETS).map(([name, verbs]) => [
    `  ${name}`,
    name === 'all' ? 'every verb' : verbs.join(','),
  ])
  return ['Verbs:', `  ${VERBS.join(' ')}`, 'Sets of verbs:', ...table(sets)].join('\n')
}

/** The verbs that a person chose in one of two ways. */
export function chooseVerbs(
  options: { readonly verbs?: string; readonly readOnly?: boolean },
  otherwise: string,
): readonly string[] {
  if (options.verbs !== undefined && options.readOnly === true) {
    throw new GatewayError('invalid', '--verbs and --read-only say two different things', {
      hint: 'give one of them; --read-only is the same as --verbs read',
    })
  }
  return parseVerbs(options.verbs ?? (options.readOnly === true ? 'read' : otherwise))
}
