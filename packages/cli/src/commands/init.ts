import { resolve } from 'node:path'
import { GatewayError, type Secret } from '@guichet/core'
import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { makeHome, requireNoHome, type Unlock } from '../new-home.ts'
import { askSecret, askText, choose } from '../prompts.ts'
import { problemOfApiKey, readSecretFile } from '../secret-files.ts'
import type { Session } from '../session.ts'
import { isInteractive } from '../world.ts'

interface InitOptions {
  readonly keyFile?: string
  readonly unlockFile?: string
}

export function addInit(program: Command, cli: Cli): void {
  program
    .command('init')
    .description('Take the API key of a 1fichier account into a new, encrypted home.')
    .option(
      '--key-file <file>',
      'a file with the API key, removed by you afterwards (- is the standard input)',
    )
    .option('--unlock-file <file>', 'what opens the vault without a person; made if it is missing')
    .addHelpText(
      'after',
      `\nThe API key is made on https://1fichier.com/console/params.pl. It is never taken from the command line or the\nenvironment, where other programs could read it.${examples(
        'guichet init',
        'guichet init --key-file - --unlock-file /etc/guichet/unlock < key.txt',
      )}`,
    )
    .action((options: InitOptions, command: Command) => cli.run(command, (session) => init(session, options)))
}

async function init(session: Session, options: InitOptions): Promise<void> {
  const { world, print, home } = session
  await requireNoHome(home)
  requireAnswers(session, options)
  const apiKey = await readApiKey(session, options.keyFile)
  const unlock = await readUnlock(session, options.unlockFile)
  await makeHome(home, { apiKey, unlock, world })
  const value = {
    home: home.path,
    vault: home.vault,
    config: home.config,
    authority: home.authority,
    unlock: unlock.kind === 'file' ? { kind: unlock.kind, path: unlock.path } : { kind: unlock.kind },
  }
  print.result(value, () => print.line(`made ${home.path}`))
  for (const line of nextSteps(unlock, options.keyFile)) print.note(line)
}

/** Without a terminal nobody can be asked: everything that is missing is named at once. */
function requireAnswers({ world }: Session, options: InitOptions): void {
  const missing = [
    ...(options.keyFile === undefined ? ['--key-file'] : []),
    ...(options.unlockFile === undefined ? ['--unlock-file'] : []),
  ]
  if (missing.length === 0 || isInteractive(world)) return
  const verb = missing.length === 1 ? 'is' : 'are'
  throw new GatewayError(
    'invalid',
    `there is no terminal to ask on, and ${missing.join(' and ')} ${verb} missing`,
    {
      hint: 'run `guichet init --key-file FILE --unlock-file FILE`, or run it on a terminal',
    },
  )
}

async function readApiKey({ world }: Session, keyFile: string | undefined): Promise<Secret> {
  if (keyFile === undefined)
    return askSecret(world, 'The API key of the account (not shown)', problemOfApiKey)
  const path = keyFile === '-' ? '-' : resolve(world.cwd, keyFile)
  const apiKey = await readSecretFile(path, {
    what: 'the key file',
    input: world.input,
    secrets: world.secrets,
    guarded: false,
  })
  const problem = problemOfApiKey(apiKey.expose())
  if (problem === undefined) return apiKey
  throw new GatewayError('invalid', `the key file holds no API key: ${problem}`, {
    hint: 'put the 32 characters from https://1fichier.com/console/params.pl into it, and nothing else',
  })
}

/** Asks what is to open the vault, unless a file was named. */
export async function readUnlock(session: Session, unlockFile: string | undefined): Promise<Unlock> {
  const { world, home } = session
  if (unlockFile !== undefined) return { kind: 'file', path: resolve(world.cwd, unlockFile) }
  const kind = await choose(world, 'How is the vault to be opened when the gateway starts?', [
    { value: 'prompt', label: 'by a passphrase', hint: 'you type it at each start' },
    {
      value: 'file',
      label: 'by an unlock file',
      hint: 'it starts by itself; whoever reads the file and the vault has the key',
    },
  ])
  if (kind === 'file') {
    const path = await askText(world, 'Where is the file to be?', `${home.path}-unlock`)
    return { kind: 'file', path: resolve(world.cwd, path) }
  }
  const first = await askSecret(world, 'A passphrase of 8 characters or more (not shown)', (text) =>
    [...text].length < 8 ? 'it is too short' : undefined,
  )
  await askSecret(world, 'The same passphrase again', (text) =>
    text === first.expose() ? undefined : 'that is another one',
  )
  return { kind: 'prompt', passphrase: first }
}

function nextSteps(unlock: Unlock, keyFile: string | undefined): readonly string[] {
  return [
    ...(unlock.kind === 'file'
      ? [`the vault opens with ${unlock.path}: keep that file apart from backups of the home`]
      : []),
    ...(keyFile !== undefined && keyFile !== '-' ? [`remove ${keyFile}: the vault has the key now`] : []),
    '',
    'Next:',
    '  guichet serve                                   start the gateway',
    '  guichet ls /                                    look at the account',
    '  guichet run -- rclone copy DIR :fichier:x       use a tool as it is',
    '  guichet key create --name NAME --verbs read     make a key for another program',
  ]
}
