import { createCipheriv, createHash } from 'node:crypto'

const CIPHER_BLOCK = 16
const CHUNK_BYTES = 256 * 1024

/**
 * The bytes from `offset` of the endless content that belongs to a seed.
 * It is an AES-CTR key stream: the position is the counter, so that any range of a 300 GB file costs only its own length.
 */
export function syntheticBytes(seed: string, offset: number, lengthBytes: number): Buffer {
  const skip = offset % CIPHER_BLOCK
  const counter = Buffer.alloc(CIPHER_BLOCK)
  counter.writeBigUInt64BE(BigInt((offset - skip) / CIPHER_BLOCK), 8)
  const cipher = createCipheriv('aes-256-ctr', createHash('sha256').update(seed).digest(), counter)
  return cipher.update(Buffer.alloc(skip + lengthBytes)).subarray(skip)
}

/** The bytes from `start` up to, but not including, `end`, in pieces. */
export function* syntheticRange(seed: string, start: number, end: number): Generator<Buffer> {
  for (let offset = start; offset < end; offset += CHUNK_BYTES) {
    yield syntheticBytes(seed, offset, Math.min(CHUNK_BYTES, end - offset))
  }
}

/** Watches content go by and tells whether all of it was the content of one known seed. */
export class SyntheticWitness {
  #candidates: readonly string[]
  #offset = 0

  constructor(seeds: readonly string[]) {
    this.#candidates = seeds
  }

  watch(chunk: Uint8Array): void {
    const offset = this.#offset
    this.#offset += chunk.length
    this.#candidates = this.#candidates.filter((seed) =>
      syntheticBytes(seed, offset, chunk.length).equals(chunk),
    )
  }

  seed(): string | undefined {
    return this.#offset === 0 ? undefined : this.#candidates[0]
  }
}
