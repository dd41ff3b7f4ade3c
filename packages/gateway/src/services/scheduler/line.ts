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

/**
 * One turn in so many goes to whoever has waited longest in a lower priority: the last one is served too.
 * Turns are counted for each rule, since a rule that lets few calls through would else serve the urgent only.
 */
const TURNS_PER_ELDER = 4

/** Who waits: by priority, in turn between the keys of a priority, in order of arrival for one key. */
export class Line<Entry extends Queued> {
  readonly #ranks: ReadonlyMap<Priority, Map<Queued['key'], Entry[]>> = new Map(
    PRIORITIES.map((priority) => [priority, new Map()]),
  )
  #size = 0
  /** How many turns each rule has seen. */
  readonly #turns = new Map<string, number>()

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

  has(entry: Entry): boolean {
    return this.#rank(entry).get(entry.key)?.includes(entry) === true
  }

  /** In the lowest priority the youngest of the key that has most waiting there. */
  last(): Entry | undefined {
    for (const priority of PRIORITIES.toReversed()) {
      const rows = [...(this.#ranks.get(priority)?.values() ?? [])]
      if (rows.length > 0) return rows.reduce((most, row) => (row.length > most.length ? row : most)).at(-1)
    }
    return undefined
  }

  /** Takes out the one whose turn it is among those that may go; `rulesOf` names the rules that a call waits for. */
  takeNext(
    mayGo: (entry: Entry) => boolean,
    rulesOf: (entry: Entry) => readonly string[],
  ): Entry | undefined {
    const urgent = this.#mostUrgent(mayGo)
    if (urgent === undefined) return undefined
    const elderRule = rulesOf(urgent).find((rule) => (this.#turnsOf(rule) + 1) % TURNS_PER_ELDER === 0)
    const isElder = (other: Entry): boolean =>
      elderRule !== undefined &&
      other.priority !== urgent.priority &&
      rulesOf(other).includes(elderRule) &&
      mayGo(other)
    const entry = (elderRule === undefined ? undefined : this.#eldest(isElder)) ?? urgent
    for (const rule of rulesOf(entry)) this.#turns.set(rule, this.#turnsOf(rule) + 1)
    this.remove(entry)
    this.#passTurn(entry)
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

  #turnsOf(rule: string): number {
    return this.#turns.get(rule) ?? 0
  }

  /** The others of its priority come before its key's next one. */
  #passTurn(entry: Entry): void {
    const rank = this.#rank(entry)
    const rest = rank.get(entry.key)
    if (rest === undefined) return
    rank.delete(entry.key)
    rank.set(entry.key, rest)
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
