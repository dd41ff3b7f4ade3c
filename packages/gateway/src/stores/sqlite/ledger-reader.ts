import {
  completedBy,
  edgePlaces,
  GatewayError,
  HASH_BYTES,
  type KeptCheckpoint,
  type KeptEntry,
  type LedgerFilter,
  type LedgerSource,
  type NodePlace,
  type NumberedEntry,
  TreeEdge,
} from '@guichet/core'
import type { Database, Statement } from './database.ts'
import {
  entryOf,
  type KeptRow,
  keptEntryOf,
  type LedgerRow,
  READ_COLUMNS,
  sha256,
  whereOf,
} from './ledger-rows.ts'

interface CheckpointRow {
  readonly size: number
  readonly at_ms: number
  readonly note: string
  readonly verifier_key: string
}

const FOUND_MAX = 10_000

/** What the ledger of a database has, good or bad: it writes nothing, and believes nothing of the hashes. */
export class SqliteLedgerReader implements LedgerSource {
  readonly #db: Database
  readonly #count: Statement<{ readonly count: number }>
  readonly #written: Statement<{ readonly seq: number }>
  readonly #page: Statement<KeptRow>
  readonly #hashes: Statement<Pick<KeptRow, 'hashes'>>
  readonly #checkpoints: Statement<CheckpointRow>

  constructor(db: Database) {
    this.#db = db
    // Nothing is ever deleted, so the last number is the count, without a walk over the table.
    this.#count = db.prepare('SELECT CAST(coalesce(max(sequence), 0) AS REAL) AS count FROM ledger')
    this.#written = db.prepare("SELECT CAST(seq AS REAL) AS seq FROM sqlite_sequence WHERE name = 'ledger'")
    this.#page = db.prepare(
      `SELECT ${READ_COLUMNS}, hashes FROM ledger WHERE sequence > ? ORDER BY ledger.sequence LIMIT ?`,
    )
    this.#hashes = db.prepare('SELECT hashes FROM ledger WHERE sequence = ?')
    this.#checkpoints = db.prepare('SELECT * FROM ledger_checkpoints WHERE size > ? ORDER BY size LIMIT ?')
  }

  count(): number {
    return this.#count.get()?.count ?? 0
  }

  async written(): Promise<number> {
    return this.#written.get()?.seq ?? 0
  }

  find(filter: LedgerFilter, limit: number): readonly NumberedEntry[] {
    const { sql, values } = whereOf(filter)
    const rows = this.#db.prepare<LedgerRow>(
      `SELECT ${READ_COLUMNS} FROM ledger ${sql} ORDER BY ledger.sequence DESC LIMIT ?`,
    )
    return rows.all(...values, Math.max(0, Math.min(Math.trunc(limit), FOUND_MAX))).map(entryOf)
  }

  async page(after: number, limit: number): Promise<readonly KeptEntry[]> {
    return this.#page.all(after, limit).map(keptEntryOf)
  }

  async checkpoints(after: number, limit: number): Promise<readonly KeptCheckpoint[]> {
    return this.#checkpoints.all(after, limit).map(checkpointOf)
  }

  lastCheckpoint(): KeptCheckpoint | undefined {
    const row = this.#db
      .prepare<CheckpointRow>('SELECT * FROM ledger_checkpoints ORDER BY size DESC LIMIT 1')
      .get()
    return row === undefined ? undefined : checkpointOf(row)
  }

  /** The tree of the first entries, from what is kept with them. Throws `corrupt` where that is not there. */
  edge(size: number): TreeEdge {
    return new TreeEdge(
      sha256,
      size,
      edgePlaces(size).map((place) => this.node(place)),
    )
  }

  node(place: NodePlace): Uint8Array {
    const sequence = completedBy(place)
    const hashes = this.#hashes.get(sequence)?.hashes ?? new Uint8Array()
    const start = place.level * HASH_BYTES
    if (hashes.length >= start + HASH_BYTES) return hashes.subarray(start, start + HASH_BYTES)
    throw new GatewayError('corrupt', `the ledger is damaged: entry ${sequence} or its hash is missing`, {
      hint: 'see what else is wrong with `guichet ledger verify`, then put back a copy of the database',
      facts: { path: this.#db.path, sequence },
    })
  }
}

function checkpointOf(row: CheckpointRow): KeptCheckpoint {
  return { size: row.size, atMs: row.at_ms, note: row.note, verifierKey: row.verifier_key }
}
