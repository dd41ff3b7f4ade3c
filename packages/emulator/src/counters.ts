import type { RuleId } from './rules/rules.ts'

/** Where an API key was seen. `place` is `authorization`, `url`, `body`, or `header:<name>`. */
export interface KeySighting {
  readonly host: string
  readonly path: string
  readonly place: string
  readonly value: string
  readonly times: number
}

export interface Snapshot {
  /** Calls by endpoint, refused ones included. */
  readonly calls: Readonly<Record<string, number>>
  /** Answers by HTTP status. */
  readonly statuses: Readonly<Record<string, number>>
  readonly broken: Readonly<Partial<Record<RuleId, number>>>
  readonly locks: number
  readonly callsInLock: number
  readonly tokens: number
  readonly directGets: number
  readonly directHeads: number
  /** Body bytes of upload requests, and file bytes sent by download nodes. */
  readonly bytesUp: number
  readonly bytesDown: number
  readonly uploads: { readonly requests: number; readonly files: number }
  /** Faults that happened, by kind. */
  readonly faults: Readonly<Record<string, number>>
  readonly keySightings: readonly KeySighting[]
  /** Most calls to /v1, and most downloads, that were under way at one time. */
  readonly apiCallsAtOnceMax: number
  readonly downloadsAtOnceMax: number
}

type Amount =
  | 'locks'
  | 'callsInLock'
  | 'tokens'
  | 'directGets'
  | 'directHeads'
  | 'bytesUp'
  | 'bytesDown'
  | 'uploadRequests'
  | 'uploadFiles'

/** Counts what happens. Counting never changes an answer. */
export class Counters {
  #amounts = new Map<Amount, number>()
  #calls = new Map<string, number>()
  #statuses = new Map<string, number>()
  #broken = new Map<RuleId, number>()
  #faults = new Map<string, number>()
  #sightings = new Map<string, KeySighting>()
  #underWay = { api: 0, downloads: 0 }
  #atOnceMax = { api: 0, downloads: 0 }

  reset(): void {
    this.#amounts = new Map()
    this.#calls = new Map()
    this.#statuses = new Map()
    this.#broken = new Map()
    this.#faults = new Map()
    this.#sightings = new Map()
    this.#atOnceMax = { ...this.#underWay }
  }

  add(amount: Amount, by = 1): void {
    bump(this.#amounts, amount, by)
  }

  call(endpoint: string): void {
    bump(this.#calls, endpoint, 1)
  }

  answer(status: number): void {
    bump(this.#statuses, String(status), 1)
  }

  breach(rule: RuleId): void {
    bump(this.#broken, rule, 1)
  }

  fault(kind: string): void {
    bump(this.#faults, kind, 1)
  }

  sighting(host: string, path: string, place: string, value: string): void {
    const id = [host, path, place, value].join(' ')
    const times = (this.#sightings.get(id)?.times ?? 0) + 1
    this.#sightings.set(id, { host, path, place, value, times })
  }

  /** Counts something as under way until it is disposed of. */
  begin(kind: 'api' | 'downloads'): Disposable {
    this.#underWay[kind] += 1
    this.#atOnceMax[kind] = Math.max(this.#atOnceMax[kind], this.#underWay[kind])
    return {
      [Symbol.dispose]: () => {
        this.#underWay[kind] -= 1
      },
    }
  }

  downloadsUnderWay(): number {
    return this.#underWay.downloads
  }

  snapshot(): Snapshot {
    const amount = (name: Amount): number => this.#amounts.get(name) ?? 0
    return {
      calls: Object.fromEntries(this.#calls),
      statuses: Object.fromEntries(this.#statuses),
      broken: Object.fromEntries(this.#broken),
      locks: amount('locks'),
      callsInLock: amount('callsInLock'),
      tokens: amount('tokens'),
      directGets: amount('directGets'),
      directHeads: amount('directHeads'),
      bytesUp: amount('bytesUp'),
      bytesDown: amount('bytesDown'),
      uploads: { requests: amount('uploadRequests'), files: amount('uploadFiles') },
      faults: Object.fromEntries(this.#faults),
      keySightings: [...this.#sightings.values()],
      apiCallsAtOnceMax: this.#atOnceMax.api,
      downloadsAtOnceMax: this.#atOnceMax.downloads,
    }
  }
}

function bump<K>(counts: Map<K, number>, key: K, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by)
}
