import { Transform } from 'node:stream'
import type { State } from './machine.ts'

/** Replaces texts in a stream of bytes, wherever its chunks are cut. */
export interface Masker {
  /** What can be passed on by now; the rest is held back until it is clear. */
  push(chunk: Uint8Array): Buffer
  end(): Buffer
}

/** A text that is under way: where it began, and how far it is. */
interface Thread {
  readonly start: number
  readonly state: State
}

interface Span {
  readonly start: number
  readonly end: number
}

/** What is looked for, ready to be used for any number of streams. */
export interface Needles {
  readonly roots: readonly State[]
  /** By `slotOf` its first three bytes: may anything begin so? A false yes costs time, and nothing else. */
  readonly starts: Uint8Array
}

const SLOTS = 0x10000

export function slotOf(first: number, second: number, third: number): number {
  return ((first << 10) ^ (second << 5) ^ third) & (SLOTS - 1)
}

export function needlesOf(machines: readonly State[]): Needles {
  const starts = new Uint8Array(SLOTS)
  const mark = (bytes: readonly number[], state: State): void => {
    if (bytes.length === 3) starts[slotOf(bytes[0] ?? 0, bytes[1] ?? 0, bytes[2] ?? 0)] = 1
    else if (state.isEnd) throw new RangeError('nothing shorter than three bytes is looked for')
    else for (const [byte, states] of state.edges) for (const next of states) mark([...bytes, byte], next)
  }
  for (const machine of machines) mark([], machine)
  return { roots: machines, starts }
}

/**
 * Covers every byte that belongs to a text that is looked for; texts that overlap are covered by one mask.
 * Holds back no more than could be the beginning of a text.
 */
export function createMasker(needles: Needles, mask: string): Masker {
  const maskBytes = Buffer.from(mask)
  let held: Buffer = Buffer.alloc(0)
  let threads: Thread[] = []
  let spans: Span[] = []

  function read(bytes: Buffer, from: number): void {
    const { starts } = needles
    // Near the end of the chunk it is not known yet what follows.
    const known = bytes.length - 2
    for (let at = from; at < bytes.length; at += 1) {
      const byte = bytes[at] ?? 0
      if (threads.length > 0) threads = advance(byte, at)
      if (at >= known || starts[slotOf(byte, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0)] === 1) begin(byte, at)
    }
  }

  function advance(byte: number, at: number): Thread[] {
    const going: Thread[] = []
    for (const { start, state } of threads) step(state, byte, start, at, going)
    return going
  }

  function begin(byte: number, at: number): void {
    for (const root of needles.roots) step(root, byte, at, at, threads)
  }

  function step(state: State, byte: number, start: number, at: number, into: Thread[]): void {
    for (const next of state.edges.get(byte) ?? []) {
      if (next.isEnd) cover({ start, end: at + 1 })
      if (next.edges.size > 0) into.push({ start, state: next })
    }
  }

  /** Ends come in ascending order, so that only the last spans can overlap the new one. */
  function cover({ start, end }: Span): void {
    let from = start
    for (let last = spans.at(-1); last !== undefined && last.end > from; last = spans.at(-1)) {
      from = Math.min(from, last.start)
      spans.pop()
    }
    spans.push({ start: from, end })
  }

  /** Gives what is before `clear`, and keeps the rest. */
  function release(bytes: Buffer, clear: number): Buffer {
    const out: Buffer[] = []
    let from = 0
    let kept = clear
    const later: Span[] = []
    for (const span of spans) {
      if (span.end > clear) {
        kept = Math.min(kept, span.start)
        later.push(span)
        continue
      }
      out.push(bytes.subarray(from, span.start), maskBytes)
      from = span.end
    }
    if (from === 0 && kept === bytes.length) {
      // The common case: nothing was found, and nothing has to be copied.
      held = Buffer.alloc(0)
      spans = []
      return bytes
    }
    out.push(bytes.subarray(from, kept))
    held = Buffer.from(bytes.subarray(kept))
    spans = later.map(({ start, end }) => ({ start: start - kept, end: end - kept }))
    threads = threads.map(({ start, state }) => ({ start: start - kept, state }))
    return Buffer.concat(out)
  }

  return {
    push(chunk) {
      const from = held.length
      const bytes = from === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk])
      read(bytes, from)
      return release(bytes, threads[0]?.start ?? bytes.length)
    },
    end() {
      threads = []
      return release(held, held.length)
    },
  }
}

export function maskingStream(masker: Masker): Transform {
  return new Transform({
    transform: (chunk: Uint8Array, _encoding, done) => done(null, masker.push(chunk)),
    flush: (done) => done(null, masker.end()),
  })
}
