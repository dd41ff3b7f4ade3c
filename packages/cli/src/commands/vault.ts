import { resolve } from 'node:path'
import { GatewayError, Secret } from '@guichet/core'
import type { KdfCost, Way, WayChange } from '@guichet/keyholder'
import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { enterDeed } from '../deeds.ts'
import { borrowKeyholder } from '../keyholder.ts'
import { openUnlockFile } from '../new-home.ts'
import { askNewPassphrase, readOpening, readSecretOf } from '../opening.ts'
import { printable, table } from '../print.ts'
import type { Session } from '../session.ts'
import { isInteractive } from '../world.ts'

interface WithOption {
  readonly with?: string
}

interface CostOptions {
  readonly memory?: number
  readonly passes?: number
}

interface AddOptions extends WithOption, CostOptions {
  readonly unlockFile?: string
  readonly keyring?: boolean
  readonly passFile?: string
}

const WITH = [
  '--with <file>',
  'what opens the vault now (- is the standard input; default: the unlock file, else it asks)',
] as const

export function addVault(program: Command, cli: Cli): void {
  const vault = program
    .command('vault')
    .description(
      'Manage the ways to open the vault: passphrases and unlock files. The API key stays as it is.',
    )
    .addHelpText(
      'after',
      `\nEach change needs a secret that opens the vault now, and works with and without a running gateway.${examples(
        'guichet vault show',
        'guichet vault add laptop',
        'guichet vault add server --unlock-file /etc/guichet/unlock',
        'guichet vault remove laptop --with /etc/guichet/unlock',
      )}`,
    )
  vault
    .command('show')
    .description('List the ways to open the vault, and what a guess costs.')
    .addHelpText('after', examples('guichet vault show', 'guichet vault show --json'))
    .action((_options: object, command: Command) => cli.run(command, show))
  const add = vault
    .command('add')
    .description('Add another passphrase, or an unlock file, which is made if it is missing.')
    .argument('<name>', 'by what you will know it: small letters, digits and -')
    .option('--unlock-file <file>', 'an unlock file instead of a passphrase')
    .option('--keyring', 'a secret of its own, kept by the keyring of this system (secret-tool)')
    .option(
      '--pass-file <file>',
      'a file with the new passphrase, instead of a question (- is the standard input)',
    )
    .option(...WITH)
    .addHelpText(
      'after',
      examples('guichet vault add laptop', 'guichet vault add server --unlock-file /etc/guichet/unlock'),
    )
    .action((name: string, options: AddOptions, command: Command) =>
      cli.run(command, (session) => addWay(session, name, options)),
    )
  const passwd = vault
    .command('passwd')
    .description('Put another passphrase in the place of the one you give.')
    .option(
      '--pass-file <file>',
      'a file with the new passphrase, instead of a question (- is the standard input)',
    )
    .option(...WITH)
    .addHelpText('after', examples('guichet vault passwd'))
    .action((options: AddOptions, command: Command) =>
      cli.run(command, (session) => changePassphrase(session, options)),
    )
  const harden = vault
    .command('harden')
    .description('Make each guess at the secret you give dearer; the secret stays the same.')
    .option(...WITH)
    .addHelpText(
      'after',
      examples(
        'guichet vault harden --memory 256',
        'guichet vault harden --passes 6 --with /etc/guichet/unlock',
      ),
    )
    .action((options: WithOption & CostOptions, command: Command) =>
      cli.run(command, (session) => raiseCost(session, options)),
    )
  for (const command of [add, passwd, harden]) {
    command
      .option('--memory <MiB>', 'memory that each guess takes, 19 to 1024', parseCount)
      .option('--passes <n>', 'how often it goes through that memory, 2 or more', parseCount)
  }
  vault
    .command('remove')
    .description('Take one of the ways away. What opens the vault now must be another one.')
    .argument('<name>', 'as in `guichet vault show`')
    .option(...WITH)
    .addHelpText(
      'after',
      `\nWhoever has kept an old copy of the vault can still open that copy with it; if that is to be feared, rotate the API key
and make a new home.${examples('guichet vault remove laptop')}`,
    )
    .action((name: string, options: WithOption, command: Command) =>
      cli.run(command, (session) => removeWay(session, name, options)),
    )
}

async function show(session: Session): Promise<void> {
  const { print } = session
  const { inspectVault, readWays } = await import('@guichet/keyholder')
  const { ways } = await readWays(session.home.vault)
  const keyStoredAt = new Date(await inspectVault(session.home.vault)).toISOString()
  print.result({ ways, keyStoredAt }, () => {
    const rows = ways.map((way) => [
      way.name,
      way.kind,
      way.addedAt?.slice(0, 10) ?? 'not known',
      costText(way.cost),
    ])
    for (const row of table([['NAME', 'KIND', 'ADDED', 'A GUESS COSTS'], ...rows])) print.line(printable(row))
  })
}

async function addWay(session: Session, name: string, options: AddOptions): Promise<void> {
  const { isWayName } = await import('@guichet/keyholder')
  if (!isWayName(name)) {
    throw new GatewayError('invalid', `${JSON.stringify(name)} is not a name for a way`, {
      hint: 'use up to 32 small letters, digits and -',
    })
  }
  const given = [options.unlockFile, options.passFile, options.keyring].filter((one) => one !== undefined)
  if (given.length > 1) {
    throw new GatewayError('invalid', '--unlock-file, --pass-file and --keyring say different things', {
      hint: 'give one of them',
    })
  }
  requireAnswers(session, options)
  const secret = await readOpening(session, options.with)
  await using undo = new AsyncDisposableStack()
  const { kind, secret: added } = await newSecret(session, options, undo)
  await change(session, secret, {
    act: 'add',
    way: { name, kind, secret: added },
    cost: costOf(options),
  })
  undo.move()
  tell(session, { added: name, kind }, `the vault opens with ${name}, too`)
  if (kind === 'keyring')
    session.print.note('to start with it, write "unlock": {"kind":"keyring"} into config.json')
}

async function newSecret(
  session: Session,
  options: AddOptions,
  undo: AsyncDisposableStack,
): Promise<{ readonly kind: 'passphrase' | 'file' | 'keyring'; readonly secret: Secret }> {
  const { world, home } = session
  if (options.keyring === true) {
    const { readWays, writeKeyring } = await import('@guichet/keyholder')
    const { id, ways } = await readWays(home.vault)
    const before = ways.find((way) => way.kind === 'keyring')
    if (before !== undefined) {
      throw new GatewayError('conflict', `the keyring opens this vault already, as "${before.name}"`, {
        hint: `remove that way first: \`guichet vault remove ${before.name}\``,
      })
    }
    const secret = new Secret(Buffer.from(world.random(32)).toString('base64'))
    await writeKeyring(id, secret, world.env)
    return { kind: 'keyring', secret }
  }
  if (options.unlockFile === undefined)
    return { kind: 'passphrase', secret: await readNewPassphrase(session, options.passFile) }
  const path = resolve(world.cwd, options.unlockFile)
  return { kind: 'file', secret: await openUnlockFile(path, undefined, world, undo) }
}

async function changePassphrase(session: Session, options: AddOptions): Promise<void> {
  requireAnswers(session, options)
  const secret = await readOpening(session, options.with)
  const next = await readNewPassphrase(session, options.passFile)
  await change(session, secret, { act: 'replace', secret: next, cost: costOf(options) })
  tell(session, { changed: true }, 'the passphrase is changed')
}

async function raiseCost(session: Session, options: WithOption & CostOptions): Promise<void> {
  const cost = costOf(options)
  if (cost === undefined) {
    throw new GatewayError('invalid', 'it is not said how dear a guess is to be', {
      hint: 'give --memory MiB, --passes N or both; `guichet vault show` shows what it is',
    })
  }
  await change(session, await readOpening(session, options.with), { act: 'replace', cost })
  tell(session, { changed: true }, 'a guess costs more now; the secret is the same')
}

async function removeWay(session: Session, name: string, options: WithOption): Promise<void> {
  await change(session, await readOpening(session, options.with), { act: 'remove', name })
  tell(session, { removed: name }, `the vault does not open with ${name} any more`)
}

async function change(session: Session, secret: Secret, wish: WayChange): Promise<void> {
  await using keyholder = await borrowKeyholder(session)
  await keyholder.changeWays(secret, wish)
  await enterDeed(session, deedOf(wish))
}

function deedOf(wish: WayChange): string {
  if (wish.act === 'add') return `let the vault open with ${wish.way.name} (${wish.way.kind}), too`
  if (wish.act === 'remove') return `let the vault not open with ${wish.name} any more`
  return wish.secret === undefined ? 'make a guess at a way to the vault dearer' : 'change a way to the vault'
}

function tell({ print }: Session, value: object, text: string): void {
  print.result(value, () => print.line(text))
}

/** One stream cannot hold two secrets, and nobody can be asked without a terminal: told before anything is read. */
function requireAnswers({ world }: Session, options: AddOptions): void {
  if (options.with === '-' && options.passFile === '-') {
    throw new GatewayError('invalid', 'both secrets are to come from the standard input', {
      hint: 'keep one of them in a file of its own',
    })
  }
  const isAsked =
    options.unlockFile === undefined && options.passFile === undefined && options.keyring !== true
  if (isAsked && !isInteractive(world)) {
    throw new GatewayError('invalid', 'there is no terminal to ask for the new passphrase on', {
      hint: 'give it with --pass-file FILE',
    })
  }
}

function readNewPassphrase(session: Session, file: string | undefined): Promise<Secret> {
  return file === undefined ? askNewPassphrase(session) : readSecretOf(session, file)
}

function costOf({ memory, passes }: CostOptions): Partial<KdfCost> | undefined {
  if (memory === undefined && passes === undefined) return undefined
  return {
    ...(passes !== undefined && { passes }),
    ...(memory !== undefined && { memoryKiB: memory * 1024 }),
  }
}

function costText({ passes, memoryKiB, parallelism }: Way['cost']): string {
  return `${passes} passes over ${Math.round(memoryKiB / 1024)} MiB in ${parallelism} lanes`
}

function parseCount(text: string): number {
  if (/^\d{1,7}$/.test(text)) return Number(text)
  throw new GatewayError('invalid', `${JSON.stringify(text)} is not a number`, { hint: 'write it in digits' })
}
