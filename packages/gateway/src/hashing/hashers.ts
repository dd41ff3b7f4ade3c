import { createWhirlpool } from './digester.ts'
import { HashingThread } from './hashing-thread.ts'

/** Below this, handing content to another thread costs more than hashing it (about 1 ms). */
export const INLINE_BYTES_MAX: number = 256 * 1024

/** The thread hashes one block while the other is filled. */
const BLOCKS = 2
const BLOCK_BYTES = 256 * 1024

/** Whirlpool of content while it streams, off the main thread. */
export interface Hashers extends AsyncDisposable {
  whirlpool(): Hasher
}

/** One digest. Calls must not overlap; after `digest` or `abandon` there are no more. */
export interface Hasher {
  /** Takes a copy; resolves when more may come. */
  update(chunk: Uint8Array): Promise<void>
  /** 128 lower-case hexadecimal digits. */
  digest(): Promise<string>
  /** Gives up: nothing is waited for. */
  abandon(): void
}

/** Threads start with the first big content. `size` threads hash `size` contents at a time. */
export function openHashers(options: { readonly size: number }): Hashers {
  const threads = Array.from({ length: Math.max(1, options.size) }, () => new HashingThread())
  return {
    whirlpool: () => new WhirlpoolHasher(() => leastLoaded(threads)),
    async [Symbol.asyncDispose]() {
      await Promise.all(threads.map((thread) => thread[Symbol.asyncDispose]()))
    },
  }
}

class WhirlpoolHasher implements Hasher {
  readonly #pick: () => HashingThread
  /** Content that is not handed over yet. */
  #small: Uint8Array[] = []
  #smallBytes = 0
  #handed: HandedOver | undefined

  constructor(pick: () => HashingThread) {
    this.#pick = pick
  }

  async update(chunk: Uint8Array): Promise<void> {
    if (this.#handed === undefined && this.#smallBytes + chunk.byteLength < INLINE_BYTES_MAX) {
      this.#small.push(Uint8Array.from(chunk))
      this.#smallBytes += chunk.byteLength
      return
    }
    this.#handed ??= new HandedOver(this.#pick())
    const small = this.#small
    this.#small = []
    for (const part of small) await this.#handed.take(part)
    await this.#handed.take(chunk)
  }

  async digest(): Promise<string> {
    if (this.#handed !== undefined) return await this.#handed.digest()
    const digester = await createWhirlpool()
    for (const part of this.#small) digester.update(part)
    return digester.digest()
  }

  abandon(): void {
    this.#small = []
    this.#handed?.abandon()
  }
}

/** A digest in a thread. Blocks are shared with it and used again, so that content makes no work for the collector. */
class HandedOver {
  readonly #thread: HashingThread
  readonly #hash: number
  readonly #blocks: readonly Uint8Array[]
  /** When each block may be filled again. */
  readonly #free: Promise<void>[] = []
  #current = 0
  #filledBytes = 0

  constructor(thread: HashingThread) {
    const buffers = Array.from({ length: BLOCKS }, () => new SharedArrayBuffer(BLOCK_BYTES))
    this.#thread = thread
    this.#blocks = buffers.map((buffer) => new Uint8Array(buffer))
    this.#hash = thread.begin(buffers)
  }

  async take(part: Uint8Array): Promise<void> {
    for (let offset = 0; offset < part.byteLength; ) {
      if (this.#filledBytes === 0) await this.#free[this.#current]
      const count = Math.min(BLOCK_BYTES - this.#filledBytes, part.byteLength - offset)
      this.#blocks[this.#current]?.set(part.subarray(offset, offset + count), this.#filledBytes)
      this.#filledBytes += count
      offset += count
      if (this.#filledBytes === BLOCK_BYTES) this.#handOver()
    }
  }

  async digest(): Promise<string> {
    if (this.#filledBytes > 0) this.#handOver()
    return await this.#thread.digest(this.#hash)
  }

  abandon(): void {
    this.#thread.abandon(this.#hash)
  }

  #handOver(): void {
    const free = this.#thread.update(this.#hash, this.#current, this.#filledBytes)
    // Its failure is met where the block is needed again; until then it must not count as unhandled.
    free.catch(() => undefined)
    this.#free[this.#current] = free
    this.#current = (this.#current + 1) % BLOCKS
    this.#filledBytes = 0
  }
}

function leastLoaded(threads: readonly HashingThread[]): HashingThread {
  return threads.reduce((best, thread) => (thread.load < best.load ? thread : best))
}
