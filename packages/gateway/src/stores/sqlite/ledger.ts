import { GatewayError, type Ledger, type LedgerEntry } from '@guichet/core'
import type { Database, Statement } from './database.ts'

interface LedgerRow {
  readonly at_ms: number
  readonly request_id: string
  readonly key: LedgerEntry['key']
  readonly door: LedgerEntry['door']
  readonly verb: LedgerEntry['verb']
  readonly target: string
  readonly decision: LedgerEntry['decision']
  readonly reason: string
}

interface Waiting {
  readonly entry: LedgerEntry
  readonly resolve: () => void
  readonly reject: (failure: GatewayError) => void
}

/** More entries than this in one turn of the event loop are refused. */
const WAITING_MAX = 10_000
const RECENT_MAX = 10_000

const COLUMNS = 'at_ms, request_id, key, door, verb, target, decision, reason'

/**
 * The ledger in SQLite. The calls of one turn of the event loop share one transaction, and so one sync of the disk.
 * The table refuses to change or lose an entry, whoever asks.
 */
export class SqliteLedger implements Ledger {
  readonly #db: Database
  readonly #insert: Statement<never>
  readonly #recent: Statement<LedgerRow>
  readonly #count: Statement<{ readonly count: number }>
  #waiting: Waiting[] = []

  constructor(db: Database) {
    this.#db = db
    this.#insert = db.prepare(`INSERT INTO ledger (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`)
    this.#recent = db.prepare(`SELECT ${COLUMNS} FROM ledger ORDER BY sequence DESC LIMIT ?`)
    // Nothing is ever deleted, so the last number is the count, without a walk over the table.
    this.#count = db.prepare('SELECT coalesce(max(sequence), 0) AS count FROM ledger')
  }

  record(entry: LedgerEntry): Promise<void> {
    if (this.#waiting.length >= WAITING_MAX) {
      return Promise.reject(
        new GatewayError('unavailable', `more than ${WAITING_MAX} decisions wait to be recorded`, {
          hint: 'try again in a moment',
          retryAfterMs: 1_000,
        }),
      )
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry, resolve, reject })
      if (this.#waiting.length === 1) setImmediate(() => this.#commit())
    })
  }

  async recent(limit: number): Promise<readonly LedgerEntry[]> {
    return this.#recent.all(Math.max(0, Math.min(Math.trunc(limit), RECENT_MAX))).map(entryOf)
  }

  async count(): Promise<number> {
    return this.#count.get()?.count ?? 0
  }

  #commit(): void {
    const batch = this.#waiting
    this.#waiting = []
    try {
      this.#db.transaction(() => {
        for (const { entry } of batch) this.#write(entry)
      })
    } catch (failure) {
      for (const { reject } of batch) reject(GatewayError.from(failure))
      return
    }
    for (const { resolve } of batch) resolve()
  }

  #write(entry: LedgerEntry): void {
    this.#insert.run(
      entry.atMs,
      entry.requestId,
      entry.key,
      entry.door,
      entry.verb,
      entry.target,
      entry.decision,
      entry.reason,
    )
  }
}

function entryOf(row: LedgerRow): LedgerEntry {
  return {
    atMs: row.at_ms,
    requestId: row.request_id,
    key: row.key,
    door: row.door,
    verb: row.verb,
    target: row.target,
    decision: row.decision,
    reason: row.reason,
  }
}
