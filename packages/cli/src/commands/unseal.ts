import { resolve } from 'node:path'
import { GatewayError, type Secret } from '@guichet/core'
import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { enterDeed } from '../deeds.ts'
import { openKeyholder } from '../keyholder.ts'
import { askSecret } from '../prompts.ts'
import { readSecretFile } from '../secret-files.ts'
import type { Session } from '../session.ts'
import { isInteractive } from '../world.ts'

interface UnsealOptions {
  readonly passFile?: string
  readonly ask?: boolean
}

export function addUnseal(program: Command, cli: Cli): void {
  program
    .command('unseal')
    .description('Open the vault again, by its unlock file or by a passphrase.')
    .option('--ask', 'ask for the passphrase, even if there is an unlock file')
    .option('--pass-file <file>', 'a file with the passphrase (- is the standard input)')
    .addHelpText('after', examples('guichet unseal', 'guichet unseal --ask'))
    .action((options: UnsealOptions, command: Command) =>
      cli.run(command, (session) => unseal(session, options)),
    )
}

async function unseal(session: Session, options: UnsealOptions): Promise<void> {
  await using keyholder = await openKeyholder(session)
  const passphrase = await readPassphrase(session, options)
  const status = await keyholder.unseal(passphrase)
  await enterDeed(session, 'unseal the keyholder')
  session.print.result(status, () => session.print.line('unsealed'))
}

/** Without a passphrase the keyholder reads its own unlock file or credential. */
async function readPassphrase(session: Session, options: UnsealOptions): Promise<Secret | undefined> {
  const { world } = session
  if (options.passFile !== undefined) {
    const path = options.passFile === '-' ? '-' : resolve(world.cwd, options.passFile)
    return readSecretFile(path, {
      what: 'the passphrase file',
      input: world.input,
      secrets: world.secrets,
      guarded: true,
    })
  }
  const asks = options.ask === true || (isInteractive(world) && (await isTyped(session)))
  if (!asks) return undefined
  if (!isInteractive(world)) {
    throw new GatewayError('invalid', 'there is no terminal to ask for the passphrase on', {
      hint: 'give it with --pass-file FILE, or --pass-file - for the standard input',
    })
  }
  return askSecret(world, 'The passphrase of the vault (not shown)', (text) =>
    text === '' ? 'type it' : undefined,
  )
}

/** Does the configuration say that a person types it? */
async function isTyped({ home, world }: Session): Promise<boolean> {
  const { loadConfig } = await import('@guichet/gateway')
  return loadConfig({ home: home.path, env: world.env }).unlock.kind === 'prompt'
}
