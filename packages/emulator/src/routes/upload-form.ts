import type { ContentStore, ContentWriter, StoredContent } from '../content/store.ts'
import type { Readings } from '../readings.ts'
import type { PartHeader, PartSink, PartWriter } from '../transport/multipart.ts'
import { isGoodFileName } from './names.ts'

export interface UploadedFile {
  readonly name: string
  readonly isGoodName: boolean
  readonly sizeBytes: number
  keep(): Promise<StoredContent>
}

const TEXT_BYTES_MAX = 64 * 1024

/** Collects the fields and files of one upload as strictly as the node does (wire.md §6.2). */
export class UploadForm implements PartSink {
  readonly fields: Map<string, string> = new Map()
  readonly files: UploadedFile[] = []
  readonly #contents: ContentStore
  readonly #readings: Readings
  /** Stores every file with its first byte changed. */
  readonly #corrupting: boolean
  readonly #open = new Set<ContentWriter>()

  constructor(contents: ContentStore, readings: Readings, corrupting: boolean) {
    this.#corrupting = corrupting
    this.#contents = contents
    this.#readings = readings
  }

  async begin(headers: readonly PartHeader[]): Promise<PartWriter | undefined> {
    const disposition = headers[0]
    // A part whose first header is another one is not seen at all.
    if (disposition?.name !== 'content-disposition') return undefined
    const field = /^form-data;.*?\bname="([^"]*)"/i.exec(disposition.value)?.[1]
    const filename = /;\s*filename="([^"]*)"/i.exec(disposition.value)?.[1]
    if (field === 'file[]') return filename ? await this.#file(filename) : undefined
    const hasType = headers.some(({ name }) => name === 'content-type')
    return field === undefined || filename !== undefined || hasType ? undefined : this.#text(field)
  }

  /** Leaves nothing of the files behind. */
  async discard(): Promise<void> {
    for (const writer of this.#open) await writer.discard()
    this.#open.clear()
  }

  async #file(name: string): Promise<PartWriter> {
    const writer = await this.#contents.openWriter()
    this.#open.add(writer)
    let sizeBytes = 0
    return {
      write: async (bytes) => {
        await writer.write(this.#corrupting && sizeBytes === 0 ? firstByteChanged(bytes) : bytes)
        sizeBytes += bytes.length
      },
      end: async () => {
        await writer.end()
        const isGoodName = !name.includes('\ufffd') && isGoodFileName(name, this.#readings)
        const keep = async (): Promise<StoredContent> => {
          this.#open.delete(writer)
          return await writer.keep()
        }
        this.files.push({ name, isGoodName, sizeBytes, keep })
      },
    }
  }

  #text(field: string): PartWriter {
    const pieces: Buffer[] = []
    let length = 0
    return {
      write: async (bytes) => {
        length += bytes.length
        if (length <= TEXT_BYTES_MAX) pieces.push(Buffer.from(bytes))
      },
      end: async () => void this.fields.set(field, Buffer.concat(pieces).toString('utf8')),
    }
  }
}

function firstByteChanged(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeUInt8(copy.readUInt8(0) ^ 0xff, 0)
  return copy
}
