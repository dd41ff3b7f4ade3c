import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { GatewayError, isKeyText, Secret } from '@guichet/core'
import type { Concealer } from '@guichet/leaks'
import { fileError } from './failures.ts'

const BYTES_MAX = 4_096

/** What is wrong with a text as the API key of an account (wire.md §2); `undefined` when nothing is. */
export function problemOfApiKey(text: string): string | undefined {
  if (isKeyText(text)) return 'that is a virtual key of Guichet, which opens nothing at 1fichier'
  if (/^[A-Za-z0-9\-_=]{32}$/.test(text)) return undefined
  return 'an API key has 32 characters: letters, digits, - _ ='
}

/** One line from a file; `-` is the standard input. `guarded`: refused when other users can read it. */
export async function readSecretFile(
  path: string,
  options: {
    readonly what: string
    readonly input: Readable
    readonly guarded: boolean
    /** Learns it, where it is to be printed nowhere. */
    readonly secrets?: Concealer
  },
): Promise<Secret> {
  const { what, input, guarded, secrets } = options
  const text = path === '-' ? await readStream(input, what) : await readFileText(path, what, guarded)
  const line = text.replace(/\r?\n$/, '')
  if (line !== '' && !/[\r\n]/.test(line)) {
    secrets?.learn(line)
    return new Secret(line)
  }
  throw new GatewayError('invalid', `${what} ${line === '' ? 'is empty' : 'has more than one line'}`, {
    hint: 'put the secret into it, on one line and nothing else',
  })
}

/** The lines of a file that only its owner can read. */
export async function readSecretLines(path: string, what: string): Promise<readonly string[]> {
  return (await readFileText(path, what, true)).split(/\r?\n/)
}

async function readFileText(path: string, what: string, guarded: boolean): Promise<string> {
  try {
    // O_NONBLOCK: a pipe that nobody writes to must not hold us at the opening.
    await using handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stats = await handle.stat()
    if (stats.isDirectory())
      throw new GatewayError('invalid', `${what} ${path} is a directory`, { hint: 'name a file' })
    if (guarded && stats.isFile() && (stats.mode & 0o077) !== 0) {
      throw new GatewayError('invalid', `${what} ${path} can be read or written by other users`, {
        hint: `run \`chmod 600 ${path}\``,
      })
    }
    return await readStream(handle.createReadStream({ autoClose: false }), what)
  } catch (failure) {
    throw fileError(failure) ?? failure
  }
}

async function readStream(input: Readable, what: string): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of input) {
    const piece = Buffer.from(chunk)
    bytes += piece.byteLength
    if (bytes > BYTES_MAX) {
      throw new GatewayError('invalid', `${what} is too long`, { hint: 'it holds one secret, on one line' })
    }
    chunks.push(piece)
  }
  return Buffer.concat(chunks).toString('utf8')
}
