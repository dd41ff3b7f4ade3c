import type { FactStore } from '@guichet/core'
import type { Database, Statement } from './database.ts'

/** Values are kept as JSON: what `JSON.stringify` drops is not there after a restart. */
export class SqliteFactStore implements FactStore {
  readonly #get: Statement<{ readonly value: string; readonly at_ms: number }>
  readonly #put: Statement<never>

  constructor(db: Database) {
    this.#get = db.prepare('SELECT value, at_ms FROM facts WHERE name = ?')
    this.#put = db.prepare(
      'INSERT INTO facts VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE SET value = ?2, at_ms = ?3',
    )
  }

  async get(name: string): Promise<{ readonly value: unknown; readonly atMs: number } | undefined> {
    const row = this.#get.get(name)
    return row === undefined ? undefined : { value: JSON.parse(row.value), atMs: row.at_ms }
  }

  async put(name: string, value: unknown, nowMs: number): Promise<void> {
    this.#put.run(name, JSON.stringify(value ?? null), nowMs)
  }
}
