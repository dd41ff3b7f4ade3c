import { type FileHandle, mkdir, open, readdir, rename, stat, statfs, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { GatewayError, parseTransferId, systemCodeOf, type TransferId } from '@guichet/core'
import { Flusher, writeAll } from './flusher.ts'
import { untilAborted } from './until-aborted.ts'

/**
 * Content that we took from clients and owe to 1fichier: one file per transfer, named by its id.
 *
 * `<id>.part` while it comes, `<id>` once all of it is on disk (fsynced, directory too).
 * Different ids may be used at the same time. Rejects with `disk-full` where the disk has no room.
 */
export interface Spool {
  /**
   * Takes content in; when it resolves, the content survives `kill -9` and power loss.
   * Refuses before the first byte what will not fit, counting what is promised to others.
   * On failure nothing of it stays. Rejects with `invalid` when it is not as long as was announced.
   */
  receive(id: TransferId, content: AsyncIterable<Uint8Array>, options: ReceiveOptions): Promise<Spooled>
  /** Opens the content anew, from a byte on; closed by leaving the loop. Rejects with `not-found`. */
  open(id: TransferId, options?: { readonly startByte?: number }): AsyncIterable<Uint8Array>
  /** How long the content is; `undefined` where there is none. */
  sizeBytes(id: TransferId): Promise<number | undefined>
  /** Removing what is not there is no error. */
  remove(id: TransferId): Promise<void>
  /** Every complete content. */
  ids(): Promise<readonly TransferId[]>
  /** Removes everything else that no `receive` is writing, half files too. Resolves with how many files went. */
  sweep(keep: ReadonlySet<TransferId>): Promise<number>
  usedBytes(): Promise<number>
}

export interface ReceiveOptions {
  readonly sizeBytes?: number | undefined
  readonly hasher: ContentHasher
  readonly signal?: AbortSignal | undefined
}

/** What the spool needs of a digest under way. */
export interface ContentHasher {
  update(chunk: Uint8Array): Promise<void>
  digest(): Promise<string>
  abandon(): void
}

export interface Spooled {
  readonly sizeBytes: number
  readonly whirlpool: string
}

/** Small enough to be gone with the young buffers of V8: what gets old costs a collection of the whole heap. */
const READ_BYTES = 128 * 1024
/** One block is written and hashed while the other is filled: content costs no memory of its own. */
const BLOCKS = 2
const BLOCK_BYTES = 256 * 1024
/** Content of unknown size is promised room in steps of this. */
const STEP_BYTES = 64 * 1024 * 1024

export interface SpoolOptions {
  /** Made, for its owner only, when it is first needed. */
  readonly directory: string
  /** So much of the disk stays free. */
  readonly reserveBytes: number
  /** Is told how much content passes, in either direction. */
  readonly onContent?: (lengthBytes: number) => void
}

export function openSpool(options: SpoolOptions): Spool {
  return new DiskSpool(options)
}

class DiskSpool implements Spool {
  readonly #directory: string
  readonly #reserveBytes: number
  readonly #onContent: (lengthBytes: number) => void
  /** What contents under way may still write. */
  readonly #promised = new Map<TransferId, number>()

  constructor({ directory, reserveBytes, onContent = ignore }: SpoolOptions) {
    this.#directory = directory
    this.#reserveBytes = reserveBytes
    this.#onContent = onContent
  }

  async receive(
    id: TransferId,
    content: AsyncIterable<Uint8Array>,
    options: ReceiveOptions,
  ): Promise<Spooled> {
    const part = `${this.#path(id)}.part`
    let handle: FileHandle | undefined
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 })
      await this.#promise(id, options.sizeBytes ?? STEP_BYTES)
      handle = await open(part, 'wx', 0o600)
      const sizeBytes = await this.#write(id, handle, content, options)
      const [whirlpool] = await Promise.all([options.hasher.digest(), handle.sync()])
      await handle.close()
      handle = undefined
      await rename(part, this.#path(id))
      await this.#syncDirectory()
      return { sizeBytes, whirlpool }
    } catch (failure) {
      options.hasher.abandon()
      await handle?.close().catch(ignore)
      await unlink(part).catch(ignore)
      await unlink(this.#path(id)).catch(ignore)
      throw GatewayError.from(failure)
    } finally {
      this.#promised.delete(id)
    }
  }

  async *open(
    id: TransferId,
    options: { readonly startByte?: number } = {},
  ): AsyncGenerator<Uint8Array, void, undefined> {
    let handle: FileHandle
    try {
      handle = await open(this.#path(id), 'r')
    } catch (failure) {
      if (systemCodeOf(failure) !== 'ENOENT') throw GatewayError.from(failure)
      throw new GatewayError('not-found', `the content of transfer ${id} is not in the spool`, {
        cause: failure,
      })
    }
    try {
      let position = options.startByte ?? 0
      while (true) {
        // A new buffer each time: a socket may still hold the one before.
        const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
        const { bytesRead } = await handle.read(buffer, 0, READ_BYTES, position)
        if (bytesRead === 0) return
        position += bytesRead
        this.#onContent(bytesRead)
        yield buffer.subarray(0, bytesRead)
      }
    } finally {
      await handle.close()
    }
  }

  async sizeBytes(id: TransferId): Promise<number | undefined> {
    try {
      return (await stat(this.#path(id))).size
    } catch (failure) {
      if (systemCodeOf(failure) === 'ENOENT') return undefined
      throw GatewayError.from(failure)
    }
  }

  async remove(id: TransferId): Promise<void> {
    try {
      await unlink(this.#path(id))
    } catch (failure) {
      if (systemCodeOf(failure) !== 'ENOENT') throw GatewayError.from(failure)
    }
  }

  async ids(): Promise<readonly TransferId[]> {
    return (await this.#names()).filter((name) => isId(name)).map((name) => parseTransferId(name))
  }

  async sweep(keep: ReadonlySet<TransferId>): Promise<number> {
    const busy = new Set([...this.#promised.keys()].flatMap((id) => [id, `${id}.part`]))
    let count = 0
    for (const name of await this.#names()) {
      if (busy.has(name) || (isId(name) && keep.has(parseTransferId(name)))) continue
      await unlink(join(this.#directory, name))
      count += 1
    }
    return count
  }

  async usedBytes(): Promise<number> {
    let sum = 0
    for (const name of await this.#names()) {
      try {
        sum += (await stat(join(this.#directory, name))).size
      } catch (failure) {
        // A file that is removed between the two calls takes no room.
        if (systemCodeOf(failure) !== 'ENOENT') throw GatewayError.from(failure)
      }
    }
    return sum
  }

  async #write(
    id: TransferId,
    handle: FileHandle,
    content: AsyncIterable<Uint8Array>,
    { sizeBytes, hasher, signal }: ReceiveOptions,
  ): Promise<number> {
    const blocks: Buffer[] = []
    let current = 0
    let filledBytes = 0
    let takenBytes = 0
    let working: Promise<unknown> = Promise.resolve()
    const flusher = new Flusher(handle)
    const flush = async (): Promise<void> => {
      const block = blocks[current]?.subarray(0, filledBytes) ?? new Uint8Array()
      await working
      await this.#settle(id, takenBytes, block.byteLength, sizeBytes)
      flusher.wrote(block.byteLength)
      this.#onContent(block.byteLength)
      working = Promise.all([writeAll(handle, block), hasher.update(block)])
      // Its failure is met at the next await; until then it must not count as unhandled.
      working.catch(ignore)
      current = (current + 1) % BLOCKS
      filledBytes = 0
    }
    for await (const chunk of untilAborted(content, signal)) {
      takenBytes += chunk.byteLength
      if (sizeBytes !== undefined && takenBytes > sizeBytes) throw wrongLength(sizeBytes, takenBytes)
      for (let offset = 0; offset < chunk.byteLength; ) {
        blocks[current] ??= Buffer.allocUnsafeSlow(Math.min(sizeBytes ?? BLOCK_BYTES, BLOCK_BYTES))
        const part = chunk.subarray(offset, offset + BLOCK_BYTES - filledBytes)
        blocks[current]?.set(part, filledBytes)
        filledBytes += part.byteLength
        offset += part.byteLength
        if (filledBytes === BLOCK_BYTES) await flush()
      }
    }
    await flush()
    await working
    await flusher.done()
    if (sizeBytes !== undefined && takenBytes < sizeBytes) throw wrongLength(sizeBytes, takenBytes)
    return takenBytes
  }

  /** Writes what was promised; content of unknown size asks for its next step. */
  async #settle(id: TransferId, takenBytes: number, writtenBytes: number, sizeBytes: number | undefined) {
    const leftBytes = (this.#promised.get(id) ?? 0) - writtenBytes
    this.#promised.set(id, sizeBytes === undefined ? Math.max(0, leftBytes) : sizeBytes - takenBytes)
    if (sizeBytes === undefined && leftBytes < BLOCK_BYTES) await this.#promise(id, STEP_BYTES)
  }

  async #promise(id: TransferId, neededBytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.#directory)
    let freeBytes = bavail * bsize - this.#reserveBytes
    for (const [other, promisedBytes] of this.#promised) if (other !== id) freeBytes -= promisedBytes
    if (neededBytes <= freeBytes) {
      this.#promised.set(id, neededBytes)
      return
    }
    throw new GatewayError('disk-full', `the spool has no room for ${neededBytes} more bytes`, {
      hint: 'wait until running uploads are stored, or free some space where the data directory is',
      facts: { neededBytes, freeBytes: Math.max(0, freeBytes), reserveBytes: this.#reserveBytes },
    })
  }

  async #syncDirectory(): Promise<void> {
    await using directory = await open(this.#directory, 'r')
    await directory.sync()
  }

  async #names(): Promise<readonly string[]> {
    try {
      return await readdir(this.#directory)
    } catch (failure) {
      if (systemCodeOf(failure) === 'ENOENT') return []
      throw GatewayError.from(failure)
    }
  }

  #path(id: TransferId): string {
    return join(this.#directory, id)
  }
}

function wrongLength(announcedBytes: number, takenBytes: number): GatewayError {
  return new GatewayError(
    'invalid',
    takenBytes > announcedBytes
      ? `the content is longer than the ${announcedBytes} bytes that were announced`
      : `the content ended after ${takenBytes} of ${announcedBytes} bytes`,
    { hint: 'send the file again; it may have changed while it was read' },
  )
}

function isId(name: string): boolean {
  return /^[a-z0-9]{16}$/.test(name)
}

/** For clean-up after a failure: the failure itself is what the caller is told. */
function ignore(): void {}
