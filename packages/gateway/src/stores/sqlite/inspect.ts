import { DatabaseSync } from 'node:sqlite'
import { failureOf } from './failures.ts'

/** What a database file says of itself, without a gateway and without a change to it. */
export interface DatabaseReport {
  /** How many migrations it has seen. */
  readonly schema: number
  /** What is broken in it, in SQLite's words; empty for a sound file. */
  readonly problems: readonly string[]
  readonly keys: readonly ReportedKey[]
  /** Why calls stand still until a person resumes them. */
  readonly stopped: readonly string[]
  /** How far 1fichier's clock was ahead of this machine's when it last answered. */
  readonly clock: { readonly offsetMs: number; readonly atMs: number } | undefined
  /** Rows by table. */
  readonly counts: Readonly<Record<string, number>>
}

export interface ReportedKey {
  readonly id: string
  readonly name: string
  readonly verbs: readonly string[]
  readonly root: number
  readonly rootPath: string
  readonly createdMs: number
  readonly expiresMs: number | undefined
  readonly revokedMs: number | undefined
  /** When it was over by itself before its time. */
  readonly endedMs: number | undefined
  /** The last decision about it in the ledger. */
  readonly usedMs: number | undefined
}

const COUNTED = ['folders', 'files', 'transfers', 'keys', 'ledger'] as const

/** Reads only; a gateway may use the file meanwhile. Throws as `openDatabase` does when the file cannot be read at all. */
export function inspectDatabase(path: string): DatabaseReport {
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS })
    return reportOf(db)
  } catch (failure) {
    throw failureOf(failure, path)
  } finally {
    db?.close()
  }
}

const BUSY_TIMEOUT_MS = 5_000

function reportOf(db: DatabaseSync): DatabaseReport {
  const tables = new Set(
    db
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
      .all()
      .map(({ name }) => String(name)),
  )
  const rows = (table: string, sql: string): readonly Row[] =>
    tables.has(table) ? (db.prepare(sql).all() as readonly Row[]) : []
  const [clock] = rows('facts', "SELECT value, at_ms FROM facts WHERE name = 'clock'")
  const offsetMs = clock === undefined ? undefined : field(clock['value'], 'offsetMs')
  return {
    schema: Number(db.prepare('PRAGMA user_version').get()?.['user_version']),
    problems: db
      .prepare('PRAGMA quick_check(20)')
      .all()
      .map((row) => String(row['quick_check']))
      .filter((text) => text !== 'ok'),
    keys: rows('keys', keysOf(db)).map(keyOf),
    stopped: rows('limiter_breakers', 'SELECT state FROM limiter_breakers')
      .filter((row) => field(row['state'], 'kind') === 'stopped')
      .map((row) => String(field(row['state'], 'reason'))),
    clock:
      clock === undefined || typeof offsetMs !== 'number'
        ? undefined
        : { offsetMs, atMs: Number(clock['at_ms']) },
    counts: Object.fromEntries(
      COUNTED.filter((table) => tables.has(table)).map((table) => [
        table,
        Number(db.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.['count']),
      ]),
    ),
  }
}

type Row = Readonly<Record<string, unknown>>

/** A file that no gateway has opened since an update has the columns of before. */
function keysOf(db: DatabaseSync): string {
  const columns = db.prepare("SELECT name FROM pragma_table_info('keys')").all()
  const ended = columns.some(({ name }) => name === 'ended_ms') ? 'ended_ms' : 'NULL AS ended_ms'
  return `
    SELECT id, name, verbs, root, root_path, created_ms, expires_ms, revoked_ms, ${ended}, seen.at_ms AS seen_ms
    FROM keys LEFT JOIN (SELECT key, max(at_ms) AS at_ms FROM ledger GROUP BY key) AS seen ON seen.key = keys.id
    ORDER BY created_ms`
}

function keyOf(row: Row): ReportedKey {
  const verbs: unknown = JSON.parse(String(row['verbs']))
  const moment = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined)
  return {
    id: String(row['id']),
    name: String(row['name']),
    verbs: Array.isArray(verbs) ? verbs.map(String) : [],
    root: Number(row['root']),
    rootPath: String(row['root_path']),
    createdMs: Number(row['created_ms']),
    expiresMs: moment(row['expires_ms']),
    revokedMs: moment(row['revoked_ms']),
    endedMs: moment(row['ended_ms']),
    usedMs: moment(row['seen_ms']),
  }
}

/** A field of a JSON object in a column. */
function field(json: unknown, name: string): unknown {
  const value: unknown = JSON.parse(String(json))
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
