import { Transform } from 'node:stream'

export const MASK = '<concealed by guichet>'

/** Replaces texts in a stream of bytes, wherever its chunks are cut. */
export interface Masker {
  /** What can be passed on by now; the rest is held back until it is clear. */
  push(chunk: Uint8Array): Buffer
  end(): Buffer
}

/**
 * Holds back no more than could be the beginning of a text.
 * Of two texts that begin at one place the longer one is replaced.
 */
export function createMasker(texts: readonly string[], mask: string = MASK): Masker {
  const needles = texts
    .filter((text) => text !== '')
    .map((text) => Buffer.from(text))
    .sort((a, b) => b.length - a.length)
  const cover = Buffer.from(mask)
  let held: Buffer = Buffer.alloc(0)
  const take = (bytes: Buffer, isAtEnd: boolean): Buffer => {
    const out: Buffer[] = []
    let from = 0
    for (let hit = firstHit(bytes, from, needles); hit !== undefined; hit = firstHit(bytes, from, needles)) {
      // A longer text may be under way at the same place, or have begun before: only its end can tell.
      if (!isAtEnd && hit.start >= heldFrom(bytes, from, needles)) break
      out.push(bytes.subarray(from, hit.start), cover)
      from = hit.start + hit.length
    }
    const keepFrom = isAtEnd ? bytes.length : heldFrom(bytes, from, needles)
    out.push(bytes.subarray(from, keepFrom))
    held = Buffer.from(bytes.subarray(keepFrom))
    return Buffer.concat(out)
  }
  return {
    push: (chunk) => take(held.length === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk]), false),
    end: () => take(held, true),
  }
}

export function maskingStream(texts: readonly string[]): Transform {
  const masker = createMasker(texts)
  return new Transform({
    transform: (chunk: Uint8Array, _encoding, done) => done(null, masker.push(chunk)),
    flush: (done) => done(null, masker.end()),
  })
}

interface Hit {
  readonly start: number
  readonly length: number
}

function firstHit(bytes: Buffer, from: number, needles: readonly Buffer[]): Hit | undefined {
  let first: Hit | undefined
  for (const needle of needles) {
    const start = bytes.indexOf(needle, from)
    if (start >= 0 && (first === undefined || start < first.start)) first = { start, length: needle.length }
  }
  return first
}

/** Where the longest end begins that could be the beginning of a text. */
function heldFrom(bytes: Buffer, from: number, needles: readonly Buffer[]): number {
  let earliest = bytes.length
  for (const needle of needles) {
    for (let start = Math.max(from, bytes.length - needle.length + 1); start < earliest; start += 1) {
      const end = bytes.subarray(start)
      if (needle.subarray(0, end.length).equals(end)) earliest = start
    }
  }
  return earliest
}
