import { createWhirlpool } from './digester.ts'
import { BLOCK_BYTES, HashingThread } from './hashing-thread.ts'

/** Below this, handing content to another thread costs more than hashing it (about 1 ms). */
export const INLINE_BYTES_MAX: number = 256 * 1024

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
  #thread: HashingThread | undefined
  #hash = 0
  #block: ArrayBuffer | undefined
  #filledBytes = 0

  constructor(pick: () => HashingThread) {
    this.#pick = pick
  }

  async update(chunk: Uint8Array): Promise<void> {
    if (this.#thread === undefined && this.#smallBytes + chunk.byteLength < INLINE_BYTES_MAX) {
      this.#small.push(Uint8Array.from(chunk))
      this.#smallBytes += chunk.byteLength
      return
    }
    // Everything is copied before the first wait, so that the caller may use its buffer again.
    await Promise.all(this.#gather(chunk))
  }

  async digest(): Promise<string> {
    const thread = this.#thread
    if (thread === undefined) return await hashInline(this.#small)
    if (this.#block !== undefined && this.#filledBytes > 0) {
      await thread.update(this.#hash, this.#block, this.#filledBytes)
    }
    this.#block = undefined
    return await thread.digest(this.#hash)
  }

  abandon(): void {
    this.#small = []
    this.#block = undefined
    this.#thread?.abandon(this.#hash)
  }

  #gather(chunk: Uint8Array): readonly Promise<void>[] {
    if (this.#thread === undefined) {
      this.#thread = this.#pick()
      this.#hash = this.#thread.begin()
    }
    const small = this.#small
    this.#small = []
    this.#smallBytes = 0
    return [...small, chunk].flatMap((part) => this.#fill(part))
  }

  #fill(part: Uint8Array): Promise<void>[] {
    const waits: Promise<void>[] = []
    const thread = this.#thread
    for (let offset = 0; offset < part.byteLength && thread !== undefined; ) {
      this.#block ??= thread.block()
      const count = Math.min(BLOCK_BYTES - this.#filledBytes, part.byteLength - offset)
      new Uint8Array(this.#block).set(part.subarray(offset, offset + count), this.#filledBytes)
      this.#filledBytes += count
      offset += count
      if (this.#filledBytes < BLOCK_BYTES) continue
      waits.push(thread.update(this.#hash, this.#block, this.#filledBytes))
      this.#block = undefined
      this.#filledBytes = 0
    }
    return waits
  }
}

async function hashInline(parts: readonly Uint8Array[]): Promise<string> {
  const digester = await createWhirlpool()
  for (const part of parts) digester.update(part)
  return digester.digest()
}

function leastLoaded(threads: readonly HashingThread[]): HashingThread {
  return threads.reduce((best, thread) => (thread.load < best.load ? thread : best))
}
