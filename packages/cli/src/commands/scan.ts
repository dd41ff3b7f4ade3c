import { resolve } from 'node:path'
import { GatewayError } from '@guichet/core'
import { EXPORTS, installHook, type ScanOptions } from '@guichet/leaks'
import type { ApiLeakedKey } from '@guichet/sdk'
import { type Command, Option } from 'commander'
import { type Cli, examples } from '../command.ts'
import { countText, printable } from '../print.ts'
import { type Found, foundOf, foundText, sarifOf } from '../scanning/report.ts'
import { scanAll, type Wanted } from '../scanning/sources.ts'
import type { Session } from '../session.ts'
import { parseSizeTest, sizeText } from '../sizes.ts'
import { VERSION } from '../version.ts'

interface Options {
  readonly git?: boolean
  readonly staged?: boolean
  readonly places?: boolean
  readonly revoke?: boolean
  readonly sarif?: boolean
  readonly installHook?: boolean
  readonly export?: keyof typeof EXPORTS
  readonly maxSize: number
}

/** Something was found. */
const FOUND = 1

export function addScan(program: Command, cli: Cli): void {
  program
    .command('scan')
    .description('Find API keys of 1fichier and virtual keys where they should not be.')
    .argument('[path...]', 'files and folders, or - for the standard input (default: the current folder)')
    .option('--git', 'the whole history of the repository there, with what no branch shows any more')
    .option('--staged', 'what is about to be committed there')
    .option('--places', 'where tools keep keys: rclone, JDownloader, pyLoad, .env, compose files, histories')
    .option('--revoke', 'end the virtual keys that are found, at the gateway of this machine')
    .option('--sarif', 'print SARIF, for code scanning')
    .option('--install-hook', 'scan each commit of the repository there before it is made')
    .addOption(
      new Option('--export <tool>', 'print the rules for another scanner').choices(Object.keys(EXPORTS)),
    )
    .addOption(
      new Option('--max-size <size>', 'leave larger files out')
        .argParser((text) => parseSizeTest(text).bytes)
        .default(50 * 1024 * 1024, '50M'),
    )
    .addHelpText(
      'after',
      `\nNo key is ever printed, only enough of it for its owner to know it. Exits with 1 when something was found, 0 when not.${examples(
        'guichet scan ~/scripts',
        'guichet scan --places',
        'guichet scan --git ~/src/tool --json',
        'tool 2>&1 | guichet scan -',
        'guichet scan --install-hook',
        'guichet scan --export gitleaks > gitleaks.toml',
      )}`,
    )
    .action((paths: string[], options: Options, command: Command) =>
      cli.run(command, (session) => scan(session, paths, options)),
    )
}

async function scan(session: Session, paths: readonly string[], options: Options): Promise<number> {
  const { print } = session
  if (options.export !== undefined) {
    print.line(EXPORTS[options.export]().trimEnd())
    return 0
  }
  const { git = false, staged = false, places = false } = options
  if (git && staged) throw twoWays('--git', '--staged')
  if (options.sarif === true && print.isJson) throw twoWays('--sarif', '--json')
  if (options.installHook === true) {
    await hook(session, paths)
    return 0
  }
  const seen = await look(
    session,
    { paths, git, staged, places },
    {
      maxBytes: options.maxSize,
      signal: session.stop,
    },
    options.sarif !== true && !print.isJson,
  )
  const revoked = options.revoke === true ? await revoke(session, [...seen.virtualKeys.values()]) : undefined
  if (options.sarif === true) print.json(sarifOf(seen.found, VERSION))
  else if (print.isJson) {
    const { found, unread, contents, bytes } = seen
    print.json({ found, unread, looked: { contents, bytes }, ...(revoked !== undefined && { revoked }) })
  }
  conclude(session, seen, options.revoke === true)
  return seen.found.length > 0 ? FOUND : 0
}

interface Seen {
  readonly found: Found[]
  readonly unread: { readonly path: string; readonly reason: string }[]
  /** The texts of virtual keys, by their fingerprints. */
  readonly virtualKeys: Map<string, string>
  contents: number
  bytes: number
}

async function look(
  { world, print }: Session,
  wanted: Wanted,
  options: ScanOptions,
  isShown: boolean,
): Promise<Seen> {
  const seen: Seen = { found: [], unread: [], virtualKeys: new Map(), contents: 0, bytes: 0 }
  for await (const scanned of scanAll(world, wanted, options)) {
    if (scanned.kind === 'looked') {
      seen.contents += 1
      seen.bytes += scanned.bytes
    } else if (scanned.kind === 'unread') {
      seen.unread.push({ path: scanned.path, reason: scanned.reason })
      print.note(`left out: ${printable(scanned.path)}: ${scanned.reason}`)
    } else {
      const found = foundOf(scanned)
      const { finding } = scanned
      if (finding.kind === 'virtual-key') seen.virtualKeys.set(finding.fingerprint, finding.secret.expose())
      world.secrets.learn(finding.secret.expose())
      seen.found.push(found)
      if (isShown) print.line(printable(foundText(found)))
    }
  }
  return seen
}

function conclude({ print }: Session, { found, contents, bytes, unread }: Seen, isRevoking: boolean): void {
  const left = unread.length === 0 ? '' : `, ${unread.length} left out`
  print.note(`looked through ${countText(contents, 'content')} (${sizeText(bytes)}${left})`)
  const kinds = new Set(found.map(({ kind }) => kind))
  const count = new Set(found.map(({ fingerprint }) => fingerprint)).size
  if (found.length === 0) return
  print.warning(`${countText(count, 'key')} in ${countText(found.length, 'place')}`)
  if (kinds.has('api-key'))
    print.note(
      'an API key that others can read is exposed: make a new one on https://1fichier.com/console/params.pl, then `guichet rotate`',
    )
  if (kinds.has('virtual-key') && !isRevoking)
    print.note('the same command with --revoke ends the virtual keys that were found')
}

/** At most so many in one request; the gateway takes more. */
const AT_ONCE = 500

async function revoke(session: Session, texts: readonly string[]): Promise<readonly (ApiLeakedKey | null)[]> {
  const { print, stop } = session
  const all: (ApiLeakedKey | null)[] = []
  for (let from = 0; from < texts.length; from += AT_ONCE) {
    const keys = await session
      .connect()
      .guichet.revokeLeaked(texts.slice(from, from + AT_ONCE), { signal: stop })
    all.push(...keys)
  }
  const known = all.filter((key) => key !== null)
  for (const key of known)
    print.note(`${key.wasOver ? 'had been revoked' : 'revoked'}: ${key.id} (${printable(key.name)})`)
  if (known.length < all.length)
    print.note(`${countText(all.length - known.length, 'virtual key')} of another gateway, or long over`)
  return all
}

async function hook({ print, world }: Session, paths: readonly string[]): Promise<void> {
  const [folder = '.', ...more] = paths
  if (more.length > 0) {
    throw new GatewayError('invalid', '--install-hook takes one repository', { hint: 'name one folder' })
  }
  const installed = await installHook(resolve(world.cwd, folder), world.self)
  print.result(installed, () => {
    print.line(`${installed.isNew ? 'installed' : 'renewed'} ${printable(installed.path)}`)
    if (installed.kept !== undefined)
      print.line(`the hook that was there runs first: ${printable(installed.kept)}`)
  })
}

function twoWays(one: string, other: string): GatewayError {
  return new GatewayError('invalid', `${one} and ${other} say two different things`, {
    hint: 'give one of them',
  })
}
