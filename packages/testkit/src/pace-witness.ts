import assert from 'node:assert/strict'
import type { Endpoint, FolderId } from '@guichet/core'

/** A call as it arrives at 1fichier; folder -1 is the listing of the whole account. */
export interface Arrival {
  readonly endpoint: Endpoint
  readonly folder?: FolderId | -1 | undefined
}

interface Window {
  readonly name: string
  readonly windowMs: number
  readonly most: number
  /** Calls with the same answer share a window; `undefined`: not counted. */
  readonly groupOf: (call: Arrival) => string | undefined
}

const isListing = ({ endpoint }: Arrival): boolean => endpoint === 'folder/ls' || endpoint === 'file/ls'

/** wire.md §3 read once more, on purpose without a look at the rules of core: sliding windows over arrivals. */
const WINDOWS: readonly Window[] = [
  { name: '3 calls a second', windowMs: 1_000, most: 3, groupOf: () => 'all' },
  {
    name: 'one listing in 3 s',
    windowMs: 3_000,
    most: 1,
    groupOf: (call) => (isListing(call) ? 'all' : undefined),
  },
  {
    name: 'one listing of a folder in 30 s',
    windowMs: 30_000,
    most: 1,
    groupOf: (call) => (isListing(call) && call.folder !== -1 ? `folder ${call.folder}` : undefined),
  },
  {
    name: 'one listing of all files an hour',
    windowMs: 3_600_000,
    most: 1,
    groupOf: (call) => (call.endpoint === 'file/ls' && call.folder === -1 ? 'all' : undefined),
  },
  {
    name: 'one user/info in 5 min',
    windowMs: 300_000,
    most: 1,
    groupOf: ({ endpoint }) => (endpoint === 'user/info' ? 'all' : undefined),
  },
]

/**
 * Watches calls on their way to 1fichier: fails the test at the first one that breaks a rule where it arrives,
 * is sent during a lock, or repeats what was refused for good.
 */
export class PaceWitness {
  readonly #nowMs: () => number
  readonly #shortestLockMs: number
  readonly #arrivals = new Map<string, number[]>()
  readonly #silences: {
    readonly covers: (call: Arrival) => boolean
    readonly untilMs: number
    readonly why: string
  }[] = []
  #seen = 0

  /**
   * - `nowMs`: time that never jumps.
   * - `shortestLockMs`: how long nothing may be sent after a lock; the shortest wait known of any client is 30 s.
   */
  constructor(nowMs: () => number, shortestLockMs: number = 30_000) {
    this.#nowMs = nowMs
    this.#shortestLockMs = shortestLockMs
  }

  get seen(): number {
    return this.#seen
  }

  /** A call sets out. What set out before a lock was known may arrive after it. */
  send(call: Arrival): void {
    for (const { covers, untilMs, why } of this.#silences) {
      assert.ok(this.#nowMs() >= untilMs || !covers(call), `${call.endpoint} was sent during ${why}`)
    }
  }

  arrive(call: Arrival): void {
    const nowMs = this.#nowMs()
    this.#seen += 1
    for (const window of WINDOWS) {
      const group = window.groupOf(call)
      if (group === undefined) continue
      const name = `${window.name}: ${group}`
      const recent = (this.#arrivals.get(name) ?? []).filter((atMs) => atMs > nowMs - window.windowMs)
      recent.push(nowMs)
      this.#arrivals.set(name, recent)
      assert.ok(recent.length <= window.most, `${window.name} is broken by ${call.endpoint} at ${nowMs}`)
    }
  }

  /** The answer to this call was a lock: silence, for the account call only where it was one. */
  lock(call: Arrival): void {
    const covers = (other: Arrival): boolean =>
      call.endpoint !== 'user/info' || other.endpoint === 'user/info'
    this.#silences.push({ covers, untilMs: this.#nowMs() + this.#shortestLockMs, why: 'a lock' })
  }

  /** The answer was a refusal for good: silence until `forgive`. */
  refuse(call: Arrival, why: 'account' | 'customer'): void {
    const covers = (other: Arrival): boolean => why === 'account' || other.endpoint === call.endpoint
    this.#silences.push({ covers, untilMs: Infinity, why: 'a permanent refusal' })
  }

  /** A person has mended what was refused. */
  forgive(): void {
    this.#silences.length = 0
  }
}
