import { GatewayError } from './errors.ts'
import { HASH_BYTES, isSame, type Sha256, type TreeHead } from './ledger-tree.ts'

/**
 * Checkpoints of the ledger in the formats of C2SP: a checkpoint (https://c2sp.org/tlog-checkpoint) is the text
 *
 *   origin ⏎ size in decimal ⏎ root in base64 ⏎
 *
 * as a signed note (https://c2sp.org/signed-note): the text, an empty line, and for each signature
 * `— name base64(key id, signature) ⏎`. A verifier key is `name+hex(key id)+base64(1, public key)`;
 * the key id is the first 4 bytes of SHA-256(name ⏎ 1 public key), and 1 stands for Ed25519.
 */
export interface Checkpoint extends TreeHead {
  readonly origin: string
}

export interface VerifierKey {
  readonly name: string
  /** 32 bytes of Ed25519. */
  readonly publicKey: Uint8Array
}

/** Ed25519, as an argument. */
export type VerifyEd25519 = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean

const ED25519 = 1
const KEY_ID_BYTES = 4
const NOTE_CHARACTERS_MAX = 65_536

export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${base64(root)}\n`
}

/** The signed note over a text; `signature` is that of its UTF-8. */
export function signedNote(text: string, key: VerifierKey, signature: Uint8Array, sha256: Sha256): string {
  const signed = new Uint8Array([...keyId(key, sha256), ...signature])
  return `${text}\n— ${key.name} ${base64(signed)}\n`
}

/** Reads a checkpoint, signed or not, and believes nothing. Rejects what is none with `invalid`. */
export function parseCheckpoint(note: string): Checkpoint {
  const { text } = splitNote(note)
  const [origin = '', sizeText = '', rootText = ''] = text.split('\n')
  const root = bytesOf(rootText)
  const size = Number(sizeText)
  if (origin === '' || !/^(?:0|[1-9]\d{0,15})$/.test(sizeText) || !Number.isSafeInteger(size))
    throw noCheckpoint()
  if (root?.length !== HASH_BYTES) throw noCheckpoint()
  return { origin, size, root }
}

export function isSigned(note: string): boolean {
  return splitNote(note).signatures.length > 0
}

/** Whether the note has a signature of this key; signatures of others are left aside, as the format wants it. */
export function isSignedBy(note: string, key: VerifierKey, sha256: Sha256, verify: VerifyEd25519): boolean {
  const { text, signatures } = splitNote(note)
  const id = keyId(key, sha256)
  const message = new TextEncoder().encode(text)
  return signatures.some(
    ({ name, bytes }) =>
      name === key.name &&
      isSame(bytes.subarray(0, KEY_ID_BYTES), id) &&
      verify(key.publicKey, message, bytes.subarray(KEY_ID_BYTES)),
  )
}

export function verifierKeyText(key: VerifierKey, sha256: Sha256): string {
  return `${key.name}+${hex(keyId(key, sha256))}+${base64(new Uint8Array([ED25519, ...key.publicKey]))}`
}

export function parseVerifierKey(text: string, sha256: Sha256): VerifierKey {
  const [, name = '', id, encoded = ''] =
    /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim()) ?? []
  const bytes = bytesOf(encoded)
  if (bytes?.length === 33 && bytes[0] === ED25519) {
    const key = { name, publicKey: bytes.subarray(1) }
    if (hex(keyId(key, sha256)) === id) return key
  }
  throw new GatewayError('invalid', 'this is not the public key of a ledger', {
    hint: 'copy the whole line that `guichet ledger show --public-key` prints',
  })
}

export function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}

/** Undefined for what is not base64 in its one spelling. */
export function bytesOf(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return undefined
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  return base64(bytes) === text ? bytes : undefined
}

export function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

function keyId({ name, publicKey }: VerifierKey, sha256: Sha256): Uint8Array {
  const named = new TextEncoder().encode(`${name}\n`)
  return sha256(new Uint8Array([...named, ED25519, ...publicKey])).subarray(0, KEY_ID_BYTES)
}

interface SplitNote {
  /** With its last line break. */
  readonly text: string
  readonly signatures: readonly { readonly name: string; readonly bytes: Uint8Array }[]
}

function splitNote(note: string): SplitNote {
  if (note.length > NOTE_CHARACTERS_MAX || !note.endsWith('\n')) throw noCheckpoint()
  const end = note.lastIndexOf('\n\n')
  if (end < 0) return { text: note, signatures: [] }
  const lines = note.slice(end + 2, -1).split('\n')
  const signatures = lines.map((line) => {
    const [, name = '', encoded = ''] = /^— ([^\s+]+) (\S+)$/.exec(line) ?? []
    const bytes = bytesOf(encoded)
    if (bytes === undefined || bytes.length <= KEY_ID_BYTES) throw noCheckpoint()
    return { name, bytes }
  })
  return { text: note.slice(0, end + 1), signatures }
}

function noCheckpoint(): GatewayError {
  return new GatewayError('invalid', 'this is not a checkpoint of a ledger', {
    hint: 'a checkpoint is the file ledger-checkpoint beside the vault, or a copy of it',
  })
}
