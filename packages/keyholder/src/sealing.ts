import { argon2, createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import type { Secret } from '@guichet/core'

/** Base64 of a nonce, and of the encrypted bytes followed by the authentication tag. */
export interface Box {
  readonly nonce: string
  readonly sealed: string
}

export interface KdfCost {
  readonly passes: number
  readonly memoryKiB: number
  readonly parallelism: number
}

const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Argon2id (RFC 9106), 32 bytes. Whoever gets the key overwrites it. */
export async function deriveKey(secret: Secret, salt: Buffer, cost: KdfCost): Promise<Buffer> {
  // The same passphrase typed on another system may arrive composed differently.
  const message = Buffer.from(secret.expose().normalize('NFKC'))
  const { passes, memoryKiB: memory, parallelism } = cost
  try {
    return await promisify(argon2)('argon2id', {
      ...{ message, nonce: salt, passes, memory, parallelism, tagLength: 32 },
    })
  } finally {
    message.fill(0)
  }
}

/** AES-256-GCM with a tag of 128 bits. A nonce is used once; only test vectors bring their own. */
export function seal(
  key: Buffer,
  plain: Buffer,
  associated: Buffer,
  nonce: Buffer = randomBytes(NONCE_BYTES),
): Box {
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(associated)
  const sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  return { nonce: nonce.toString('base64'), sealed: sealed.toString('base64') }
}

/** Gives `undefined` for what was not sealed with this key for this purpose, or was changed since. */
export function unseal(key: Buffer, box: Box, associated: Buffer): Buffer | undefined {
  const nonce = Buffer.from(box.nonce, 'base64')
  const sealed = Buffer.from(box.sealed, 'base64')
  if (nonce.length !== NONCE_BYTES || sealed.length < TAG_BYTES) return undefined
  const cipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(associated).setAuthTag(sealed.subarray(-TAG_BYTES))
  const plain = cipher.update(sealed.subarray(0, -TAG_BYTES))
  try {
    cipher.final()
    return plain
  } catch {
    plain.fill(0)
    return undefined // Not ours, or changed: the caller knows which of the two it must mean.
  }
}
