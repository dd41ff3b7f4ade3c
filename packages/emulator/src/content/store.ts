import { createReadStream, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { type FileHandle, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { ContentRef } from '../state/records.ts'
import { SyntheticWitness, syntheticRange } from './synthetic.ts'
import { openWhirlpool, type Whirlpool } from './whirlpool.ts'

const LOOK_BYTES = 256 * 1024

export interface StoredContent {
  readonly content: ContentRef
  readonly sizeBytes: number
  readonly whirlpool: string
}

/** Content on its way in: written, ended once, and then kept, which makes it readable. `discard` leaves nothing behind, at any time. */
export interface ContentWriter {
  write(chunk: Uint8Array): Promise<void>
  end(): Promise<void>
  keep(): Promise<StoredContent>
  discard(): Promise<void>
}

export interface ContentStoreOptions {
  readonly folder: string
  /** `hash-only` keeps size and checksum, and the bytes only when they are those of a known seed. */
  readonly storeContent: 'disk' | 'hash-only'
  /** Names of seeds whose content is recognised in `hash-only`. */
  readonly knownSeeds: () => readonly string[]
  readonly newName: () => string
}

/** The bytes of files, on disk or computed. */
export class ContentStore {
  readonly #options: ContentStoreOptions

  constructor(options: ContentStoreOptions) {
    this.#options = options
    mkdirSync(options.folder, { recursive: true })
    // What a killed run was still receiving is not part of the account.
    for (const name of readdirSync(options.folder)) if (name.endsWith('.part')) rmSync(this.#path(name))
  }

  async openWriter(): Promise<ContentWriter> {
    const whirlpool = await openWhirlpool()
    return this.#options.storeContent === 'disk' ? this.#diskWriter(whirlpool) : this.#hashWriter(whirlpool)
  }

  /** Keeps content that is all here. */
  async store(bytes: Uint8Array): Promise<StoredContent> {
    const writer = await this.openWriter()
    await writer.write(bytes)
    await writer.end()
    return await writer.keep()
  }

  isReadable(content: ContentRef): boolean {
    if (content.kind === 'disk') return existsSync(this.#path(content.name))
    return content.kind === 'synthetic'
  }

  /** The bytes from `start` up to, but not including, `end`. */
  read(content: ContentRef, start: number, end: number): AsyncIterable<Buffer> | Iterable<Buffer> {
    if (start >= end || content.kind === 'forgotten') return []
    if (content.kind === 'synthetic') return syntheticRange(content.seed, start, end)
    return createReadStream(this.#path(content.name), { start, end: end - 1, highWaterMark: 256 * 1024 })
  }

  forget(content: ContentRef): void {
    if (content.kind === 'disk') rmSync(this.#path(content.name), { force: true })
  }

  #path(name: string): string {
    return join(this.#options.folder, name)
  }

  async #diskWriter(whirlpool: Whirlpool): Promise<ContentWriter> {
    const name = this.#options.newName()
    const partial = this.#path(`${name}.part`)
    const file: FileHandle = await open(partial, 'w', 0o600)
    let sizeBytes = 0
    return {
      write: async (chunk) => {
        whirlpool.update(chunk)
        sizeBytes += chunk.length
        await file.writeFile(chunk)
      },
      // Ended before it is kept: an upload of 500 files must not hold 500 open.
      end: () => file.close(),
      keep: async () => {
        await rename(partial, this.#path(name))
        return { content: { kind: 'disk', name }, sizeBytes, whirlpool: whirlpool.hex() }
      },
      discard: async () => {
        await file.close()
        rmSync(partial, { force: true })
      },
    }
  }

  #hashWriter(whirlpool: Whirlpool): ContentWriter {
    const witness = new SyntheticWitness(this.#options.knownSeeds())
    let sizeBytes = 0
    let gathered: Uint8Array[] = []
    let gatheredBytes = 0
    // TLS brings 16 KiB at a time, and every look at the content has a price of its own.
    const look = (): void => {
      const bytes = Buffer.concat(gathered)
      whirlpool.update(bytes)
      witness.watch(bytes)
      gathered = []
      gatheredBytes = 0
    }
    return {
      write: async (chunk) => {
        gathered.push(chunk)
        gatheredBytes += chunk.length
        sizeBytes += chunk.length
        if (gatheredBytes >= LOOK_BYTES) look()
      },
      end: async () => look(),
      keep: async () => {
        const seed = witness.seed()
        const content: ContentRef = seed === undefined ? { kind: 'forgotten' } : { kind: 'synthetic', seed }
        return { content, sizeBytes, whirlpool: whirlpool.hex() }
      },
      discard: async () => undefined,
    }
  }
}
