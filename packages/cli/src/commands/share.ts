import { resolve } from 'node:path'
import { GatewayError } from '@guichet/core'
import type { ApiShare } from '@guichet/sdk'
import type { Command } from 'commander'
import { type Cli, collect, examples } from '../command.ts'
import { parsePlace } from '../places.ts'
import { readSecretFile } from '../secret-files.ts'
import type { Session } from '../session.ts'

interface ShareOptions {
  readonly public?: boolean
  readonly passFile?: string
  readonly user?: readonly string[]
  readonly users?: false
}

export function addShare(program: Command, cli: Cli): void {
  program
    .command('share')
    .description('Share a folder: by a public link, or with other users of 1fichier.')
    .argument('<place>', 'a path or folder:123')
    .option('--public', 'give it a public link')
    .option('--no-public', 'take the public link away')
    .option('--pass-file <file>', 'a file with the password of the public link (- is the standard input)')
    .option(
      '-u, --user <mail[:rw|:hide]>',
      'share with this user; may be repeated, replaces the earlier list',
      collect,
    )
    .option('--no-users', 'share with no user any more')
    .addHelpText(
      'after',
      examples('guichet share /photos --public', 'guichet share /work --user ada@example.com:rw'),
    )
    .action((place: string, options: ShareOptions, command: Command) =>
      cli.run(command, (session) => share(session, parsePlace(place), options)),
    )
}

async function share(session: Session, at: string, options: ShareOptions): Promise<void> {
  const { print, stop, world } = session
  const users = options.users === false ? [] : options.user?.map(parseUser)
  if (options.public === undefined && users === undefined && options.passFile === undefined) {
    throw new GatewayError('invalid', 'nothing was said about how to share it', {
      hint: 'give --public, --no-public, --pass-file, --user or --no-users; `guichet link` prints the present link',
    })
  }
  const pass =
    options.passFile === undefined
      ? undefined
      : await readSecretFile(options.passFile === '-' ? '-' : resolve(world.cwd, options.passFile), {
          what: 'the password file',
          input: world.input,
          guarded: false,
        })
  const shared = await session.connect().guichet.share(
    {
      at,
      ...(options.public === undefined ? {} : { public: options.public }),
      ...(pass === undefined ? {} : { pass: pass.expose() }),
      ...(users === undefined ? {} : { users }),
    },
    { signal: stop },
  )
  print.result(shared, () => print.line(shared.url ?? 'it has no public link'))
}

function parseUser(text: string): NonNullable<ApiShare['users']>[number] {
  const match = /^([^\s:@]+@[^\s:@]+)(?::(rw|ro|hide))?$/.exec(text)
  if (match === null) {
    throw new GatewayError('invalid', `${JSON.stringify(text)} is not a user`, {
      hint: 'write the e-mail address, followed by :rw where they may write, or :hide to hide the links',
    })
  }
  const [, email = '', right] = match
  return { email, mayWrite: right === 'rw', hideLinks: right === 'hide' }
}
