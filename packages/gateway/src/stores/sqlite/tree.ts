import {
  type Children,
  type FileEntry,
  type FileId,
  type FileNode,
  type FolderId,
  type FolderListing,
  type FolderNode,
  GatewayError,
  ROOT,
  type Tree,
} from '@guichet/core'
import type { Database } from './database.ts'
import { takeListing } from './tree-listing.ts'
import { type FileRow, fileNode, fileRow, folderNode } from './tree-rows.ts'
import { TreeStatements } from './tree-statements.ts'

/** Folders nested deeper than this have no known way to the root. */
const DEPTH_MAX = 1_000

/** The tree in SQLite. The root is known from the beginning; no folder is ever below itself. */
export class SqliteTree implements Tree {
  readonly #db: Database
  readonly #sql: TreeStatements

  constructor(db: Database) {
    this.#db = db
    this.#sql = new TreeStatements(db)
  }

  async folder(id: FolderId): Promise<FolderNode | undefined> {
    const row = this.#sql.folder.get(id)
    return row === undefined ? undefined : folderNode(row)
  }

  async children(id: FolderId): Promise<Children> {
    return {
      folders: this.#sql.foldersIn.all(id).map(folderNode),
      files: this.#sql.filesIn.all(id).map(fileNode),
    }
  }

  async file(id: FileId): Promise<FileNode | undefined> {
    const row = this.#sql.file.get(id)
    return row === undefined ? undefined : fileNode(row)
  }

  async ancestry(id: FolderId): Promise<readonly FolderNode[] | undefined> {
    const rows = this.#sql.upwards.all(id, DEPTH_MAX)
    return rows.at(-1)?.id === ROOT ? rows.map(folderNode).reverse() : undefined
  }

  async applyListing(listing: FolderListing, askedMs: number, nowMs: number): Promise<void> {
    this.#db.transaction(() => takeListing(this.#sql, listing, { askedMs, nowMs, depthMax: DEPTH_MAX }))
  }

  async addFolder(
    folder: { readonly id: FolderId; readonly parent: FolderId; readonly name: string },
    ownMs: number,
  ): Promise<void> {
    const { id, parent, name } = folder
    refuseRoot(id)
    this.#db.transaction(() => {
      this.#sql.ensureFolder.run(parent)
      this.#refuseCycle(id, parent)
      this.#sql.addFolder.run(id, parent, name, ownMs)
      this.#sql.forgetRemovedFolder.run(id)
    })
  }

  async renameFolder(id: FolderId, name: string, ownMs: number): Promise<void> {
    refuseRoot(id)
    this.#sql.renameFolder.run(name, ownMs, id)
  }

  async moveFolder(id: FolderId, to: FolderId, ownMs: number): Promise<void> {
    refuseRoot(id)
    this.#db.transaction(() => {
      this.#sql.ensureFolder.run(to)
      this.#refuseCycle(id, to)
      const moved = this.#sql.moveFolder.run(to, ownMs, id)
      // A folder that we do not know is in there: its name must be asked for.
      if (moved === 0) this.#sql.forgetListing.run(to)
    })
  }

  async removeFolder(id: FolderId, ownMs: number): Promise<void> {
    refuseRoot(id)
    this.#db.transaction(() => {
      this.#sql.rememberFilesBelow.run(id, ownMs)
      this.#sql.rememberFoldersBelow.run(id, ownMs)
      this.#sql.dropBelow(id)
    })
  }

  async addFile(folder: FolderId, entry: FileEntry, ownMs: number): Promise<void> {
    this.#db.transaction(() => {
      this.#sql.ensureFolder.run(folder)
      this.#sql.putFile(fileRow(folder, entry, ownMs))
      this.#sql.forgetRemovedFile.run(entry.link.id)
    })
  }

  async renameFile(id: FileId, name: string, ownMs: number): Promise<void> {
    this.#sql.renameFile.run(name, ownMs, id)
  }

  async moveFile(id: FileId, to: FolderId, newId: FileId, ownMs: number): Promise<void> {
    this.#db.transaction(() => {
      this.#sql.ensureFolder.run(to)
      const row: FileRow | undefined = this.#sql.file.get(id)
      if (id !== newId) this.#removeFile(id, ownMs)
      this.#sql.forgetRemovedFile.run(newId)
      if (row === undefined) this.#sql.forgetListing.run(to)
      else this.#sql.putFile({ ...row, id: newId, folder: to, own_ms: ownMs })
    })
  }

  async removeFile(id: FileId, ownMs: number): Promise<void> {
    this.#db.transaction(() => this.#removeFile(id, ownMs))
  }

  async forgetFile(id: FileId): Promise<void> {
    this.#db.transaction(() => {
      const row = this.#sql.file.get(id)
      if (row === undefined) return
      this.#sql.dropFile.run(id)
      this.#sql.forgetListing.run(row.folder)
    })
  }

  async forgetFolder(id: FolderId): Promise<void> {
    this.#db.transaction(() => {
      const row = this.#sql.folder.get(id)
      if (row === undefined) return
      if (row.parent !== null) this.#sql.forgetListing.run(row.parent)
      // There is no account without a root: what is known of it is asked for again.
      if (id === ROOT) this.#sql.forgetListing.run(id)
      else this.#sql.dropBelow(id)
    })
  }

  async markListed(id: FolderId, atMs: number): Promise<void> {
    this.#sql.markListed.run(atMs, id)
  }

  async forgetListing(id: FolderId): Promise<void> {
    this.#sql.forgetListing.run(id)
  }

  async counts(): Promise<{ readonly folders: number; readonly files: number }> {
    const row = this.#sql.counts.get()
    return { folders: row?.folders ?? 0, files: row?.files ?? 0 }
  }

  #removeFile(id: FileId, ownMs: number): void {
    this.#sql.dropFile.run(id)
    this.#sql.rememberFile.run(id, ownMs)
  }

  #refuseCycle(id: FolderId, to: FolderId): void {
    const above = this.#sql.upwards.all(to, DEPTH_MAX)
    if (!above.some((row) => row.id === id)) return
    throw new GatewayError('conflict', `folder ${id} cannot go into folder ${to}, which is inside it`, {
      hint: 'choose a folder that is not inside the one to move',
    })
  }
}

function refuseRoot(id: FolderId): void {
  if (id !== ROOT) return
  throw new GatewayError('invalid', 'the root folder cannot be changed', {
    hint: 'name a folder inside it',
  })
}
