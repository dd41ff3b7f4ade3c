import type { Encoding } from '../finding.ts'
import { revealRclone } from './rclone-obscure.ts'

/** A part of a text that is another text in an encoding. */
export interface Encoded {
  readonly start: number
  readonly end: number
  readonly encoding: Exclude<Encoding, 'plain' | 'escaped'>
  readonly text: string
}

/** What of it an encoded key may have around itself. Longer texts are not configuration, and not read by people. */
const LONGEST = 64 * 1024
const OBSCURED_LONGEST = 400

/** Everything that decodes to at least 32 printable characters. */
export function* encodedIn(text: string): Generator<Encoded> {
  // What stands before each expression keeps it from starting again inside of a word.
  for (const { 0: word, index } of text.matchAll(/(?<![0-9A-Fa-f])[0-9A-Fa-f]{64,}/g)) {
    if (word.length % 2 === 1 || word.length > LONGEST) continue
    const plain = printable(Buffer.from(word, 'hex'))
    if (plain !== undefined) yield { start: index, end: index + word.length, encoding: 'hex', text: plain }
  }
  for (const { 0: word, index } of text.matchAll(/(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{43,}={0,2}/g)) {
    if (word.length > LONGEST) continue
    const place = { start: index, end: index + word.length }
    const plain = printable(Buffer.from(word, 'base64'))
    if (plain !== undefined) yield { ...place, encoding: 'base64', text: plain }
    else if (word.length <= OBSCURED_LONGEST) {
      const revealed = revealRclone(word)
      if (revealed !== undefined && revealed.length >= 32)
        yield { ...place, encoding: 'rclone-obscured', text: revealed }
    }
  }
}

function printable(bytes: Buffer): string | undefined {
  if (bytes.length < 32) return undefined
  // Most of what is not text shows itself at once.
  if (!isPrintable(bytes.subarray(0, 16))) return undefined
  const text = bytes.toString('utf8')
  return isPrintable(bytes) && !text.includes('\ufffd') ? text : undefined
}

function isPrintable(bytes: Uint8Array): boolean {
  return bytes.every(
    (byte) => (byte >= 0x20 && byte !== 0x7f) || byte === 0x0a || byte === 0x0d || byte === 0x09,
  )
}
