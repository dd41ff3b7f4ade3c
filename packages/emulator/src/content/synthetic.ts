import { createCipheriv, createHash } from 'node:crypto'

const CIPHER_BLOCK = 16
const CHUNK_BYTES = 256 * 1024

/**
 * The bytes from `offset` of the endless content that belongs to a seed.
 * It is an AES-CTR key stream: the position is the counter, so that any range of a 300 GB file costs only its own length.
 */
export function syntheticBytes(seed: string, offset: number, lengthBytes: number): Buffer {
  return openStream(seed, offset)(lengthBytes)
}

/** The bytes from `start` up to, but not including, `end`, in pieces. */
export function* syntheticRange(seed: string, start: number, end: number): Generator<Buffer> {
  const next = openStream(seed, start)
  for (let offset = start; offset < end; offset += CHUNK_BYTES)
    yield next(Math.min(CHUNK_BYTES, end - offset))
}

/** Watches content go by and tells whether all of it was the content of one known seed. */
export class SyntheticWitness {
  #candidates: readonly { readonly seed: string; readonly next: NextBytes }[]
  #hasSeen = false

  constructor(seeds: readonly string[]) {
    this.#candidates = seeds.map((seed) => ({ seed, next: openStream(seed, 0) }))
  }

  watch(chunk: Uint8Array): void {
    this.#hasSeen ||= chunk.length > 0
    this.#candidates = this.#candidates.filter(({ next }) => next(chunk.length).equals(chunk))
  }

  seed(): string | undefined {
    return this.#hasSeen ? this.#candidates[0]?.seed : undefined
  }
}

/** Gives the following bytes, as many as are asked for. */
type NextBytes = (lengthBytes: number) => Buffer

function openStream(seed: string, offset: number): NextBytes {
  const skip = offset % CIPHER_BLOCK
  const counter = Buffer.alloc(CIPHER_BLOCK)
  counter.writeBigUInt64BE(BigInt((offset - skip) / CIPHER_BLOCK), 8)
  const cipher = createCipheriv('aes-256-ctr', createHash('sha256').update(seed).digest(), counter)
  cipher.update(Buffer.alloc(skip))
  return (lengthBytes) => cipher.update(Buffer.alloc(lengthBytes))
}
