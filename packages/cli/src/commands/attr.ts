import { resolve } from 'node:path'
import type { ApiAttributes, ApiDetails } from '@guichet/sdk'
import type { Command } from 'commander'
import { type Cli, collect, examples } from '../command.ts'
import { parsePlace } from '../places.ts'
import { countText, printable, table } from '../print.ts'
import { readSecretFile } from '../secret-files.ts'
import type { Session } from '../session.ts'

interface AttrOptions {
  readonly description?: string
  readonly passFile?: string
  readonly pass?: false
  readonly inline?: boolean
  readonly tls?: boolean
  readonly cdn?: boolean
  readonly allowAddress?: readonly string[]
  readonly allowCountry?: readonly string[]
  readonly allowEmail?: readonly string[]
  readonly premiumOnly?: boolean
  readonly restriction?: false
}

export function addAttr(program: Command, cli: Cli): void {
  program
    .command('attr')
    .description('Show or change the attributes of files: description, password, who may fetch them.')
    .argument('<place...>', 'paths or links of files')
    .option('--description <text>', 'describe them; an empty text removes it')
    .option(
      '--pass-file <file>',
      'a file with their password, 6 characters or more (- is the standard input)',
    )
    .option('--no-pass', 'remove their password')
    .option('--inline', 'let browsers show them')
    .option('--no-inline', 'let browsers save them')
    .option('--tls', 'fetched with TLS')
    .option('--no-tls', 'fetched without TLS')
    .option('--cdn', 'delivered by the CDN, which costs credits')
    .option('--no-cdn', 'not delivered by the CDN')
    .option('--allow-address <cidr>', 'only for these addresses; may be repeated', collect)
    .option('--allow-country <code>', 'only for these countries (FR); may be repeated', collect)
    .option('--allow-email <mail>', 'only for these users; may be repeated', collect)
    .option('--premium-only', 'only for customers of 1fichier')
    .option('--no-restriction', 'for everybody with the link')
    .addHelpText(
      'after',
      `\nWithout options it shows them, at the cost of one call for each file.${examples(
        'guichet attr /films/film.mkv',
        'guichet attr /films/film.mkv --inline --description "The one with the train"',
      )}`,
    )
    .action((places: string[], options: AttrOptions, command: Command) =>
      cli.run(command, (session) => attr(session, places.map(parsePlace), options)),
    )
}

async function attr(session: Session, at: readonly string[], options: AttrOptions): Promise<void> {
  const { print, stop } = session
  const { guichet } = session.connect()
  const changes = await changesOf(session, options)
  if (Object.keys(changes).length === 0) {
    const details: ApiDetails[] = []
    for (const place of at) details.push(await guichet.attributes(place, { signal: stop }))
    return print.result({ details }, () => {
      for (const detail of details) show(session, detail)
    })
  }
  const nodes = await guichet.changeAttributes({ at, ...changes }, { signal: stop })
  print.result({ nodes }, () => print.line(`changed ${countText(nodes.length, 'file')}`))
}

async function changesOf(session: Session, options: AttrOptions): Promise<Omit<ApiAttributes, 'at'>> {
  const { world } = session
  const { description, inline, tls, cdn, passFile } = options
  const access = accessOf(options)
  const pass =
    passFile === undefined
      ? undefined
      : await readSecretFile(passFile === '-' ? '-' : resolve(world.cwd, passFile), {
          what: 'the password file',
          input: world.input,
          guarded: false,
        })
  return {
    ...(description === undefined ? {} : { description }),
    ...(pass === undefined ? {} : { pass: pass.expose() }),
    ...(options.pass === false ? { pass: '' } : {}),
    ...(inline === undefined ? {} : { inline }),
    ...(tls === undefined ? {} : { withoutTls: !tls }),
    ...(cdn === undefined ? {} : { cdn }),
    ...(access === undefined ? {} : { access }),
  }
}

function accessOf(options: AttrOptions): ApiAttributes['access'] {
  const { allowAddress, allowCountry, allowEmail, premiumOnly } = options
  if (options.restriction === false) return {}
  const access = {
    ...(allowAddress === undefined ? {} : { addresses: allowAddress }),
    ...(allowCountry === undefined ? {} : { countries: allowCountry }),
    ...(allowEmail === undefined ? {} : { emails: allowEmail }),
    ...(premiumOnly === undefined ? {} : { premiumOnly }),
  }
  return Object.keys(access).length === 0 ? undefined : access
}

function show(session: Session, details: ApiDetails): void {
  const { node, access } = details
  const said = (value: boolean): string => (value ? 'yes' : 'no')
  const rows = [
    ['path', printable(node.path)],
    ['description', printable(details.description ?? '')],
    ['password', said(node.kind === 'file' && node.hasPassword)],
    ['inline', said(details.inline)],
    ['tls', said(!details.withoutTls)],
    ['cdn', said(details.cdn)],
    ['addresses', access?.addresses?.join(' ') ?? 'all'],
    ['countries', access?.countries?.join(' ') ?? 'all'],
    ['users', printable(access?.emails?.join(' ') ?? 'all')],
    ['premium only', said(access?.premiumOnly === true)],
  ]
  for (const row of table(rows)) session.print.line(row)
}
