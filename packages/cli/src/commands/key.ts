import {
  GatewayError,
  KEY_LIFETIME_MS,
  parseKeyId,
  parseVerbs,
  problemOfKey,
  VERB_SETS,
  VERBS,
} from '@guichet/core'
import type { ApiIssuedKey, ApiKey } from '@guichet/sdk'
import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { parseFolderPlace } from '../places.ts'
import { printable, table } from '../print.ts'
import type { Session } from '../session.ts'
import { durationText, parseDuration, timeText } from '../times.ts'

interface CreateOptions {
  readonly name: string
  readonly verbs: string
  readonly root: string
  readonly expires?: number
  readonly tunnel?: boolean
}

export function addKey(program: Command, cli: Cli): void {
  const key = program
    .command('key')
    .description('Make, list and revoke virtual keys: what other programs use instead of the API key.')
    .addHelpText(
      'after',
      examples(
        'guichet key create --name kodi --verbs read --root /films',
        'guichet key list',
        'guichet key revoke k-1a2b3c4d',
      ),
    )
  key
    .command('create')
    .description('Make a virtual key. Its text is shown this once.')
    .requiredOption('-n, --name <name>', 'whom or what it is for')
    .option('--verbs <verbs>', 'what it may do, parted by commas', 'read')
    .option('--root <folder>', 'the folder it is confined to', '/')
    .option(
      '--expires <duration>',
      'how long it lasts: 30d, 12h, 90m; 0 is for ever (default: 90d)',
      parseDuration,
    )
    .option('--tunnel', 'may also reach hosts that are not of 1fichier through the proxy')
    .addHelpText(
      'after',
      `\n${verbsHelp()}\n${examples(
        'guichet key create --name kodi --verbs list,download --root /films --expires 30d',
        'guichet key create --name backup --verbs list,upload,mkdir --root /backup --json',
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
    .argument('<id>', 'its id, as in k-1a2b3c4d')
    .addHelpText('after', examples('guichet key show k-1a2b3c4d'))
    .action((id: string, _options: object, command: Command) =>
      cli.run(command, (session) => show(session, parseKeyId(id))),
    )
  key
    .command('revoke')
    .description('End virtual keys at once, also for what is under way.')
    .argument('<id...>', 'their ids, as in k-1a2b3c4d')
    .addHelpText('after', examples('guichet key revoke k-1a2b3c4d'))
    .action((ids: string[], _options: object, command: Command) =>
      cli.run(command, (session) => revoke(session, ids.map(parseKeyId))),
    )
}

async function create(session: Session, options: CreateOptions): Promise<void> {
  const verbs = parseVerbs(options.verbs)
  const root = parseFolderPlace(options.root)
  const { guichet } = session.connect()
  const issued = await guichet.issueKey(
    {
      name: options.name,
      verbs,
      root,
      lifetimeMs: options.expires ?? KEY_LIFETIME_MS,
      mayTunnel: options.tunnel === true,
    },
    { signal: session.stop },
  )
  session.print.result(issued, () => tellKey(session, issued))
  if (session.print.isJson || session.print.isQuiet) return
  const address = await addressOf(session)
  for (const line of usage(address)) session.print.note(line)
}

function tellKey(session: Session, issued: ApiIssuedKey): void {
  const { print } = session
  print.line(print.style.bold(issued.key))
  print.note('')
  for (const row of table(rowsOf(issued, session.world.clock.nowMs()))) print.note(row)
  print.note('\nThe key is shown this once. It fits where a tool asks for an API key of 1fichier:\n')
}

async function addressOf(session: Session): Promise<string> {
  const { target, guichet } = session.connect()
  if (target.kind === 'address') return target.base.origin
  const { address } = await guichet.status({ signal: session.stop })
  return address.startsWith('http') ? address : `http://${address}`
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

async function revoke(session: Session, ids: readonly string[]): Promise<void> {
  const { print, stop } = session
  const { guichet } = session.connect()
  const keys: ApiKey[] = []
  for (const id of new Set(ids)) keys.push(await guichet.revokeKey(id, { signal: stop }))
  print.result(keys.length === 1 ? keys[0] : { keys }, () => {
    for (const key of keys) print.line(`revoked ${key.id} (${printable(key.name)})`)
  })
}

function rowsOf(key: ApiKey, nowMs: number): readonly (readonly string[])[] {
  return [
    ['id', key.id],
    ['name', printable(key.name)],
    ['state', stateOf(key, nowMs)],
    ['root', printable(key.root)],
    ['verbs', verbsText(key.verbs)],
    ['made', timeText(key.createdMs)],
    ...(key.mayTunnel ? [['tunnel', 'to every public host']] : []),
  ]
}

function stateOf(key: ApiKey, nowMs: number): string {
  const { createdMs, expiresMs, revokedMs, limits, use, ended } = key
  const life = {
    createdMs,
    expiresMs,
    revokedMs,
    limits,
    ended,
    use: { count: use.count, lastMs: use.lastMs },
  }
  switch (problemOfKey(life, nowMs)) {
    case 'not-yet':
      return `not good before ${timeText(limits.notBeforeMs ?? 0)}`
    case 'revoked':
      return `revoked ${timeText(revokedMs ?? 0)}`
    case 'expired':
      return `expired ${timeText(expiresMs ?? ended?.atMs ?? 0)}`
    case 'idle':
      return `ended: unused for ${durationText(limits.idleMs ?? 0)}`
    case 'used-up':
      return `ended: used ${use.count} times`
    case undefined:
      return expiresMs === undefined ? 'active for ever' : `active until ${timeText(expiresMs)}`
  }
}

/** The name of a set where it is exactly one: easier to read than ten words. */
function verbsText(verbs: readonly string[]): string {
  const wanted = [...verbs].sort().join()
  const set = Object.entries(VERB_SETS).find(([, members]) => [...members].sort().join() === wanted)
  return set === undefined ? verbs.join(',') : set[0]
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
