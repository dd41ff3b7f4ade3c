import { GatewayError, hintsOf, mayBeApiKey, systemCodeOf } from '@guichet/core'
import { createConcealer } from '@guichet/leaks'
import type { CommanderError } from 'commander'

/** The command whose arguments belong to another program. */
const RUN = 'guichet run'

/** Commander's complaint about one command, in our form. */
export function usageError(error: CommanderError, commandLine: string): GatewayError {
  const [message = '', suggestion] = error.message.split('\n')
  const meant = /^\(Did you mean (?:one of )?(.+?)\??\)$/.exec(suggestion ?? '')?.[1]
  const prefix = error.code === 'commander.unknownCommand' ? `${commandLine} ` : ''
  const guesses = meant?.split(', ').map((word) => `\`${prefix}${word}\``)
  const hint =
    guesses !== undefined
      ? `did you mean ${guesses.join(' or ')}?`
      : commandLine === RUN && error.code === 'commander.unknownOption'
        ? `write \`--\` before the tool, as in \`${RUN} -- rclone ls :fichier:\``
        : `run \`${commandLine} --help\` to see what it takes`
  return new GatewayError('invalid', message.replace(/^error: /, '').replaceAll("'", '"'), { hint })
}

/**
 * What failed, without an API key that somebody typed on the command line, and with a word about that.
 * A name of a file can look like a key; then the word does no harm.
 */
export function withoutKeys(error: GatewayError, argv: readonly string[]): GatewayError {
  const keys = argv
    .flatMap((word) => [word, word.slice(word.indexOf('=') + 1), word.slice(word.lastIndexOf('/') + 1)])
    .filter((text) => mayBeApiKey(text) && /\d/.test(text))
  if (keys.length === 0) return error
  const { hide } = createConcealer(keys, '[hidden]')
  const { code, message, retryAfterMs, facts } = error
  const typed = new GatewayError(code, EXPOSED, { hint: EXPOSED })
  return new GatewayError(code, hide(message), {
    hint: hintsOf(error).map(hide).join('; ') || undefined,
    retryAfterMs,
    facts,
    cause: typed,
  })
}

const EXPOSED =
  'if that was an API key: command lines are kept in histories and seen by other programs, so make a new key on https://1fichier.com/console/params.pl and let `guichet init` or `guichet rotate` ask for it'

/** The last gate: what a person reads when something failed that nobody foresaw. */
export function foreseen(failure: unknown): GatewayError {
  if (failure instanceof GatewayError) return failure
  const known = fileError(failure)
  if (known !== undefined) return known
  const error = GatewayError.from(failure)
  if (error.code !== 'internal') return error
  return new GatewayError('internal', 'something failed in a way that guichet does not know', {
    hint: 'run it again with GUICHET_DEBUG=1 to see the details, and report them',
    cause: failure,
  })
}

/** A failure of the local file system, in words. */
export function fileError(failure: unknown): GatewayError | undefined {
  if (!(failure instanceof Error)) return undefined
  const path = 'path' in failure && typeof failure.path === 'string' ? failure.path : undefined
  const named = path === undefined ? 'a file' : JSON.stringify(path)
  const say = (
    code: 'not-found' | 'forbidden' | 'conflict' | 'invalid',
    text: string,
    hint: string,
  ): GatewayError => new GatewayError(code, `${named} ${text}`, { hint, cause: failure })
  switch (systemCodeOf(failure)) {
    case 'ENOENT':
      return say(
        'not-found',
        'does not exist on this machine',
        'check the name; local paths are relative to the current directory',
      )
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return say(
        'forbidden',
        'cannot be used by this user',
        'choose another place, or change its permissions',
      )
    case 'EISDIR':
      return say('conflict', 'is a directory', 'name a file, or give -r where a command takes folders')
    case 'ENOTDIR':
      return say('conflict', 'goes through something that is not a directory', 'check the path')
    case 'EEXIST':
      return say('conflict', 'exists already', 'choose another name')
    case 'ELOOP':
      return say('conflict', 'is a link where a file should be', 'remove it, or choose another place')
    case 'ENAMETOOLONG':
      return say('invalid', 'is too long a name for this file system', 'choose a shorter one')
    case 'ENOSPC':
    case 'EDQUOT':
      return new GatewayError('disk-full', 'the disk of this machine is full', {
        hint: 'free some space, then try again',
        cause: failure,
      })
    default:
      return undefined
  }
}
