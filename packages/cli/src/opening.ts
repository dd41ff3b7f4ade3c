import { resolve } from 'node:path'
import { GatewayError, type Secret } from '@guichet/core'
import { askSecret } from './prompts.ts'
import { readSecretFile } from './secret-files.ts'
import type { Session } from './session.ts'
import { isInteractive } from './world.ts'

/** What opens the vault now: from the named file, else from the configured unlock file, else asked for. */
export async function readOpening(session: Session, file: string | undefined): Promise<Secret> {
  const { world } = session
  const path = file ?? (await configuredFile(session))
  if (path !== undefined) return readSecretOf(session, path)
  if (!isInteractive(world)) {
    throw new GatewayError('invalid', 'there is no terminal to ask for the passphrase of the vault on', {
      hint: 'give it with --with FILE, or --with - for the standard input',
    })
  }
  return askSecret(world, 'A passphrase that opens the vault now (not shown)', (text) =>
    text === '' ? 'type it' : undefined,
  )
}

/** A passphrase or an unlock file's content; `-` is the standard input. */
export function readSecretOf({ world }: Session, file: string): Promise<Secret> {
  const path = file === '-' ? '-' : resolve(world.cwd, file)
  return readSecretFile(path, { what: 'the file with the secret', input: world.input, guarded: true })
}

/** Asks twice, as nobody sees what is typed. */
export async function askNewPassphrase({ world }: Session): Promise<Secret> {
  const first = await askSecret(world, 'A new passphrase of 8 characters or more (not shown)', (text) =>
    [...text].length < 8 ? 'it is too short' : undefined,
  )
  await askSecret(world, 'The same passphrase again', (text) =>
    text === first.expose() ? undefined : 'that is another one',
  )
  return first
}

async function configuredFile({ home, world }: Session): Promise<string | undefined> {
  const { loadConfig } = await import('@guichet/gateway')
  const { unlock } = loadConfig({ home: home.path, env: world.env })
  return unlock.kind === 'file' ? unlock.path : undefined
}
