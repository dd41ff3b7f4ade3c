import { resolve } from 'node:path'
import { GatewayError, type Secret } from '@guichet/core'
import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { openKeyholder } from '../keyholder.ts'
import { askSecret } from '../prompts.ts'
import { problemOfApiKey, readSecretFile } from '../secret-files.ts'
import type { Session } from '../session.ts'
import { isInteractive } from '../world.ts'

interface RotateOptions {
  readonly keyFile?: string
  readonly check: boolean
}

export function addRotate(program: Command, cli: Cli): void {
  program
    .command('rotate')
    .description('Put a new API key in the place of the old one; virtual keys stay as they are.')
    .option('--key-file <file>', 'a file with the new API key (- is the standard input)')
    .option('--no-check', 'do not try the new key with one call first')
    .addHelpText(
      'after',
      `\nMake the new key on https://1fichier.com/console/params.pl first. If 1fichier refuses it, the old one stays.${examples(
        'guichet rotate',
        'guichet rotate --key-file - < new-key.txt',
      )}`,
    )
    .action((options: RotateOptions, command: Command) =>
      cli.run(command, (session) => rotate(session, options)),
    )
}

async function rotate(session: Session, options: RotateOptions): Promise<void> {
  await using keyholder = await openKeyholder(session)
  const status = await keyholder.rotate(await readNewKey(session, options), { check: options.check })
  session.print.result(status, () => session.print.line('the new API key is in use'))
  session.print.note('if calls had been refused because of the old key, `guichet resume` lets them go on')
}

async function readNewKey({ world }: Session, { keyFile }: RotateOptions): Promise<Secret> {
  if (keyFile !== undefined) {
    const path = keyFile === '-' ? '-' : resolve(world.cwd, keyFile)
    const apiKey = await readSecretFile(path, { what: 'the key file', input: world.input, guarded: false })
    const problem = problemOfApiKey(apiKey.expose())
    if (problem === undefined) return apiKey
    throw new GatewayError('invalid', `the key file holds no API key: ${problem}`, {
      hint: 'put the 32 characters from https://1fichier.com/console/params.pl into it, and nothing else',
    })
  }
  if (!isInteractive(world)) {
    throw new GatewayError('invalid', 'there is no terminal to ask for the new key on', {
      hint: 'give it with --key-file FILE, or --key-file - for the standard input',
    })
  }
  return askSecret(world, 'The new API key (not shown)', problemOfApiKey)
}
