import type { KeyId } from '@guichet/core'

/** The most urgent first. */
export const PRIORITIES = ['interactive', 'stream', 'write', 'sync', 'scan'] as const

export type Priority = (typeof PRIORITIES)[number]

export interface Queued {
  readonly key: KeyId | 'owner'
  readonly priority: Priority
  /** Grows with each arrival. */
  readonly sequence: number
}

/** One turn in so many goes to whoever has waited longest, whatever its priority: the last one is served too. */
const TURNS_PER_ELDER = 8

/** Who waits: by priority, in turn between the keys of a priority, in order of arrival for one key. */
export class Line<Entry extends Queued> {
  readonly #ranks: ReadonlyMap<Priority, Map<Queued['key'], Entry[]>> = new Map(
    PRIORITIES.map((priority) => [priority, new Map()]),
  )
  #size = 0
  #turns = 0

  get size(): number {
    return this.#size
  }

  add(entry: Entry): void {
    const rank = this.#rank(entry)
    const row = rank.get(entry.key) ?? []
    rank.set(entry.key, row)
    // Nearly always the end; an entry that had to come back takes its old place.
    const at = row.findLastIndex((other) => other.sequence < entry.sequence) + 1
    row.splice(at, 0, entry)
    this.#size += 1
  }

  /** True when it was there. */
  remove(entry: Entry): boolean {
    const rank = this.#rank(entry)
    const row = rank.get(entry.key)
    const at = row?.indexOf(entry) ?? -1
    if (row === undefined || at < 0) return false
    row.splice(at, 1)
    if (row.length === 0) rank.delete(entry.key)
    this.#size -= 1
    return true
  }

  /** Takes out the one whose turn it is among those that may go. */
  takeNext(mayGo: (entry: Entry) => boolean): Entry | undefined {
    const isForElder = (this.#turns + 1) % TURNS_PER_ELDER === 0
    const entry = isForElder ? this.#eldest(mayGo) : this.#mostUrgent(mayGo)
    if (entry === undefined) return undefined
    this.#turns += 1
    const rank = this.#rank(entry)
    this.remove(entry)
    const rest = rank.get(entry.key)
    if (rest !== undefined) {
      rank.delete(entry.key)
      rank.set(entry.key, rest)
    }
    return entry
  }

  /** Everybody, in the order in which they would be served if all might go. */
  *[Symbol.iterator](): Generator<Entry> {
    for (const rank of this.#ranks.values()) {
      const rows = [...rank.values()]
      const longest = rows.reduce((most, row) => Math.max(most, row.length), 0)
      for (let place = 0; place < longest; place += 1) {
        for (const row of rows) {
          const entry = row[place]
          if (entry !== undefined) yield entry
        }
      }
    }
  }

  #mostUrgent(mayGo: (entry: Entry) => boolean): Entry | undefined {
    for (const rank of this.#ranks.values()) {
      for (const row of rank.values()) {
        const entry = row.find(mayGo)
        if (entry !== undefined) return entry
      }
    }
    return undefined
  }

  #eldest(mayGo: (entry: Entry) => boolean): Entry | undefined {
    let eldest: Entry | undefined
    for (const rank of this.#ranks.values()) {
      for (const row of rank.values()) {
        const first = row.find(mayGo)
        if (first !== undefined && (eldest === undefined || first.sequence < eldest.sequence)) eldest = first
      }
    }
    return eldest
  }

  #rank(entry: Entry): Map<Queued['key'], Entry[]> {
    const rank = this.#ranks.get(entry.priority)
    if (rank === undefined) throw new TypeError(`unknown priority ${entry.priority}`)
    return rank
  }
}
