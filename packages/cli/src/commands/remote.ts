import { GatewayError } from '@guichet/core'
import type { ApiRemote } from '@guichet/sdk'
import type { Command } from 'commander'
import { type Cli, collect, examples } from '../command.ts'
import { parseFolderPlace } from '../places.ts'
import { printable, table } from '../print.ts'
import type { Session } from '../session.ts'
import { timeText } from '../times.ts'

interface AddOptions {
  readonly to: string
  readonly header?: readonly string[]
}

export function addRemote(program: Command, cli: Cli): void {
  const remote = program
    .command('remote')
    .description('Let 1fichier itself fetch addresses into the account.')
    .addHelpText(
      'after',
      examples('guichet remote add https://example.com/big.iso --to /isos', 'guichet remote list'),
    )
  remote
    .command('add')
    .description('Ask 1fichier to fetch addresses.')
    .argument('<url...>', 'http, https or ftp addresses')
    .option('-t, --to <folder>', 'the folder they go into', '/')
    .option('-H, --header <"Name: value">', 'sent along by 1fichier; may be repeated', collect)
    .addHelpText('after', examples('guichet remote add https://example.com/big.iso --to /isos'))
    .action((urls: string[], options: AddOptions, command: Command) =>
      cli.run(command, (session) => add(session, urls, options)),
    )
  remote
    .command('list')
    .description('List what 1fichier was asked to fetch.')
    .addHelpText('after', examples('guichet remote list --json'))
    .action((_options: object, command: Command) => cli.run(command, list))
  remote
    .command('show')
    .description('Show one of them with its results.')
    .argument('<id>', 'the number that `add` and `list` print')
    .addHelpText('after', examples('guichet remote show 1234'))
    .action((id: string, _options: object, command: Command) =>
      cli.run(command, (session) => show(session, parseId(id))),
    )
}

async function add(session: Session, urls: readonly string[], options: AddOptions): Promise<void> {
  for (const url of urls) requireAddress(url)
  const at = parseFolderPlace(options.to)
  const headers = Object.fromEntries((options.header ?? []).map(parseHeader))
  const wish = { urls, at, ...(options.header === undefined ? {} : { headers }) }
  const remote = await session.connect().guichet.startRemote(wish, { signal: session.stop })
  session.print.result(remote, () => session.print.line(String(remote.id)))
  session.print.note(`1fichier fetches it; \`guichet remote show ${remote.id}\` tells how it goes`)
}

async function list(session: Session): Promise<void> {
  const remotes = await session.connect().guichet.remotes({ signal: session.stop })
  session.print.result({ remotes }, () => {
    const rows = remotes.map((remote) => [
      String(remote.id),
      remote.requestedMs === undefined ? '' : timeText(remote.requestedMs),
      stateOf(remote),
    ])
    for (const row of table(rows, [0])) session.print.line(row)
    if (remotes.length === 0) session.print.note('nothing was asked for')
  })
}

async function show(session: Session, id: number): Promise<void> {
  const remote = await session.connect().guichet.remote(id, { signal: session.stop })
  session.print.result(remote, () => {
    session.print.line(`${remote.id}: ${stateOf(remote)}`)
    for (const { url, link, problem } of remote.results ?? []) {
      session.print.line(`${printable(url)}  ${link ?? printable(problem ?? 'no result')}`)
    }
    if (remote.results === undefined) for (const url of remote.urls ?? []) session.print.line(printable(url))
  })
}

function stateOf(remote: ApiRemote): string {
  return remote.executedMs === undefined ? 'waiting' : `done ${timeText(remote.executedMs)}`
}

function requireAddress(text: string): void {
  if (/^(?:https?|ftp):$/.test(URL.parse(text)?.protocol ?? '')) return
  throw new GatewayError(
    'invalid',
    `${JSON.stringify(text.slice(0, 100))} is not an address that 1fichier can fetch`,
    {
      hint: 'write it in full, as in https://example.com/file.iso',
    },
  )
}

function parseHeader(text: string): [string, string] {
  const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(.*)$/.exec(text) ?? []
  if (name !== undefined && value !== undefined) return [name, value]
  throw new GatewayError('invalid', `${JSON.stringify(text.slice(0, 40))} is not a header`, {
    hint: 'write it as in "Referer: https://example.com/"',
  })
}

function parseId(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new GatewayError(
    'invalid',
    `${JSON.stringify(text.slice(0, 40))} is not the number of a remote upload`,
    {
      hint: '`guichet remote list` shows the numbers',
    },
  )
}
