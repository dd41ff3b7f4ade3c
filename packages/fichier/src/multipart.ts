import { GatewayError, type UploadFile } from '@guichet/core'
import { bytesOf } from './call.ts'

/**
 * A `multipart/form-data` body whose exact length is known before a byte of content is read.
 *
 * Made as the upload nodes want it (wire.md §6.2): an unquoted boundary, `Content-Disposition` as the only header of a
 * part, quoted names, text parts before the files. Names are validated before they come here, so nothing is escaped.
 */
export interface Multipart {
  readonly contentType: string
  readonly lengthBytes: number
  /** Reads each file once, in order. Throws before the closing boundary when a file is not as long as announced. */
  readonly body: AsyncIterable<Uint8Array>
  /** What stopped the body, whatever the transport made of it. */
  failure(): unknown
  /** Has the closing boundary been handed over? As long as not, no node has had the whole request. */
  isHandedOver(): boolean
}

const BOUNDARY = /^[A-Za-z0-9]{16,70}$/
const CRLF = '\r\n'

export function planMultipart(
  fields: Readonly<Record<string, string>>,
  files: readonly UploadFile[],
  boundary: string,
): Multipart {
  if (!BOUNDARY.test(boundary)) throw new GatewayError('internal', 'a multipart boundary is malformed')
  const texts = Object.entries(fields).map(([name, value]) =>
    bytesOf(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`),
  )
  const heads = files.map((file) =>
    bytesOf(
      `--${boundary}\r\nContent-Disposition: form-data; name="file[]"; filename="${file.name}"\r\n\r\n`,
    ),
  )
  const end = bytesOf(`--${boundary}--\r\n`)
  const framingBytes = [...texts, ...heads, end].reduce((sum, part) => sum + part.length, 0)
  const contentBytes = files.reduce((sum, file) => sum + file.sizeBytes + CRLF.length, 0)

  let failure: unknown
  let isHandedOver = false
  async function* produce(): AsyncGenerator<Uint8Array> {
    try {
      yield* texts
      for (const [index, file] of files.entries()) {
        const head = heads[index]
        if (head !== undefined) yield head
        yield* exactly(file)
        yield bytesOf(CRLF)
      }
    } catch (thrown) {
      failure = thrown
      throw thrown
    }
    isHandedOver = true
    yield end
  }
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    lengthBytes: framingBytes + contentBytes,
    body: { [Symbol.asyncIterator]: produce },
    failure: () => failure,
    isHandedOver: () => isHandedOver,
  }
}

/** The content of a file, which must be as long as announced. */
async function* exactly(file: UploadFile): AsyncGenerator<Uint8Array> {
  let sentBytes = 0
  for await (const chunk of file.open()) {
    if (chunk.length === 0) continue
    if (sentBytes + chunk.length > file.sizeBytes) throw wrongLength(file, 'has more than')
    sentBytes += chunk.length
    yield chunk
  }
  if (sentBytes < file.sizeBytes) throw wrongLength(file, `ended after ${sentBytes} of`)
}

function wrongLength(file: UploadFile, problem: string): GatewayError {
  return new GatewayError('corrupt', `${JSON.stringify(file.name)} ${problem} ${file.sizeBytes} bytes`, {
    hint: 'the file changed while it was read: put it again',
    facts: { stored: false },
  })
}
