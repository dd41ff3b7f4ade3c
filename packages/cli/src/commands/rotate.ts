import { resolve } from 'node:path'
import { GatewayError, type Secret } from '@guichet/core'
import type { Command } from 'commander'
import { type Cli, examples } from '../command.ts'
import { CONSOLE_PAGE, MAKING_A_KEY } from '../console-page.ts'
import { enterDeed } from '../deeds.ts'
import { borrowKeyholder } from '../keyholder.ts'
import { readOpening } from '../opening.ts'
import { askSecret } from '../prompts.ts'
import { problemOfApiKey, readSecretFile } from '../secret-files.ts'
import type { Session } from '../session.ts'
import { isInteractive } from '../world.ts'

interface RotateOptions {
  readonly keyFile?: string
  readonly with?: string
  readonly check: boolean
}

export function addRotate(program: Command, cli: Cli): void {
  program
    .command('rotate')
    .description('Put a new API key in the place of the old one; virtual keys stay as they are.')
    .option('--key-file <file>', 'a file with the new API key (- is the standard input)')
    .option('--with <file>', 'what opens the vault, if it is sealed (default: the unlock file, else it asks)')
    .option('--no-check', 'do not try the new key with one call first')
    .addHelpText(
      'after',
      `\nMake the new key on ${CONSOLE_PAGE} first. If 1fichier refuses it, the old one stays.
It works while the gateway serves, and no request fails for it; without a gateway and on a sealed vault it works too.${examples(
        'guichet rotate',
        'guichet rotate --key-file - < new-key.txt',
      )}`,
    )
    .action((options: RotateOptions, command: Command) =>
      cli.run(command, (session) => rotate(session, options)),
    )
}

async function rotate(session: Session, options: RotateOptions): Promise<void> {
  const { print } = session
  await using keyholder = await borrowKeyholder(session)
  const { sealed } = await keyholder.status()
  const newKey = await readNewKey(session, options)
  const secret = sealed ? await readOpening(session, options.with) : undefined
  const { check } = options
  const status = await keyholder.rotate(newKey, { check, secret })
  await enterDeed(session, `put another API key into the vault${check ? '' : ', without trying it'}`)
  const isResumed = check && !sealed && (await resume(session))
  print.result(status, () => print.line(sealed ? 'the new API key is stored' : 'the new API key is in use'))
  print.note(
    `Now delete the old key on ${CONSOLE_PAGE}, if it is still there: it opens the account to whoever has it.`,
  )
  if (sealed) print.note('`guichet serve` and `guichet unseal` use the new one from now on.')
  else if (!isResumed)
    print.note('If calls had been refused because of the old key, `guichet resume` lets them go on.')
}

/** What waits because 1fichier refused the old key goes on: the new one has just been taken. */
async function resume(session: Session): Promise<boolean> {
  try {
    await session.connect().guichet.resume({ signal: session.stop })
    return true
  } catch (failure) {
    if (GatewayError.from(failure).code === 'cancelled') throw failure
    return false // The key is in its place; nobody serves, or the gateway is busy: the person is told what to do.
  }
}

async function readNewKey({ world, print }: Session, { keyFile }: RotateOptions): Promise<Secret> {
  if (keyFile !== undefined) {
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
      hint: `put the 32 characters from ${CONSOLE_PAGE} into it, and nothing else`,
    })
  }
  if (!isInteractive(world)) {
    throw new GatewayError('invalid', 'there is no terminal to ask for the new key on', {
      hint: 'give it with --key-file FILE, or --key-file - for the standard input',
    })
  }
  for (const line of MAKING_A_KEY) print.note(line)
  return askSecret(world, 'The new API key (not shown)', problemOfApiKey)
}
