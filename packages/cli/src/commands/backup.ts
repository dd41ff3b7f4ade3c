import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { GatewayError } from '@guichet/core'
import type { Command } from 'commander'
import type { Lock } from '../backup/age.ts'
import { makeBackup } from '../backup/make.ts'
import { type Cli, collect, examples } from '../command.ts'
import { enterDeed } from '../deeds.ts'
import { askNewPassphrase, readSecretOf } from '../opening.ts'
import { countText } from '../print.ts'
import type { Session } from '../session.ts'
import { VERSION } from '../version.ts'
import { isInteractive } from '../world.ts'

interface BackupOptions {
  readonly recipient?: readonly string[]
  readonly passFile?: string
}

export function addBackup(program: Command, cli: Cli): void {
  program
    .command('backup')
    .description('Write all that makes this home into one encrypted file, while it serves or not.')
    .argument('<file>', 'the file to make')
    .option(
      '-r, --recipient <recipient>',
      'for the owner of this age key (age1...); can be repeated',
      collect,
    )
    .option('--pass-file <file>', 'a file with the passphrase of the backup (- is the standard input)')
    .addHelpText(
      'after',
      `\nThe file is an age file (https://age-encryption.org) around a tar file: \`age -d FILE | tar x\` opens it as well.
In it are the vault, still sealed, the database, the certificate authority and the configuration. Not in it are the unlock
file, which is to be kept apart, and uploads that 1fichier does not have yet.${examples(
        'guichet backup guichet-2027-01-01.age',
        'guichet backup --recipient age1... guichet.age',
      )}`,
    )
    .action((file: string, options: BackupOptions, command: Command) =>
      cli.run(command, (session) => backup(session, file, options)),
    )
}

async function backup(session: Session, file: string, options: BackupOptions): Promise<void> {
  const { home, world, print } = session
  const { inspectVault } = await import('@guichet/keyholder')
  await inspectVault(home.vault)
  const { copyDatabase, loadConfig } = await import('@guichet/gateway')
  const { unlock } = loadConfig({ home: home.path, env: world.env })
  const unlockFile = unlock.kind === 'file' ? unlock.path : undefined
  const path = resolve(world.cwd, file)
  const lock = await readLock(session, options)
  const nowMs = world.clock.nowMs()
  const { files } = await makeBackup({
    home: home.path,
    file: path,
    lock,
    unlockFile,
    version: VERSION,
    nowMs,
    copyDatabase,
  })
  await enterDeed(session, 'write a backup of the home')
  const waiting = await spooled(home.path)
  print.result(
    { file: path, files: files.map(({ name, sizeBytes }) => ({ name, sizeBytes })), uploadsLeftOut: waiting },
    () => print.line(`wrote ${path}: ${countText(files.length, 'file')}`),
  )
  if (unlockFile !== undefined)
    print.note(`not in it: ${unlockFile}, without which (or another way) the vault does not open`)
  if (waiting > 0) print.warning(`not in it: ${countText(waiting, 'upload')} that 1fichier does not have yet`)
}

async function readLock(session: Session, { recipient, passFile }: BackupOptions): Promise<Lock> {
  if (recipient !== undefined && passFile !== undefined) {
    throw new GatewayError('invalid', 'an age file is for recipients or for a passphrase, not for both', {
      hint: 'give --recipient or --pass-file',
    })
  }
  if (recipient !== undefined) return { kind: 'recipients', recipients: recipient }
  if (passFile !== undefined) return { kind: 'passphrase', passphrase: await readSecretOf(session, passFile) }
  if (isInteractive(session.world)) return { kind: 'passphrase', passphrase: await askNewPassphrase(session) }
  throw new GatewayError('invalid', 'there is no terminal to ask for a passphrase of the backup on', {
    hint: 'give --recipient age1..., or --pass-file FILE',
  })
}

async function spooled(home: string): Promise<number> {
  const names = await readdir(join(home, 'spool')).catch(() => []) // A home that was never served has none.
  return names.length
}
