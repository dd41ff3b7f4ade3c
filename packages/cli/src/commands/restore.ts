import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { GatewayError, Secret } from '@guichet/core'
import type { Command } from 'commander'
import { decrypt, type Opener } from '../backup/age.ts'
import type { Manifest } from '../backup/manifest.ts'
import { unpackBackup } from '../backup/unpack.ts'
import { type Cli, examples } from '../command.ts'
import { fileError } from '../failures.ts'
import { inNewHome, requireNoHome } from '../new-home.ts'
import { readSecretOf } from '../opening.ts'
import { countText } from '../print.ts'
import { askSecret } from '../prompts.ts'
import { readSecretLines } from '../secret-files.ts'
import type { Session } from '../session.ts'
import { isInteractive } from '../world.ts'

interface RestoreOptions {
  readonly identity?: string
  readonly passFile?: string
}

export function addRestore(program: Command, cli: Cli): void {
  program
    .command('restore')
    .description('Make a home from a backup, where there is none.')
    .argument('<file>', 'what `guichet backup` made')
    .option('-i, --identity <file>', 'the age key of a recipient, as `age-keygen -o FILE` made it')
    .option('--pass-file <file>', 'a file with the passphrase of the backup (- is the standard input)')
    .addHelpText(
      'after',
      `\nAll of it is checked before anything is put into its place; a home that is there is never written over.
Keys that were revoked after the backup was made are good again: revoke them once more, or run \`guichet panic\`.${examples(
        'guichet restore guichet-2027-01-01.age',
        'guichet --home /srv/guichet restore --identity key.txt guichet.age',
      )}`,
    )
    .action((file: string, options: RestoreOptions, command: Command) =>
      cli.run(command, (session) => restore(session, file, options)),
    )
}

async function restore(session: Session, file: string, options: RestoreOptions): Promise<void> {
  const { home, world, print } = session
  await requireNoHome(home)
  const path = resolve(world.cwd, file)
  await requireFile(path)
  const opener = await readOpener(session, options)
  const { checkHome, enterInLedger } = await import('@guichet/gateway')
  const manifest: Manifest[] = []
  await inNewHome(home, async (draft) => {
    manifest.push(await unpackBackup(await decrypt(createReadStream(path), opener), draft))
    await checkHome(draft)
    await enterInLedger(draft, `restore the home from its backup of ${manifest[0]?.madeAt}`, world)
  })
  const [{ madeAt, files } = { madeAt: '', files: [] }] = manifest
  print.result({ home: home.path, madeAt, files: files.length }, () =>
    print.line(`restored ${home.path} as it was at ${madeAt}: ${countText(files.length, 'file')}`),
  )
  print.note(
    'If an unlock file opens the vault, put it back: `guichet config show` says where it is looked for.',
  )
  print.note('Virtual keys are as they were then: `guichet key list` shows them, also those revoked since.')
}

async function readOpener(session: Session, { identity, passFile }: RestoreOptions): Promise<Opener> {
  const { world } = session
  if (identity !== undefined) {
    const lines = await readSecretLines(resolve(world.cwd, identity), 'the identity file')
    const identities = lines
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => new Secret(line))
    return { kind: 'identities', identities }
  }
  if (passFile !== undefined) return { kind: 'passphrase', passphrase: await readSecretOf(session, passFile) }
  if (!isInteractive(world)) {
    throw new GatewayError('invalid', 'there is no terminal to ask for the passphrase of the backup on', {
      hint: 'give --identity FILE or --pass-file FILE',
    })
  }
  const passphrase = await askSecret(world, 'The passphrase of the backup (not shown)', (text) =>
    text === '' ? 'type it' : undefined,
  )
  return { kind: 'passphrase', passphrase }
}

async function requireFile(path: string): Promise<void> {
  try {
    const { isDirectory } = await stat(path).then((found) => ({ isDirectory: found.isDirectory() }))
    if (isDirectory)
      throw new GatewayError('invalid', `${path} is a directory`, { hint: 'name a backup file' })
  } catch (failure) {
    throw fileError(failure) ?? failure
  }
}
