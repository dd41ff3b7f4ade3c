import { type BreakerState, DAY_MS, type LimiterStore, type PaceState, type Reach } from '@guichet/core'
import type { Database, Statement } from './database.ts'

interface CounterRow {
  readonly name: string
  readonly arrival_ms: number
}

interface BreakerRow {
  readonly reach: Reach
  readonly state: string
}

/** Counters of folders that nobody asks for any more are swept away each so many writes. */
const WRITES_PER_SWEEP = 1_000

export class SqliteLimiterStore implements LimiterStore {
  readonly #db: Database
  readonly #counters: Statement<CounterRow>
  readonly #breakers: Statement<BreakerRow>
  readonly #saveCounter: Statement<never>
  readonly #saveBreaker: Statement<never>
  readonly #sweep: Statement<never>
  #writes = 0

  constructor(db: Database) {
    this.#db = db
    this.#counters = db.prepare('SELECT name, arrival_ms FROM limiter_counters')
    this.#breakers = db.prepare('SELECT reach, state FROM limiter_breakers')
    this.#saveCounter = db.prepare(
      'INSERT INTO limiter_counters VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET arrival_ms = ?2',
    )
    this.#saveBreaker = db.prepare(
      'INSERT INTO limiter_breakers VALUES (?1, ?2) ON CONFLICT (reach) DO UPDATE SET state = ?2',
    )
    this.#sweep = db.prepare('DELETE FROM limiter_counters WHERE arrival_ms < ?')
  }

  async load(): Promise<{
    readonly counters: PaceState
    readonly breakers: ReadonlyMap<Reach, BreakerState>
  }> {
    return {
      counters: new Map(this.#counters.all().map((row) => [row.name, row.arrival_ms])),
      // Nobody but `saveBreaker` writes the column.
      breakers: new Map(
        this.#breakers.all().map((row) => [row.reach, JSON.parse(row.state) as BreakerState]),
      ),
    }
  }

  async saveCounters(changed: ReadonlyMap<string, number>): Promise<void> {
    if (changed.size === 0) return
    this.#db.transaction(() => {
      for (const [name, arrivalMs] of changed) this.#saveCounter.run(name, arrivalMs)
      this.#writes += 1
      // What lies a day behind the counters of a call that goes now is past under every rule.
      if (this.#writes % WRITES_PER_SWEEP === 0) this.#sweep.run(Math.min(...changed.values()) - DAY_MS)
    })
  }

  async saveBreaker(reach: Reach, state: BreakerState): Promise<void> {
    this.#saveBreaker.run(reach, JSON.stringify(state))
  }
}
