import type { FileHandle } from 'node:fs/promises'

/** What is to reach the disk on the way, so that the end of a large file does not wait for all of it. */
const FLUSH_BYTES = 128 * 1024 * 1024

/** Sends written content to the disk while more comes. The system tells of a failure once, so it is kept for the end. */
export class Flusher {
  readonly #handle: FileHandle
  #waitingBytes = 0
  #flushing: Promise<void> | undefined

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  wrote(lengthBytes: number): void {
    this.#waitingBytes += lengthBytes
    if (this.#waitingBytes < FLUSH_BYTES || this.#flushing !== undefined) return
    this.#waitingBytes = 0
    const flushing = this.#handle.datasync()
    this.#flushing = flushing
    flushing.then(
      () => {
        this.#flushing = undefined
      },
      () => undefined,
    )
  }

  async done(): Promise<void> {
    await this.#flushing
  }
}

/** Writes the whole block at the end of the file. */
export async function writeAll(handle: FileHandle, block: Uint8Array): Promise<void> {
  // The system may take less than it was given.
  for (let offset = 0; offset < block.byteLength; )
    offset += (await handle.write(block, offset, block.byteLength - offset)).bytesWritten
}
