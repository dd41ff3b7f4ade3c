/** A header line of a part: its name in lower case and its value as it stands. */
export interface PartHeader {
  readonly name: string
  readonly value: string
}

/** Takes the parts of one body, in order. */
export interface PartSink {
  /** What shall happen with the part that begins; `undefined` skips it. */
  begin(headers: readonly PartHeader[]): Promise<PartWriter | undefined>
}

export interface PartWriter {
  write(bytes: Buffer): Promise<void>
  end(): Promise<void>
}

const HEADERS_BYTES_MAX = 16 * 1024
const CRLF_CRLF = Buffer.from('\r\n\r\n')

//   preamble ──▶ delimiter ──▶ headers ──▶ body ──▶ delimiter … ──▶ closed
type State = 'preamble' | 'delimiter' | 'headers' | 'body' | 'closed' | 'broken'

/**
 * Reads a multipart body as it comes, holding back only what could be the start of a delimiter.
 * Gives whether the body was well formed up to its last delimiter, after which a CRLF is not needed.
 */
export async function readMultipart(
  chunks: AsyncIterable<Buffer>,
  boundary: string,
  sink: PartSink,
): Promise<boolean> {
  const reader = new MultipartReader(boundary, sink)
  for await (const chunk of chunks) await reader.take(chunk)
  return reader.state === 'closed'
}

class MultipartReader {
  state: State = 'preamble'
  readonly #delimiter: Buffer
  readonly #sink: PartSink
  #writer: PartWriter | undefined
  // The first delimiter has no line before it; this gives it one.
  #held: Buffer = Buffer.from('\r\n')

  constructor(boundary: string, sink: PartSink) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`)
    this.#sink = sink
  }

  async take(chunk: Buffer): Promise<void> {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    while (await this.#step()) {}
  }

  /** One transition; false when more bytes are needed. */
  async #step(): Promise<boolean> {
    if (this.state === 'preamble' || this.state === 'body') return await this.#upToDelimiter()
    if (this.state === 'delimiter') return this.#afterDelimiter()
    if (this.state === 'headers') return await this.#readHeaders()
    this.#held = Buffer.alloc(0)
    return false
  }

  async #upToDelimiter(): Promise<boolean> {
    const found = this.#held.indexOf(this.#delimiter)
    const end = found < 0 ? Math.max(0, this.#held.length - this.#delimiter.length + 1) : found
    if (this.state === 'body' && end > 0) await this.#writer?.write(this.#held.subarray(0, end))
    this.#held = this.#held.subarray(found < 0 ? end : end + this.#delimiter.length)
    if (found < 0) return false
    if (this.state === 'body') await this.#writer?.end()
    this.state = 'delimiter'
    return true
  }

  #afterDelimiter(): boolean {
    if (this.#held.length < 2) return false
    const mark = this.#held.toString('latin1', 0, 2)
    if (mark === '--') this.state = 'closed'
    // The CRLF stays: a part without headers has an empty line right after it.
    else this.state = mark === '\r\n' ? 'headers' : 'broken'
    return true
  }

  async #readHeaders(): Promise<boolean> {
    const end = this.#held.indexOf(CRLF_CRLF)
    if (end < 0 && this.#held.length > HEADERS_BYTES_MAX) this.state = 'broken'
    if (end < 0) return this.state === 'broken'
    const lines = this.#held
      .toString('utf8', 0, end)
      .split('\r\n')
      .filter((line) => line !== '')
    this.#held = this.#held.subarray(end + CRLF_CRLF.length)
    this.#writer = await this.#sink.begin(lines.map(parseHeader))
    this.state = 'body'
    return true
  }
}

function parseHeader(line: string): PartHeader {
  const colon = line.indexOf(':')
  return { name: line.slice(0, colon).trim().toLowerCase(), value: line.slice(colon + 1).trim() }
}
