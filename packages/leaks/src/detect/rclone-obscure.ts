import { createCipheriv } from 'node:crypto'

/** The fixed key of rclone, in its source (fs/config/obscure): obscuring is no encryption. */
const RCLONE_KEY = Buffer.from('9c935b48730a554d6bfd7c63c886a92bd390198eb8128afbf4de162b8b95f638', 'hex')
const IV_BYTES = 16

/** What `rclone obscure` was given; undefined for a text that it did not make, as far as that can be told. */
export function revealRclone(obscured: string): string | undefined {
  if (!/^[A-Za-z0-9_-]{22,}$/.test(obscured)) return undefined
  const bytes = Buffer.from(obscured, 'base64url')
  // A stray character at the end is passed over by Node, but not by rclone.
  if (bytes.length <= IV_BYTES || bytes.toString('base64url') !== obscured) return undefined
  const plain = turn(bytes.subarray(IV_BYTES), bytes.subarray(0, IV_BYTES)).toString('latin1')
  return /^[\x20-\x7e]+$/.test(plain) ? plain : undefined
}

/** As `rclone obscure` does; `iv` is 16 random bytes. */
export function obscureRclone(plain: string, iv: Uint8Array): string {
  return Buffer.concat([iv, turn(Buffer.from(plain), iv)]).toString('base64url')
}

/** AES-256-CTR is its own reverse. */
function turn(bytes: Uint8Array, iv: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-ctr', RCLONE_KEY, iv)
  return Buffer.concat([cipher.update(bytes), cipher.final()])
}
