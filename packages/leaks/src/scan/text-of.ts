import { basename } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { JDOWNLOADER, JDOWNLOADER_ACCOUNTS } from '../places/jdownloader.ts'

/**
 * What can be read in the content of a file: text in UTF-8 or UTF-16, what a compressed log holds, JDownloader's
 * accounts without their fixed encryption, and of everything else its bytes as characters.
 */
export function textOf(path: string, content: Buffer, maxBytes: number): string {
  if (basename(path).startsWith(JDOWNLOADER_ACCOUNTS)) {
    const opened = JDOWNLOADER.open(content)
    if ('text' in opened) return opened.text
  }
  if (content[0] === 0x1f && content[1] === 0x8b) {
    try {
      return plainTextOf(gunzipSync(content, { maxOutputLength: maxBytes }))
    } catch {
      // Broken, or larger than what is looked at: its bytes are all there is.
    }
  }
  return plainTextOf(content)
}

function plainTextOf(bytes: Buffer): string {
  const isWide = bytes[0] === 0xff && bytes[1] === 0xfe
  if (isWide || nulsAt(bytes, 1) > 0.4) return bytes.toString('utf16le')
  if (bytes[0] === 0xfe && bytes[1] === 0xff)
    return Buffer.from(bytes.subarray(0, bytes.length & ~1))
      .swap16()
      .toString('utf16le')
  if (bytes.includes(0)) return bytes.toString('latin1')
  const text = bytes.toString('utf8')
  return text.includes('\ufffd') ? bytes.toString('latin1') : text
}

/** The share of NUL among every second byte of the beginning. */
function nulsAt(bytes: Buffer, offset: 0 | 1): number {
  const sample = bytes.subarray(0, 2_048)
  let nuls = 0
  for (let at = offset; at < sample.length; at += 2) if (sample[at] === 0) nuls += 1
  return sample.length < 4 ? 0 : nuls / (sample.length / 2)
}
