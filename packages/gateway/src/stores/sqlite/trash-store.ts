import { type FileId, parseFileId, parseFolderId, type TrashedFile, type TrashStore } from '@guichet/core'
import type { Database, Statement } from './database.ts'

interface TrashRow {
  readonly file: string
  readonly domain: string
  readonly name: string
  readonly size_bytes: number
  readonly key: TrashedFile['key']
  readonly from_folder: number
  readonly from_path: string
  readonly to_folder: number
  readonly trashed_ms: number
  readonly due_ms: number
  readonly state: TrashedFile['state']
}

export class SqliteTrashStore implements TrashStore {
  readonly #db: Database
  readonly #put: Statement<never>
  readonly #drop: Statement<never>
  readonly #list: Statement<TrashRow>

  constructor(db: Database) {
    this.#db = db
    this.#put = db.prepare('INSERT OR REPLACE INTO trash VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
    this.#drop = db.prepare('DELETE FROM trash WHERE file = ?')
    this.#list = db.prepare('SELECT * FROM trash ORDER BY trashed_ms, from_path, name, file')
  }

  async put(files: readonly TrashedFile[]): Promise<void> {
    this.#db.transaction(() => {
      for (const one of files) {
        const { link, name, sizeBytes, key, from, fromPath, to, trashedMs, dueMs, state } = one
        const places = [from, fromPath, to] as const
        this.#put.run(link.id, link.domain, name, sizeBytes, key, ...places, trashedMs, dueMs, state)
      }
    })
  }

  async drop(ids: readonly FileId[]): Promise<void> {
    this.#db.transaction(() => {
      for (const id of ids) this.#drop.run(id)
    })
  }

  async list(): Promise<readonly TrashedFile[]> {
    return this.#list.all().map((row) => ({
      link: { domain: row.domain as TrashedFile['link']['domain'], id: parseFileId(row.file) },
      name: row.name,
      sizeBytes: row.size_bytes,
      key: row.key,
      from: parseFolderId(row.from_folder),
      fromPath: row.from_path,
      to: parseFolderId(row.to_folder),
      trashedMs: row.trashed_ms,
      dueMs: row.due_ms,
      state: row.state,
    }))
  }
}
