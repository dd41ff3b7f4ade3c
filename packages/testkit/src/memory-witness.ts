import { createPrivateKey, createPublicKey, hash, sign } from 'node:crypto'
import {
  type CheckpointWish,
  checkpointText,
  GatewayError,
  isConsistent,
  type SignedCheckpoint,
  signedNote,
  type TreeHead,
  verifierKeyText,
  type Witness,
  type WitnessedLedger,
} from '@guichet/core'

/** A witness that remembers in memory; `isSealed` makes it sign nothing. */
export class MemoryWitness implements Witness {
  isSealed = false
  /** What it has signed last. */
  known: TreeHead = { size: 0, root: sha256(new Uint8Array()) }
  /** How often it was asked to sign. */
  asked = 0
  readonly #privateKey = createPrivateKey({ key: SEED, format: 'der', type: 'pkcs8' })
  readonly #key = {
    name: 'guichet/ledger/of-tests',
    publicKey: createPublicKey(this.#privateKey).export({ format: 'der', type: 'spki' }).subarray(-32),
  }

  async witnessed(): Promise<WitnessedLedger> {
    if (this.isSealed) throw new GatewayError('sealed', 'the keyholder is sealed', { hint: 'guichet unseal' })
    return { verifierKey: verifierKeyText(this.#key, sha256), size: this.known.size }
  }

  async signCheckpoint({ size, root, proof }: CheckpointWish): Promise<SignedCheckpoint> {
    const { verifierKey } = await this.witnessed()
    this.asked += 1
    const alarm = size < this.known.size ? 'ledger-cut' : 'ledger-rewritten'
    if (!isConsistent(sha256, this.known, { size, root }, proof)) {
      throw new GatewayError('corrupt', `this is not the ledger of ${this.known.size} entries`, {
        hint: 'guichet ledger verify',
        facts: { alarm },
      })
    }
    this.known = { size, root }
    const text = checkpointText({ origin: this.#key.name, size, root })
    const signature = sign(null, Buffer.from(text), this.#privateKey)
    return { note: signedNote(text, this.#key, signature, sha256), verifierKey, size }
  }
}

/** An Ed25519 key of 32 bytes that are 7, in DER. */
const SEED = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 7)])

function sha256(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer')
}
