import { chmodSync, closeSync, existsSync, fdatasync, fsyncSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { GatewayError } from '@guichet/core'
import { failureOf } from './failures.ts'
import { migrate, requireCurrent } from './migrate.ts'

/** What a column takes and gives. */
export type SqlValue = string | number | null | Uint8Array

/** A prepared statement whose rows have a known shape: the tables are STRICT, so it is checked on the way in. */
export interface Statement<Row> {
  get(...values: SqlValue[]): Row | undefined
  all(...values: SqlValue[]): readonly Row[]
  /** Resolves with how many rows it changed. */
  run(...values: SqlValue[]): number
}

/**
 * One open database. Every adapter of this folder takes it; whoever opened it closes it, after them.
 * Every failure is a `GatewayError`.
 */
export interface Database extends AsyncDisposable {
  readonly path: string
  prepare<Row>(sql: string): Statement<Row>
  /** All or nothing, on disk when it returns. Transactions do not nest. */
  transaction<T>(work: () => T): T
  /**
   * A transaction whose way to the disk holds up nobody but its caller: others read and write while it resolves.
   * Calls overlap neither each other nor a disposal. Once the disk has failed here, every later call rejects: what it has
   * forgotten then cannot be told.
   */
  persist<T>(work: () => T): Promise<T>
  [Symbol.asyncDispose](): Promise<void>
}

export interface DatabaseOptions {
  /** A file, made with mode 0600 when it is missing, or `:memory:`. */
  readonly path: string
  /** Brings what was written to a file to the disk: `fdatasync`, unless a test has a disk of its own. */
  readonly sync?: ((fd: number) => Promise<void>) | undefined
}

/**
 * Opens the database of a home and brings its schema up to date.
 * A file that is no database of Guichet, is damaged, or was written by a newer version is refused and left as it is.
 */
export function openDatabase(options: DatabaseOptions): Database {
  const { path } = options
  let db: DatabaseSync | undefined
  try {
    if (path !== ':memory:') keepPrivate(path)
    db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true })
    migrate(db, path)
    return new OpenDatabase(db, path, options.sync)
  } catch (failure) {
    db?.close()
    throw failureOf(failure, path)
  }
}

/**
 * Opens a database of this version to look at it: nothing in it changes, also while a gateway uses it.
 * Whatever would have to be written first, a schema of before too, is refused.
 */
export function openReadOnly(path: string): Database {
  let db: DatabaseSync | undefined
  try {
    // Without a log beside it the file is all there is, and SQLite need not write there to find that out.
    const isAlone = !existsSync(`${path}-wal`)
    const place = isAlone ? new URL(`${pathToFileURL(path)}?immutable=1`) : path
    db = new DatabaseSync(place, { readOnly: true, timeout: BUSY_TIMEOUT_MS })
    requireCurrent(db, path)
    return new OpenDatabase(db, path)
  } catch (failure) {
    db?.close()
    throw failureOf(failure, path)
  }
}

/** How long a statement waits while another program, such as a backup, holds the file. */
const BUSY_TIMEOUT_MS = 5_000

const fdatasyncOf: (fd: number) => Promise<void> = promisify(fdatasync)

class OpenDatabase implements Database {
  readonly path: string
  readonly #db: DatabaseSync
  readonly #sync: (fd: number) => Promise<void>
  #logFd: number | undefined
  #persisting: Promise<unknown> = Promise.resolve()

  constructor(db: DatabaseSync, path: string, sync: (fd: number) => Promise<void> = fdatasyncOf) {
    this.#db = db
    this.path = path
    this.#sync = sync
  }

  prepare<Row>(sql: string): Statement<Row> {
    return this.#guard(() => new PreparedStatement<Row>(this.#db.prepare(sql), this.path))
  }

  transaction<T>(work: () => T): T {
    return this.#guard(() => {
      this.#db.exec('BEGIN IMMEDIATE')
      try {
        const result = work()
        this.#db.exec('COMMIT')
        return result
      } catch (failure) {
        // SQLite has already rolled back after a full disk and some I/O errors.
        if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
        throw failure
      }
    })
  }

  persist<T>(work: () => T): Promise<T> {
    const persisted = this.#persisting.then(() => this.#persist(work))
    this.#persisting = persisted.then(
      () => undefined,
      (failure) => {
        if (failure instanceof SyncFailure) throw failure
      },
    )
    this.#persisting.catch(() => undefined) // Each later call is told.
    return persisted.catch((failure: unknown) => {
      throw failure instanceof SyncFailure
        ? unsynced(this.path, failure.cause)
        : failureOf(failure, this.path)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#persisting.catch(() => undefined)
    if (this.#logFd !== undefined) closeSync(this.#logFd)
    this.#logFd = undefined
    if (this.#db.isOpen) this.#db.close()
  }

  async #persist<T>(work: () => T): Promise<T> {
    // Without FULL SQLite writes a commit to its log and leaves the sync to us.
    this.#guard(() => this.#db.exec('PRAGMA synchronous = NORMAL'))
    let result: T
    try {
      result = this.transaction(work)
    } finally {
      if (this.#db.isOpen) this.#db.exec('PRAGMA synchronous = FULL')
    }
    try {
      if (this.path !== ':memory:') await this.#sync(this.#log())
    } catch (cause) {
      throw new SyncFailure('the disk failed', { cause })
    }
    return result
  }

  /** The log of SQLite, whose every write is brought to the disk by a sync of any descriptor of it. */
  #log(): number {
    if (this.#logFd === undefined) {
      this.#logFd = openSync(`${this.path}-wal`, 'r+')
      // The name of the log, too, is on the disk before anything in it is said to be.
      const directory = openSync(dirname(this.path), 'r')
      fsyncSync(directory)
      closeSync(directory)
    }
    return this.#logFd
  }

  #guard<T>(work: () => T): T {
    try {
      return work()
    } catch (failure) {
      throw failureOf(failure, this.path)
    }
  }
}

function unsynced(path: string, cause: unknown): GatewayError {
  return new GatewayError('internal', `the disk failed to take what was written to ${path}`, {
    hint: "look into the system's log for errors of the disk, then start the gateway again",
    facts: { path },
    cause,
  })
}

/** A commit that is in the log, and of which nobody knows whether it is on the disk. */
class SyncFailure extends Error {}

class PreparedStatement<Row> implements Statement<Row> {
  readonly #statement: StatementSync
  readonly #path: string

  constructor(statement: StatementSync, path: string) {
    this.#statement = statement
    this.#path = path
  }

  get(...values: SqlValue[]): Row | undefined {
    try {
      return this.#statement.get(...values) as Row | undefined
    } catch (failure) {
      throw failureOf(failure, this.#path)
    }
  }

  all(...values: SqlValue[]): readonly Row[] {
    try {
      return this.#statement.all(...values) as Row[]
    } catch (failure) {
      throw failureOf(failure, this.#path)
    }
  }

  run(...values: SqlValue[]): number {
    try {
      return Number(this.#statement.run(...values).changes)
    } catch (failure) {
      throw failureOf(failure, this.#path)
    }
  }
}

/** The file holds hashes of keys and names of files: nobody else reads it. SQLite gives its side files the same mode. */
function keepPrivate(path: string): void {
  closeSync(openSync(path, 'a', 0o600))
  chmodSync(path, 0o600)
}
