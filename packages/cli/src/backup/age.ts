import { ReadableStream } from 'node:stream/web'
import { GatewayError, type Secret } from '@guichet/core'
import type * as Age from 'age-encryption'

/** Who can open a backup: whoever knows the passphrase, or has the identity of one of the recipients. */
export type Lock =
  | { readonly kind: 'passphrase'; readonly passphrase: Secret }
  | { readonly kind: 'recipients'; readonly recipients: readonly string[] }

export type Opener =
  | { readonly kind: 'passphrase'; readonly passphrase: Secret }
  | { readonly kind: 'identities'; readonly identities: readonly Secret[] }

/** The bytes as an age file (https://age-encryption.org/v1), which the `age` program opens as well. */
export async function encrypt(
  bytes: AsyncIterable<Uint8Array>,
  lock: Lock,
): Promise<AsyncIterable<Uint8Array>> {
  const { Encrypter } = await import('age-encryption')
  const encrypter = new Encrypter()
  if (lock.kind === 'passphrase') encrypter.setPassphrase(lock.passphrase.expose())
  else for (const recipient of lock.recipients) addRecipient(encrypter, recipient)
  return (await encrypter.encrypt(streamOf(bytes))) as AsyncIterable<Uint8Array>
}

/** Rejects with `unauthenticated` when it is not for this opener; reading rejects with `corrupt` where it was changed. */
export async function decrypt(
  bytes: AsyncIterable<Uint8Array>,
  opener: Opener,
): Promise<AsyncIterable<Uint8Array>> {
  const { Decrypter } = await import('age-encryption')
  const decrypter = new Decrypter()
  if (opener.kind === 'passphrase') decrypter.addPassphrase(opener.passphrase.expose())
  else for (const identity of opener.identities) addIdentity(decrypter, identity)
  try {
    return told((await decrypter.decrypt(streamOf(bytes))) as AsyncIterable<Uint8Array>)
  } catch (cause) {
    const isForeign =
      cause instanceof Error && /no identity matched|incorrect passphrase/i.test(cause.message)
    throw new GatewayError(
      isForeign ? 'unauthenticated' : 'corrupt',
      isForeign
        ? 'this does not open the backup'
        : 'this is no backup of Guichet: it is not an age file, or damaged',
      {
        hint: isForeign
          ? 'a backup is opened by its passphrase, or with --identity FILE by the key of its recipient'
          : 'take another backup file',
        cause,
      },
    )
  }
}

function addRecipient(encrypter: Age.Encrypter, recipient: string): void {
  try {
    encrypter.addRecipient(recipient)
  } catch (cause) {
    throw new GatewayError('invalid', `${JSON.stringify(recipient.slice(0, 80))} is not a recipient of age`, {
      hint: '`age-keygen` prints one: age1 and 58 more letters and digits',
      cause,
    })
  }
}

/** The library's words are not passed on: they may quote the identity. */
function addIdentity(decrypter: Age.Decrypter, identity: Secret): void {
  try {
    decrypter.addIdentity(identity.expose())
  } catch {
    throw new GatewayError('invalid', 'the identity file holds no identity of age', {
      hint: 'give the file that `age-keygen -o FILE` made; it has a line that begins with AGE-SECRET-KEY-1',
    })
  }
}

async function* told(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* bytes
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause
    throw new GatewayError('corrupt', 'the backup was cut or changed', {
      hint: 'take another backup file',
      cause,
    })
  }
}

function streamOf(bytes: AsyncIterable<Uint8Array>): globalThis.ReadableStream<Uint8Array> {
  return ReadableStream.from(bytes) as globalThis.ReadableStream<Uint8Array>
}
