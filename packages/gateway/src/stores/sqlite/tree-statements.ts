import type { Database, Statement } from './database.ts'
import type { FileRow, FolderRow } from './tree-rows.ts'

/** An id with the moment of an own write. */
export interface OwnRow<Id> {
  readonly id: Id
  readonly own_ms: number | null
}

const FOLDER = 'id, parent, name, created_ms, has_password, listed_ms, public_url, own_ms'
const FILE =
  'id, domain, folder, name, size_bytes, date_ms, whirlpool, content_type, has_password, is_restricted, uses_cdn, own_ms'

/** UNION, not UNION ALL: a damaged chain that leads back to itself ends too. */
const BELOW =
  'WITH RECURSIVE below (id) AS (SELECT ?1 UNION SELECT f.id FROM folders f JOIN below b ON f.parent = b.id)'

/** Every statement on the tables of the tree, prepared once. */
export class TreeStatements {
  readonly folder: Statement<FolderRow>
  readonly foldersIn: Statement<FolderRow>
  readonly file: Statement<FileRow>
  readonly filesIn: Statement<FileRow>
  /** From the folder up, at most so many steps. */
  readonly upwards: Statement<FolderRow>
  readonly counts: Statement<{ readonly folders: number; readonly files: number }>

  readonly ensureFolder: Statement<never>
  readonly addFolder: Statement<never>
  readonly renameFolder: Statement<never>
  readonly moveFolder: Statement<never>
  readonly cutFolder: Statement<never>
  readonly markListed: Statement<never>
  readonly forgetListing: Statement<never>
  readonly listFolder: Statement<never>
  readonly takeFolder: Statement<never>

  readonly renameFile: Statement<never>
  readonly dropFile: Statement<never>

  readonly rememberFile: Statement<never>
  readonly rememberFilesBelow: Statement<never>
  readonly rememberFoldersBelow: Statement<never>
  readonly forgetRemovedFile: Statement<never>
  readonly forgetRemovedFolder: Statement<never>
  readonly pruneRemovedFiles: Statement<never>
  readonly pruneRemovedFolders: Statement<never>

  /** Own-write times of the ids in a JSON array: of removed things, and of things held in another folder. */
  readonly removedFolder: Statement<OwnRow<number>>
  readonly removedFolders: Statement<OwnRow<number>>
  readonly removedFiles: Statement<OwnRow<string>>
  readonly foldersElsewhere: Statement<OwnRow<number>>
  readonly filesElsewhere: Statement<OwnRow<string>>
  readonly knownFolders: Statement<OwnRow<number>>
  readonly knownFiles: Statement<OwnRow<string>>

  readonly #putFile: Statement<never>
  readonly #dropFilesBelow: Statement<never>
  readonly #dropFoldersBelow: Statement<never>

  constructor(db: Database) {
    this.folder = db.prepare(`SELECT ${FOLDER} FROM folders WHERE id = ?`)
    this.foldersIn = db.prepare(`SELECT ${FOLDER} FROM folders WHERE parent = ? ORDER BY name, id`)
    this.file = db.prepare(`SELECT ${FILE} FROM files WHERE id = ?`)
    this.filesIn = db.prepare(`SELECT ${FILE} FROM files WHERE folder = ? ORDER BY name, id`)
    this.upwards = db.prepare(`
      WITH RECURSIVE up (at, above, depth) AS (
        SELECT id, parent, 0 FROM folders WHERE id = ?1
        UNION ALL SELECT f.id, f.parent, depth + 1 FROM folders f JOIN up ON f.id = above WHERE depth < ?2
      ) SELECT ${FOLDER} FROM up JOIN folders ON id = at ORDER BY depth`)
    // The root is not one of the account's folders to a person.
    this.counts = db.prepare(
      'SELECT (SELECT count(*) FROM folders) - 1 AS folders, (SELECT count(*) FROM files) AS files',
    )

    this.ensureFolder = db.prepare("INSERT INTO folders (id, name) VALUES (?, '') ON CONFLICT DO NOTHING")
    this.addFolder = db.prepare(`
      INSERT INTO folders (id, parent, name, created_ms, own_ms) VALUES (?1, ?2, ?3, ?4, ?4)
      ON CONFLICT (id) DO UPDATE SET parent = ?2, name = ?3, own_ms = ?4`)
    this.renameFolder = db.prepare('UPDATE folders SET name = ?, own_ms = ? WHERE id = ?')
    this.moveFolder = db.prepare('UPDATE folders SET parent = ?, own_ms = ? WHERE id = ?')
    this.cutFolder = db.prepare('UPDATE folders SET parent = NULL WHERE id = ?')
    this.markListed = db.prepare('UPDATE folders SET listed_ms = ? WHERE id = ?')
    this.forgetListing = db.prepare('UPDATE folders SET listed_ms = NULL WHERE id = ?')
    this.listFolder = db.prepare(`
      INSERT INTO folders (id, name, public_url, listed_ms) VALUES (?1, ?2, ?3, ?4)
      ON CONFLICT (id) DO UPDATE SET name = ?2, public_url = ?3, listed_ms = ?4`)
    this.takeFolder = db.prepare(`
      INSERT INTO folders (id, parent, name, created_ms, has_password) VALUES (?1, ?2, ?3, ?4, ?5)
      ON CONFLICT (id) DO UPDATE
        SET parent = ?2, name = ?3, created_ms = coalesce(?4, created_ms), has_password = ?5, own_ms = NULL
        WHERE (parent, name, created_ms, has_password, own_ms)
          IS NOT (?2, ?3, coalesce(?4, created_ms), ?5, NULL)`)

    this.renameFile = db.prepare('UPDATE files SET name = ?, own_ms = ? WHERE id = ?')
    this.dropFile = db.prepare('DELETE FROM files WHERE id = ?')
    // A file that a listing repeats unchanged is not written again.
    this.#putFile = db.prepare(`
      INSERT INTO files (${FILE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET
        domain = excluded.domain, folder = excluded.folder, name = excluded.name,
        size_bytes = excluded.size_bytes, date_ms = excluded.date_ms, whirlpool = excluded.whirlpool,
        content_type = excluded.content_type, has_password = excluded.has_password,
        is_restricted = excluded.is_restricted, uses_cdn = excluded.uses_cdn, own_ms = excluded.own_ms
      WHERE (domain, folder, name, size_bytes, date_ms, whirlpool, content_type, has_password, is_restricted,
          uses_cdn, own_ms)
        IS NOT (excluded.domain, excluded.folder, excluded.name, excluded.size_bytes, excluded.date_ms,
          excluded.whirlpool, excluded.content_type, excluded.has_password, excluded.is_restricted,
          excluded.uses_cdn, excluded.own_ms)`)

    this.rememberFile = db.prepare(
      'INSERT INTO removed_files (id, own_ms) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET own_ms = ?2',
    )
    this.rememberFilesBelow = db.prepare(`${BELOW}
      INSERT INTO removed_files (id, own_ms) SELECT f.id, ?2 FROM files f JOIN below b ON f.folder = b.id WHERE true
      ON CONFLICT (id) DO UPDATE SET own_ms = ?2`)
    this.rememberFoldersBelow = db.prepare(`${BELOW}
      INSERT INTO removed_folders (id, own_ms) SELECT id, ?2 FROM below WHERE true
      ON CONFLICT (id) DO UPDATE SET own_ms = ?2`)
    this.forgetRemovedFile = db.prepare('DELETE FROM removed_files WHERE id = ?')
    this.forgetRemovedFolder = db.prepare('DELETE FROM removed_folders WHERE id = ?')
    this.pruneRemovedFiles = db.prepare('DELETE FROM removed_files WHERE own_ms < ?')
    this.pruneRemovedFolders = db.prepare('DELETE FROM removed_folders WHERE own_ms < ?')

    this.removedFolder = db.prepare('SELECT id, own_ms FROM removed_folders WHERE id = ?')
    this.removedFolders = db.prepare(
      'SELECT r.id, r.own_ms FROM json_each(?) j JOIN removed_folders r ON r.id = j.value',
    )
    this.removedFiles = db.prepare(
      'SELECT r.id, r.own_ms FROM json_each(?) j JOIN removed_files r ON r.id = j.value',
    )
    this.foldersElsewhere = db.prepare(
      'SELECT f.id, f.own_ms FROM json_each(?1) j JOIN folders f ON f.id = j.value WHERE f.parent IS NOT ?2',
    )
    this.filesElsewhere = db.prepare(
      'SELECT f.id, f.own_ms FROM json_each(?1) j JOIN files f ON f.id = j.value WHERE f.folder IS NOT ?2',
    )
    this.knownFolders = db.prepare('SELECT id, own_ms FROM folders WHERE parent = ?')
    this.knownFiles = db.prepare('SELECT id, own_ms FROM files WHERE folder = ?')

    this.#dropFilesBelow = db.prepare(`${BELOW} DELETE FROM files WHERE folder IN (SELECT id FROM below)`)
    this.#dropFoldersBelow = db.prepare(`${BELOW} DELETE FROM folders WHERE id IN (SELECT id FROM below)`)
  }

  putFile(row: FileRow): void {
    this.#putFile.run(
      row.id,
      row.domain,
      row.folder,
      row.name,
      row.size_bytes,
      row.date_ms,
      row.whirlpool,
      row.content_type,
      row.has_password,
      row.is_restricted,
      row.uses_cdn,
      row.own_ms,
    )
  }

  /** Drops a folder with everything below it. */
  dropBelow(id: number): void {
    this.#dropFilesBelow.run(id)
    this.#dropFoldersBelow.run(id)
  }
}
