import { existsSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { ReadStream } from 'node:tty'
import { GatewayError, Secret } from '@guichet/core'
import { type PrivateFile, readPrivateFile } from './private-file.ts'

export interface UnlockSources {
  readonly unlockFile?: string | undefined
  /** `$CREDENTIALS_DIRECTORY`, as systemd sets it. */
  readonly credentialsDirectory?: string | undefined
  /** Reads the keyring of the operating system. */
  readonly keyring?: (() => Promise<Secret>) | undefined
  readonly prompt: boolean
  /** Somebody typed another one before: the question says that it was wrong. */
  readonly isRepeated?: boolean
}

const SECRET_BYTES_MAX = 65_536
const PASSPHRASE_CHARACTERS_MAX = 1_024

/** The first source that is there decides; a broken one is reported, not passed over. */
export async function readUnlockSecret(sources: UnlockSources): Promise<Secret> {
  const file = secretFile(sources)
  if (file !== undefined) return readKeyFile(file.path, file.guard)
  if (sources.keyring !== undefined) return sources.keyring()
  if (sources.prompt) {
    const before = sources.isRepeated === true ? 'That does not open it. ' : ''
    return readPassphrase(`${before}Passphrase of the vault: `, '/dev/tty')
  }
  throw new GatewayError('sealed', 'nothing was configured to open the vault with', {
    hint: 'give an unlock file or a systemd credential, or run `guichet unseal` and type the passphrase',
  })
}

/** Whether a person types the secret, who may mistype it. */
export function isTyped(sources: UnlockSources): boolean {
  return sources.prompt && sources.keyring === undefined && secretFile(sources) === undefined
}

function secretFile(sources: UnlockSources): Pick<PrivateFile, 'path' | 'guard'> | undefined {
  if (sources.unlockFile !== undefined) return { path: sources.unlockFile, guard: 'owner' }
  if (sources.credentialsDirectory === undefined) return undefined
  const path = join(sources.credentialsDirectory, 'guichet-unlock')
  return existsSync(path) ? { path, guard: 'service-manager' } : undefined
}

/** Reads one line from a terminal without showing it. Rejects with `cancelled` at Ctrl-C, with `sealed` at Ctrl-D. */
export async function readPassphrase(question: string, terminalPath: string): Promise<Secret> {
  using terminal = openTerminal(terminalPath)
  terminal.write(question)
  const characters: string[] = []
  for await (const text of terminal.input.setEncoding('utf8') as AsyncIterable<string>) {
    for (const character of text) {
      if (character === '\r' || character === '\n') {
        terminal.write('\n')
        return new Secret(characters.join(''))
      }
      if (character === '\u0003') throw interrupted(terminal)
      if (character === '\u0004') throw declined(terminal)
      if (character === '\u0015') characters.length = 0
      else if (character === '\u007f' || character === '\b') characters.pop()
      else if (characters.length < PASSPHRASE_CHARACTERS_MAX) characters.push(character)
    }
  }
  throw declined(terminal)
}

async function readKeyFile(path: string, guard: PrivateFile['guard']): Promise<Secret> {
  const text = await readPrivateFile({
    path,
    what: 'the unlock file',
    whenMissing: 'put it back from where you keep a copy, or name the right place with --unlock-file',
    bytesMax: SECRET_BYTES_MAX,
    guard,
  })
  const content = text.replace(/\r?\n$/, '')
  if (content.length >= 16) return new Secret(content)
  throw new GatewayError('invalid', `the unlock file ${path} is too short`, {
    hint: 'put 16 characters or more into it, for example the output of `openssl rand -base64 32`',
  })
}

function interrupted(terminal: Terminal): GatewayError {
  terminal.write('\n')
  return new GatewayError('cancelled', 'stopped before the passphrase was typed', {
    hint: 'Ctrl-D instead starts without it, to be opened by `guichet unseal` later',
  })
}

function declined(terminal: Terminal): GatewayError {
  terminal.write('\n')
  return new GatewayError('sealed', 'no passphrase was typed', { hint: 'run `guichet unseal` when ready' })
}

interface Terminal extends Disposable {
  readonly input: ReadStream
  write(text: string): void
}

function openTerminal(path: string): Terminal {
  try {
    const input = new ReadStream(openSync(path, 'r+'))
    input.setRawMode(true)
    return {
      input,
      write: (text) => void input.write(text),
      [Symbol.dispose]() {
        input.setRawMode(false)
        input.destroy()
      },
    }
  } catch (cause) {
    throw new GatewayError('sealed', 'there is no terminal to type the passphrase on', {
      hint: 'give an unlock file or a systemd credential, or run `guichet unseal` from a terminal',
      cause,
    })
  }
}
