import {
  type FileId,
  type FolderId,
  GatewayError,
  parseFolderId,
  parseKeyId,
  parseTransferId,
  type Transfer,
  type TransferId,
  type TransferJournal,
  type TransferState,
} from '@guichet/core'
import type { Database, Statement } from './database.ts'
import { isConstraint } from './failures.ts'

interface TransferRow {
  readonly id: string
  readonly upload: string
  readonly key: string
  readonly folder: number
  readonly name: string
  readonly size_bytes: number
  readonly whirlpool: string
  readonly attempts: number
  readonly created_ms: number
  readonly is_claimed: number
  readonly state: string
}

const TRANSFER =
  'id, upload, key, folder, name, size_bytes, whirlpool, attempts, created_ms, is_claimed, state'

export class SqliteTransferJournal implements TransferJournal {
  readonly #db: Database
  readonly #insert: Statement<never>
  readonly #get: Statement<TransferRow>
  readonly #byUpload: Statement<TransferRow>
  readonly #unfinished: Statement<TransferRow>
  readonly #advance: Statement<never>
  readonly #claim: Statement<never>
  readonly #claimFolder: Statement<never>
  readonly #unclaimed: Statement<TransferRow>
  readonly #adopt: Statement<never>
  readonly #storedAs: Statement<TransferRow>
  readonly #prune: Statement<never>
  readonly #counts: Statement<{ readonly kind: TransferState['kind']; readonly count: number }>

  constructor(db: Database) {
    this.#db = db
    this.#insert = db.prepare(
      `INSERT INTO transfers (${TRANSFER}, kind, ended_ms, file)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#get = db.prepare(`SELECT ${TRANSFER} FROM transfers WHERE id = ?`)
    this.#byUpload = db.prepare(`SELECT ${TRANSFER} FROM transfers WHERE upload = ? ORDER BY sequence`)
    this.#unfinished = db.prepare(
      `SELECT ${TRANSFER} FROM transfers WHERE ended_ms IS NULL ORDER BY created_ms, sequence`,
    )
    this.#advance = db.prepare(`
      UPDATE transfers SET state = ?, kind = ?, ended_ms = ?, file = ?, attempts = coalesce(?, attempts)
      WHERE id = ?`)
    this.#claim = db.prepare('UPDATE transfers SET is_claimed = 1 WHERE id = ?')
    this.#claimFolder = db.prepare(
      "UPDATE transfers SET is_claimed = 1 WHERE folder = ? AND is_claimed = 0 AND kind = 'stored'",
    )
    this.#unclaimed = db.prepare(`
      SELECT ${TRANSFER} FROM transfers
      WHERE is_claimed = 0 AND folder = ? AND name = ? AND key = ? AND size_bytes = ? AND whirlpool = ?
        AND kind <> 'failed'
      ORDER BY sequence LIMIT 1`)
    this.#adopt = db.prepare(
      "UPDATE transfers SET upload = ? WHERE id = ? AND is_claimed = 0 AND kind <> 'failed'",
    )
    this.#storedAs = db.prepare(
      `SELECT ${TRANSFER} FROM transfers WHERE file = ? ORDER BY sequence DESC LIMIT 1`,
    )
    this.#prune = db.prepare('DELETE FROM transfers WHERE ended_ms < ?')
    this.#counts = db.prepare('SELECT kind, count(*) AS count FROM transfers GROUP BY kind')
  }

  async add(transfers: readonly Transfer[]): Promise<void> {
    this.#db.transaction(() => {
      for (const transfer of transfers) this.#add(transfer)
    })
  }

  async get(id: TransferId): Promise<Transfer | undefined> {
    const row = this.#get.get(id)
    return row === undefined ? undefined : transferOf(row)
  }

  async byUpload(upload: string): Promise<readonly Transfer[]> {
    return this.#byUpload.all(upload).map(transferOf)
  }

  async unfinished(): Promise<readonly Transfer[]> {
    return this.#unfinished.all().map(transferOf)
  }

  async advance(
    changes: readonly {
      readonly id: TransferId
      readonly state: TransferState
      readonly attempts?: number
    }[],
  ): Promise<void> {
    this.#db.transaction(() => {
      for (const { id, state, attempts } of changes) {
        const changed = this.#advance.run(
          JSON.stringify(state),
          state.kind,
          endOf(state),
          fileOf(state),
          attempts ?? null,
          id,
        )
        if (changed === 0) throw unknown(id)
      }
    })
  }

  async claim(ids: readonly TransferId[]): Promise<void> {
    this.#db.transaction(() => {
      for (const id of ids) this.#claim.run(id)
    })
  }

  async unclaimed(
    like: Pick<Transfer, 'key' | 'folder' | 'name' | 'sizeBytes' | 'whirlpool'>,
  ): Promise<Transfer | undefined> {
    const row = this.#unclaimed.get(like.folder, like.name, like.key, like.sizeBytes, like.whirlpool)
    return row === undefined ? undefined : transferOf(row)
  }

  async adopt(id: TransferId, upload: string): Promise<Transfer | undefined> {
    return this.#adopt.run(upload, id) === 0 ? undefined : this.get(id)
  }

  async storedAs(file: FileId): Promise<Transfer | undefined> {
    const row = this.#storedAs.get(file)
    return row === undefined ? undefined : transferOf(row)
  }

  async claimFolder(folder: FolderId): Promise<void> {
    this.#claimFolder.run(folder)
  }

  async prune(endedBeforeMs: number): Promise<number> {
    return this.#prune.run(endedBeforeMs)
  }

  async counts(): Promise<Readonly<Record<TransferState['kind'], number>>> {
    const counts = { spooled: 0, sending: 0, reporting: 0, doubtful: 0, stored: 0, failed: 0 }
    for (const row of this.#counts.all()) counts[row.kind] = row.count
    return counts
  }

  #add(transfer: Transfer): void {
    try {
      this.#insert.run(
        transfer.id,
        transfer.upload,
        transfer.key,
        transfer.folder,
        transfer.name,
        transfer.sizeBytes,
        transfer.whirlpool,
        transfer.attempts,
        transfer.createdMs,
        transfer.isClaimed ? 1 : 0,
        JSON.stringify(transfer.state),
        transfer.state.kind,
        endOf(transfer.state),
        fileOf(transfer.state),
      )
    } catch (failure) {
      if (!isConstraint(failure)) throw failure
      throw new GatewayError('conflict', `the transfer ${transfer.id} is in the journal already`, {
        hint: 'send the upload again',
        cause: failure,
      })
    }
  }
}

function endOf(state: TransferState): number | null {
  if (state.kind === 'stored') return state.storedMs
  return state.kind === 'failed' ? state.failedMs : null
}

function fileOf(state: TransferState): string | null {
  return state.kind === 'stored' ? state.link.id : null
}

function transferOf(row: TransferRow): Transfer {
  return {
    id: parseTransferId(row.id),
    upload: row.upload,
    key: row.key === 'owner' ? 'owner' : parseKeyId(row.key),
    folder: parseFolderId(row.folder),
    name: row.name,
    sizeBytes: row.size_bytes,
    whirlpool: row.whirlpool,
    attempts: row.attempts,
    createdMs: row.created_ms,
    isClaimed: row.is_claimed === 1,
    // Nobody but this file writes the column.
    state: JSON.parse(row.state) as TransferState,
  }
}

function unknown(id: TransferId): GatewayError {
  return new GatewayError('not-found', `no transfer ${id} in the journal`, {
    hint: '`guichet status` shows the transfers under way',
  })
}
