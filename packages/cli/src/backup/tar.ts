import { GatewayError } from '@guichet/core'

/**
 * The part of POSIX ustar that a backup takes: plain files with short relative names, so that every `tar` opens one.
 * Reading is strict: whatever else a tar file can hold (links, devices, long names) is refused.
 */
export interface TarEntry {
  readonly name: string
  readonly sizeBytes: number
  readonly content: AsyncIterable<Uint8Array>
}

const BLOCK_BYTES = 512
const NAME_BYTES_MAX = 100
/** Eleven octal digits. */
const SIZE_BYTES_MAX = 0o77777777777

/** The bytes of a tar file; rejects with `corrupt` when a content is not as long as was said. */
export async function* writeTar(
  entries: Iterable<TarEntry>,
  nowMs: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const { name, sizeBytes, content } of entries) {
    yield header(name, sizeBytes, nowMs)
    let writtenBytes = 0
    for await (const chunk of content) {
      writtenBytes += chunk.length
      yield chunk
    }
    if (writtenBytes !== sizeBytes)
      throw new GatewayError('corrupt', `${name} changed while it was read`, { hint: 'try again' })
    yield Buffer.alloc(paddingBytes(sizeBytes))
  }
  yield Buffer.alloc(2 * BLOCK_BYTES)
}

/** Each entry is to be read, in full or not, before the next one is asked for. */
export async function* readTar(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry, void, undefined> {
  await using source = new Blocks(bytes)
  for (;;) {
    const block = await source.take(BLOCK_BYTES)
    if (block.every((byte) => byte === 0)) return source.drain()
    const { name, sizeBytes } = parseHeader(block)
    let leftBytes = sizeBytes
    async function* content(): AsyncGenerator<Uint8Array, void, undefined> {
      while (leftBytes > 0) {
        const chunk = await source.some(leftBytes)
        leftBytes -= chunk.length
        yield chunk
      }
    }
    yield { name, sizeBytes, content: content() }
    while (leftBytes > 0) leftBytes -= (await source.some(leftBytes)).length
    await source.take(paddingBytes(sizeBytes))
  }
}

/** A relative name without a way out, as every part of a home has one. */
export function isPlainName(name: string): boolean {
  return (
    Buffer.byteLength(name) <= NAME_BYTES_MAX &&
    /^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/.test(name)
  )
}

function header(name: string, sizeBytes: number, nowMs: number): Buffer {
  if (!isPlainName(name) || sizeBytes > SIZE_BYTES_MAX) {
    throw new GatewayError('invalid', `${name} cannot be put into a backup`, {
      hint: 'a part of a home has a plain name and at most 8 GiB; move it out of the home',
    })
  }
  const block = Buffer.alloc(BLOCK_BYTES)
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`
  block.write(name, 0)
  block.write(octal(0o600, 7), 100)
  block.write(octal(0, 7), 108)
  block.write(octal(0, 7), 116)
  block.write(octal(sizeBytes, 11), 124)
  block.write(octal(Math.floor(nowMs / 1_000), 11), 136)
  block.write('0', 156)
  block.write('ustar\x0000', 257)
  block.write(`${checksum(block).toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

function parseHeader(block: Buffer): { name: string; sizeBytes: number } {
  const text = (from: number, length: number): string => {
    const field = block.toString('latin1', from, from + length)
    return field.slice(0, field.includes('\0') ? field.indexOf('\0') : length)
  }
  const number = (from: number, length: number): number => {
    const digits = text(from, length).trim()
    return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN
  }
  const [name, sizeBytes, kind] = [text(0, NAME_BYTES_MAX), number(124, 12), text(156, 1)]
  const isPlain = (kind === '0' || kind === '') && text(345, 155) === '' && text(157, 100) === ''
  if (number(148, 8) !== checksum(block)) throw damaged('its index is damaged')
  if (!isPlain || !isPlainName(name) || !Number.isSafeInteger(sizeBytes)) {
    throw damaged(`it holds something that no backup holds (${JSON.stringify(name.slice(0, 60))})`)
  }
  return { name, sizeBytes }
}

/** The sum of all bytes, with the field of the sum as spaces. */
function checksum(block: Buffer): number {
  return block.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 32 : byte), 0)
}

function paddingBytes(sizeBytes: number): number {
  return (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES
}

function damaged(why: string): GatewayError {
  return new GatewayError('corrupt', `the backup cannot be used: ${why}`, {
    hint: 'take another backup file',
  })
}

/** A stream of bytes, in pieces of the size that is asked for. */
class Blocks implements AsyncDisposable {
  readonly #chunks: AsyncIterator<Uint8Array>
  #rest: Buffer = Buffer.alloc(0)

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#chunks = bytes[Symbol.asyncIterator]()
  }

  /** What is there, `maxBytes` at the most. */
  async some(maxBytes: number): Promise<Buffer> {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next()
      if (next.done === true) throw damaged('it ends too early')
      this.#rest = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength)
    }
    const taken = this.#rest.subarray(0, maxBytes)
    this.#rest = this.#rest.subarray(taken.length)
    return taken
  }

  async take(sizeBytes: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for (let leftBytes = sizeBytes; leftBytes > 0; leftBytes -= parts.at(-1)?.length ?? 0)
      parts.push(await this.some(leftBytes))
    return Buffer.concat(parts)
  }

  /** Reads to the end, so that a cipher below can say whether all of it was as it was written. */
  async drain(): Promise<void> {
    for (let next = await this.#chunks.next(); next.done !== true; next = await this.#chunks.next());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#chunks.return?.()
  }
}
