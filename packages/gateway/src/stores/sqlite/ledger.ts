import { setImmediate as turn } from 'node:timers/promises'
import {
  consistencyProof,
  GatewayError,
  type KeptCheckpoint,
  type KeptEntry,
  type Ledger,
  type LedgerBook,
  type LedgerEntry,
  type LedgerFilter,
  leafBytes,
  leafHash,
  type NumberedEntry,
  type TreeEdge,
  type TreeHead,
} from '@guichet/core'
import type { Database, Statement } from './database.ts'
import { SqliteLedgerReader } from './ledger-reader.ts'
import { COLUMNS, sha256, valuesOf } from './ledger-rows.ts'

interface Waiting {
  readonly entry: LedgerEntry
  readonly resolve: () => void
  readonly reject: (failure: GatewayError) => void
}

/** More entries than this behind one transaction are refused. */
const WAITING_MAX = 10_000

/**
 * The ledger in SQLite. What comes while a transaction is on its way to the disk shares the next one, and one sync.
 * The table refuses to change or lose an entry, whoever asks; that somebody went past it shows in the hashes.
 */
export class SqliteLedger implements Ledger, LedgerBook {
  readonly #db: Database
  readonly #reader: SqliteLedgerReader
  readonly #insert: Statement<never>
  readonly #keep: Statement<never>
  #edge: TreeEdge
  #waiting: Waiting[] = []
  #isCommitting = false

  /** Throws `corrupt` when what the tree goes on from is not there. */
  constructor(db: Database) {
    this.#db = db
    this.#reader = new SqliteLedgerReader(db)
    this.#insert = db.prepare(`INSERT INTO ledger (${COLUMNS}, hashes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
    this.#keep = db.prepare('INSERT OR IGNORE INTO ledger_checkpoints VALUES (?, ?, ?, ?)')
    this.#edge = this.#reader.edge(this.#reader.count())
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
      if (!this.#isCommitting) void this.#commitAll()
    })
  }

  async recent(limit: number): Promise<readonly LedgerEntry[]> {
    return this.#reader.find({}, limit).map(({ sequence: _sequence, ...entry }) => entry)
  }

  async find(filter: LedgerFilter, limit: number): Promise<readonly NumberedEntry[]> {
    return this.#reader.find(filter, limit)
  }

  async count(): Promise<number> {
    return this.#reader.count()
  }

  page(after: number, limit: number): Promise<readonly KeptEntry[]> {
    return this.#reader.page(after, limit)
  }

  checkpoints(after: number, limit: number): Promise<readonly KeptCheckpoint[]> {
    return this.#reader.checkpoints(after, limit)
  }

  written(): Promise<number> {
    return this.#reader.written()
  }

  async head(): Promise<TreeHead> {
    return { size: this.#edge.size, root: this.#edge.root() }
  }

  async edge(size: number): Promise<TreeEdge> {
    return this.#reader.edge(size)
  }

  async proof(oldSize: number, newSize: number): Promise<readonly Uint8Array[]> {
    return consistencyProof(sha256, (place) => this.#reader.node(place), oldSize, newSize)
  }

  async keepCheckpoint({ size, atMs, note, verifierKey }: KeptCheckpoint): Promise<void> {
    this.#keep.run(size, atMs, note, verifierKey)
  }

  async lastCheckpoint(): Promise<KeptCheckpoint | undefined> {
    return this.#reader.lastCheckpoint()
  }

  /** While one transaction is on its way to the disk, the next one gathers. */
  async #commitAll(): Promise<void> {
    this.#isCommitting = true
    while (this.#waiting.length > 0) {
      await turn()
      await this.#commit(this.#waiting.splice(0))
    }
    this.#isCommitting = false
  }

  /** Never rejects: whoever waits is told. */
  async #commit(batch: readonly Waiting[]): Promise<void> {
    const edge = this.#edge.copy()
    try {
      await this.#db.persist(() => {
        for (const { entry } of batch) this.#write(edge, entry)
      })
      // The tree is that of the entries on the disk.
      this.#edge = edge
    } catch (failure) {
      for (const { reject } of batch) reject(GatewayError.from(failure))
      return
    }
    for (const { resolve } of batch) resolve()
  }

  #write(edge: TreeEdge, entry: LedgerEntry): void {
    const numbered = { ...entry, sequence: edge.size + 1 }
    const hashes = edge.append(leafHash(sha256, leafBytes(numbered)))
    this.#insert.run(...valuesOf(numbered), Buffer.concat(hashes))
  }
}
