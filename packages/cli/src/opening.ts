import { resolve } from 'node:path'
import { GatewayError, type Secret } from '@guichet/core'
import { askSecret } from './prompts.ts'
import { readSecretFile } from './secret-files.ts'
import type { Session } from './session.ts'
import { isInteractive } from './world.ts'

/** What opens the vault now: from the named file, else from the configured unlock file or keyring, else asked for. */
export async function readOpening(session: Session, file: string | undefined): Promise<Secret> {
  const { world } = session
  if (file !== undefined) return readSecretOf(session, file)
  const { loadConfig } = await import('@guichet/gateway')
  const { unlock } = loadConfig({ home: session.home.path, env: world.env })
  if (unlock.kind === 'file') return readSecretOf(session, unlock.path)
  if (unlock.kind === 'keyring') {
    const { readKeyring, readWays } = await import('@guichet/keyholder')
    return readKeyring((await readWays(session.home.vault)).id, world.env)
  }
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
