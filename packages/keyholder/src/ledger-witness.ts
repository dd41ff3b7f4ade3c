import { createPrivateKey, createPublicKey, hash, hkdfSync, randomBytes, sign, verify } from 'node:crypto'
import { rename } from 'node:fs/promises'
import {
  base64,
  bytesOf,
  type Checkpoint,
  type CheckpointWish,
  checkpointText,
  GatewayError,
  HASH_BYTES,
  hex,
  isConsistent,
  isSigned,
  isSignedBy,
  parseCheckpoint,
  type Sha256,
  type SignedCheckpoint,
  signedNote,
  type TreeHead,
  type VerifierKey,
  type VerifyEd25519,
  verifierKeyText,
  type WitnessedLedger,
} from '@guichet/core'
import { readPrivateFile, writePrivateFile } from './private-file.ts'

/** Why the witness does not sign: the ledger is not the one it knows, or it has lost its memory. */
export type LedgerAlarm =
  | 'ledger-cut'
  | 'ledger-rewritten'
  | 'ledger-witness-missing'
  | 'ledger-witness-foreign'

/** Next to the vault. */
export const WITNESS_FILE = 'ledger-checkpoint'

const WITNESS_BYTES_MAX = 4_096
const PURPOSE = 'guichet ledger checkpoint, ed25519, version 1'

/**
 * Remembers the last checkpoint it signed in a file of its own, and signs another only over a ledger that goes on from it.
 * What it remembers may also be unsigned: the word of the owner, who has accepted another ledger (`acceptLedger`).
 */
export class LedgerWitness {
  readonly #path: string
  #turn: Promise<unknown> = Promise.resolve()

  constructor(path: string) {
    this.#path = path
  }

  async witnessed(dataKey: Buffer): Promise<WitnessedLedger> {
    const { key } = signerOf(dataKey)
    const known = await this.#read()
    return {
      verifierKey: verifierKeyText(key, sha256),
      size: known === undefined ? 0 : parseCheckpoint(known).size,
    }
  }

  /** Rejects with `corrupt` and the alarm in its facts; then nothing has changed. The data key is used before the first wait. */
  sign(dataKey: Buffer, wish: CheckpointWish): Promise<SignedCheckpoint> {
    const signer = signerOf(dataKey)
    const signed = this.#turn.then(() => this.#sign(signer, wish))
    this.#turn = signed.catch(() => undefined) // Whoever asked is told; the next one has a turn all the same.
    return signed
  }

  async #sign({ key, signature }: Signer, wish: CheckpointWish): Promise<SignedCheckpoint> {
    const known = await this.#read()
    const verifierKey = verifierKeyText(key, sha256)
    requireSuccessor(known, key, wish)
    const { size, root } = wish
    const text = checkpointText({ origin: key.name, size, root })
    const note = signedNote(text, key, signature(text), sha256)
    if (note !== known) await writePrivateFile(this.#path, note, randomBytes(6).toString('hex'))
    return { note, size, verifierKey }
  }

  async #read(): Promise<string | undefined> {
    return readWitness(this.#path)
  }
}

/**
 * The owner's way out: the witness shall go on from this ledger, whatever it knew. What it knew is moved aside, not lost.
 * Only while no gateway runs. Gives the place of what was moved aside.
 */
export async function acceptLedger(path: string, head: TreeHead, nowMs: number): Promise<string | undefined> {
  const known = await readWitness(path)
  const aside = `${path}.replaced-${new Date(nowMs).toISOString().replaceAll(':', '')}`
  if (known !== undefined) await rename(path, aside)
  const text = checkpointText({ origin: 'accepted by the owner', ...head })
  await writePrivateFile(path, text, randomBytes(6).toString('hex'))
  return known === undefined ? undefined : aside
}

/** What the witness of a home remembers: a note, signed or of the owner. */
export async function readWitness(path: string): Promise<string | undefined> {
  try {
    return await readPrivateFile({
      path,
      what: "the witness's checkpoint",
      whenMissing: 'it is made when the gateway runs',
      bytesMax: WITNESS_BYTES_MAX,
      guard: 'owner',
    })
  } catch (failure) {
    if (GatewayError.from(failure).code === 'not-found') return undefined
    throw failure
  }
}

/** Reads the body of the control call. */
export function parseWish(body: Readonly<Record<string, unknown>>): CheckpointWish | undefined {
  const { size, root, proof, last } = body
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return undefined
  if (typeof root !== 'string' || !Array.isArray(proof)) return undefined
  if (last !== undefined && typeof last !== 'string') return undefined
  const hashes = [root, ...proof].flatMap((text: unknown) => {
    const bytes = typeof text === 'string' ? bytesOf(text) : undefined
    return bytes?.length === HASH_BYTES ? [bytes] : []
  })
  const [rootBytes, ...proofBytes] = hashes
  if (rootBytes === undefined || proofBytes.length !== proof.length) return undefined
  return { size, root: rootBytes, proof: proofBytes, last }
}

export function wishBody({ size, root, proof, last }: CheckpointWish): object {
  return { size, root: base64(root), proof: proof.map(base64), last }
}

interface Signer {
  readonly key: VerifierKey
  signature(text: string): Uint8Array
}

/** The signing key is made of the vault's data key for this one purpose: whoever has it knows nothing of the data key. */
function signerOf(dataKey: Buffer): Signer {
  const seed = Buffer.from(hkdfSync('sha256', dataKey, Buffer.alloc(0), PURPOSE, 32))
  const der = Buffer.concat([PKCS8_PREFIX, seed])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  for (const secret of [seed, der]) secret.fill(0)
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32)
  const name = `guichet/ledger/${hex(sha256(publicKey).subarray(0, 8))}`
  return { key: { name, publicKey }, signature: (text) => sign(null, Buffer.from(text), privateKey) }
}

function requireSuccessor(known: string | undefined, key: VerifierKey, wish: CheckpointWish): void {
  if (known === undefined) {
    const { last } = wish
    if (last === undefined || !isOwn(last, key) || parseCheckpoint(last).size === 0) return
    throw alarm(
      'ledger-witness-missing',
      `the keyholder has signed ${parseCheckpoint(last).size} entries of the ledger, but its own copy of that is gone`,
    )
  }
  if (isSigned(known) && !isOwn(known, key))
    throw alarm(
      'ledger-witness-foreign',
      'the checkpoint beside the vault is not signed with the key of this vault',
    )
  const older: Checkpoint = parseCheckpoint(known)
  if (wish.size < older.size) {
    const facts = { entries: wish.size, signed: older.size }
    throw alarm(
      'ledger-cut',
      `the ledger has ${wish.size} entries, but ${older.size} are known to the keyholder: it was cut, or an old copy was put back`,
      facts,
    )
  }
  if (isConsistent(sha256, older, wish, wish.proof)) return
  const facts = { entries: wish.size, signed: older.size }
  throw alarm(
    'ledger-rewritten',
    `the first ${older.size} entries of the ledger are not those that the keyholder knows`,
    facts,
  )
}

function alarm(kind: LedgerAlarm, message: string, facts: GatewayError['facts'] = {}): GatewayError {
  return new GatewayError('corrupt', message, {
    hint: 'look with `guichet ledger verify`; if it was you, stop the gateway and `guichet ledger accept`',
    facts: { alarm: kind, ...facts },
  })
}

function isOwn(note: string, key: VerifierKey): boolean {
  return isSignedBy(note, key, sha256, verifyEd25519)
}

const sha256: Sha256 = (bytes) => hash('sha256', bytes, 'buffer')

/** What stands before the 32 bytes of an Ed25519 key in DER (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

const verifyEd25519: VerifyEd25519 = (publicKey, message, signature) => {
  const key = Buffer.concat([SPKI_PREFIX, publicKey])
  return verify(null, message, createPublicKey({ key, format: 'der', type: 'spki' }), signature)
}
