import type { BudgetStore, Spend, SpendBook } from '@guichet/core'
import type { Database, Statement } from './database.ts'

interface SpendRow {
  readonly name: string
  readonly start_ms: number
  readonly amount: number
}

export class SqliteBudgetStore implements BudgetStore {
  readonly #db: Database
  readonly #load: Statement<SpendRow>
  readonly #save: Statement<never>

  constructor(db: Database) {
    this.#db = db
    this.#load = db.prepare('SELECT name, start_ms, amount FROM budget_spends')
    this.#save = db.prepare(
      'INSERT INTO budget_spends VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE SET start_ms = ?2, amount = ?3',
    )
  }

  async load(): Promise<SpendBook> {
    return new Map(this.#load.all().map((row) => [row.name, { startMs: row.start_ms, amount: row.amount }]))
  }

  async save(changed: ReadonlyMap<string, Spend>): Promise<void> {
    if (changed.size === 0) return
    this.#db.transaction(() => {
      for (const [name, { startMs, amount }] of changed) this.#save.run(name, startMs, amount)
    })
  }
}
