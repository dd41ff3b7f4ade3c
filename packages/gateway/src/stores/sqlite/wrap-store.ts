import { parseKeyId, type Wrap, type WrapStore } from '@guichet/core'
import type { Database, Statement } from './database.ts'

interface WrapRow {
  readonly hash: string
  readonly key: string
  readonly sealed: string | null
  readonly until_ms: number
  readonly fetched_ms: number | null
  readonly misused_ms: number | null
}

export class SqliteWrapStore implements WrapStore {
  readonly #db: Database
  readonly #insert: Statement<never>
  readonly #byHash: Statement<WrapRow>
  readonly #fetch: Statement<never>
  readonly #misuse: Statement<never>
  readonly #overdue: Statement<WrapRow>
  readonly #forget: Statement<never>
  readonly #misused: Statement<WrapRow>

  constructor(db: Database) {
    this.#db = db
    this.#insert = db.prepare('INSERT INTO key_wraps (hash, key, sealed, until_ms) VALUES (?, ?, ?, ?)')
    this.#byHash = db.prepare('SELECT * FROM key_wraps WHERE hash = ?')
    this.#fetch = db.prepare(
      'UPDATE key_wraps SET sealed = NULL, fetched_ms = ?2 WHERE hash = ?1 AND sealed IS NOT NULL AND until_ms > ?2',
    )
    this.#misuse = db.prepare('UPDATE key_wraps SET misused_ms = coalesce(misused_ms, ?2) WHERE hash = ?1')
    this.#overdue = db.prepare('SELECT * FROM key_wraps WHERE sealed IS NOT NULL AND until_ms <= ?')
    this.#forget = db.prepare('UPDATE key_wraps SET sealed = NULL WHERE hash = ?')
    this.#misused = db.prepare(
      'SELECT * FROM key_wraps WHERE misused_ms IS NOT NULL ORDER BY misused_ms DESC LIMIT 100',
    )
  }

  async add(wrap: Parameters<WrapStore['add']>[0]): Promise<void> {
    this.#insert.run(wrap.hash, wrap.key, wrap.sealed, wrap.untilMs)
  }

  async byHash(hash: string): Promise<Wrap | undefined> {
    const row = this.#byHash.get(hash)
    return row === undefined ? undefined : wrapOf(row)
  }

  async fetch(hash: string, nowMs: number): Promise<string | undefined> {
    return this.#db.transaction(() => {
      const sealed = this.#byHash.get(hash)?.sealed
      return this.#fetch.run(hash, nowMs) === 1 ? (sealed ?? undefined) : undefined
    })
  }

  async misuse(hash: string, nowMs: number): Promise<void> {
    this.#misuse.run(hash, nowMs)
  }

  async overdue(nowMs: number): Promise<readonly Wrap[]> {
    return this.#overdue.all(nowMs).map(wrapOf)
  }

  async forget(hash: string): Promise<void> {
    this.#forget.run(hash)
  }

  async misused(): Promise<readonly Wrap[]> {
    return this.#misused.all().map(wrapOf)
  }
}

function wrapOf(row: WrapRow): Wrap {
  return {
    hash: row.hash,
    key: parseKeyId(row.key),
    sealed: row.sealed ?? undefined,
    untilMs: row.until_ms,
    fetchedMs: row.fetched_ms ?? undefined,
    misusedMs: row.misused_ms ?? undefined,
  }
}
