import { DAY_MS, GatewayError, isKeyText, isWrapToken, mayBeApiKey, Secret } from '@guichet/core'
import type { ApiIssuedKey } from '@guichet/sdk'
import type { Command } from 'commander'
import { type Cli, examples } from '../../command.ts'
import { printable } from '../../print.ts'
import { readSecretFile } from '../../secret-files.ts'
import type { Session } from '../../session.ts'
import { durationText, spanUpTo } from '../../times.ts'

/** What concerns the texts of keys rather than the keys. */
export function addKeyTexts(key: Command, cli: Cli): void {
  key
    .command('rotate')
    .description('Give a key a new text. It keeps its id, its limits, its use and its end.')
    .argument('<key>', 'its id or name')
    .option(
      '--overlap <duration>',
      'the old text is good for so long still (default: it ends now)',
      spanUpTo(30 * DAY_MS),
    )
    .addHelpText(
      'after',
      examples('guichet key rotate backup --overlap 1h', 'guichet key rotate k-1a2b3c4d --json'),
    )
    .action((id: string, { overlap = 0 }: { overlap?: number }, command: Command) =>
      cli.run(command, (session) => rotate(session, id, overlap)),
    )
  key
    .command('unwrap')
    .description(
      'Fetch the text of a key with the token that was made by `guichet key create --wrap`. It works once.',
    )
    .argument('<token>', 'the token or its link, or - to read it from the standard input')
    .addHelpText('after', examples('GUICHET_URL=http://192.168.1.5:8474 guichet key unwrap -'))
    .action((token: string, _options: object, command: Command) =>
      cli.run(command, (session) => unwrap(session, token)),
    )
  key
    .command('check')
    .description('Tell whether a text has the form and the checksum of a virtual key. Asks nobody.')
    .argument('<text>', 'the text, or - to read it from the standard input')
    .addHelpText('after', examples('pass show guichet | guichet key check -'))
    .action((text: string, _options: object, command: Command) =>
      cli.run(command, (session) => check(session, text)),
    )
}

async function rotate(session: Session, id: string, overlapMs: number): Promise<void> {
  const { print, stop } = session
  const issued: ApiIssuedKey = await session.connect().guichet.rotateKey(id, overlapMs, { signal: stop })
  print.result(issued, () => {
    print.line(issued.key)
    const rest =
      overlapMs === 0 ? 'the old text has ended' : `the old text is good for ${durationText(overlapMs)}`
    print.note(`${issued.id} (${printable(issued.name)}) has a new text, shown this once; ${rest}`)
  })
}

async function unwrap(session: Session, text: string): Promise<void> {
  const { print, stop } = session
  const told = (await secretOf(session, text, 'the token')).expose()
  const token = told.slice(told.lastIndexOf('#') + 1)
  if (!isWrapToken(token)) {
    throw new GatewayError('invalid', 'this is not a token that fetches a key', {
      hint: 'copy all 32 characters that begin with gcw_; nothing has been used up',
    })
  }
  const unwrapped = await session.connectWithoutKey().unwrapKey(token, { signal: stop })
  print.result(unwrapped, () => {
    print.line(unwrapped.key)
    print.note(
      `the key ${printable(unwrapped.name)}, shown this once; if somebody else comes with the token, it ends`,
    )
  })
}

async function check(session: Session, text: string): Promise<void> {
  const { print } = session
  const secret = (await secretOf(session, text, 'the text')).expose()
  if (!isKeyText(secret)) throw noKey(secret)
  print.result({ isKey: true }, () =>
    print.line('a virtual key of Guichet, whole; only its gateway knows whether it is good'),
  )
}

function noKey(text: string): GatewayError {
  if (isWrapToken(text)) {
    return new GatewayError('invalid', 'this is a token that fetches a key, not a key', {
      hint: '`guichet key unwrap -` fetches it, once',
    })
  }
  if (text.startsWith('gch_')) {
    return new GatewayError(
      'invalid',
      'this was a virtual key once, but a character of it is wrong or missing',
      {
        hint: 'copy all 32 characters again',
      },
    )
  }
  return new GatewayError('invalid', 'this is not a virtual key of Guichet', {
    hint: mayBeApiKey(text)
      ? 'it may be an API key of 1fichier: if it is, it stands in the history of this terminal, unless it was read by -'
      : 'virtual keys begin with gch_ and have 32 characters',
  })
}

async function secretOf({ world }: Session, text: string, what: string): Promise<Secret> {
  if (text !== '-') return new Secret(text)
  return readSecretFile('-', { what, input: world.input, guarded: false })
}
