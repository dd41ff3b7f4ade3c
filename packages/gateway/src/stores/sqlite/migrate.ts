import { readdirSync, readFileSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { GatewayError } from '@guichet/core'
import { hashOldEntries } from './ledger-migration.ts'

/** `GUIC`: tells our files from those of other programs, to us and to `file`. */
const APPLICATION_ID = 0x47_55_49_43

/** What SQL alone cannot do, in the same transaction as the migration. */
const AFTER: Readonly<Record<string, (db: DatabaseSync) => void>> = { 'ledger-tree.sql': hashOldEntries }

/**
 * Sets the connection up and applies the migrations that the file lacks, each with its version in one transaction.
 * The file is not touched before it is known to be ours.
 */
export function migrate(db: DatabaseSync, path: string): void {
  const migrations = readMigrations()
  const version = versionOf(db, path)
  if (version > migrations.length) {
    throw new GatewayError(
      'invalid',
      `${path} was written by a newer version of Guichet (schema ${version}, this one knows ${migrations.length})`,
      { hint: 'install the newer version again' },
    )
  }
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY')
  db.exec('PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384')
  // Without this, REPLACE removes rows past the triggers that guard the ledger.
  db.exec('PRAGMA recursive_triggers = ON')
  for (const [index, { name, sql }] of migrations.entries()) {
    if (index < version) continue
    db.exec('BEGIN IMMEDIATE')
    try {
      db.exec(sql)
      AFTER[name.replace(/^\d+-/, '')]?.(db)
      db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${index + 1}`)
      db.exec('COMMIT')
    } catch (failure) {
      if (db.isTransaction) db.exec('ROLLBACK')
      throw failure
    }
  }
  // From here on a commit that has returned survives power loss; migrations may be done again.
  db.exec('PRAGMA synchronous = FULL')
}

/** Throws `invalid` for a file that this version would have to change before it can read it. */
export function requireCurrent(db: DatabaseSync, path: string): void {
  const known = readMigrations().length
  const version = versionOf(db, path)
  if (version === known) return
  const [age, hint] =
    version < known
      ? ['an older', 'let `guichet serve` run once with it, or with a copy of it']
      : ['a newer', 'use the version that wrote it']
  throw new GatewayError(
    'invalid',
    `${path} was written by ${age} version of Guichet (schema ${version}, this one reads ${known})`,
    { hint },
  )
}

function versionOf(db: DatabaseSync, path: string): number {
  const applicationId = pragma(db, 'application_id')
  const version = pragma(db, 'user_version')
  if (applicationId === APPLICATION_ID) return version
  const tables = db.prepare('SELECT count(*) AS value FROM sqlite_schema').get()
  if (applicationId === 0 && version === 0 && tables?.['value'] === 0) return 0
  throw new GatewayError('invalid', `${path} is a database of another program`, {
    hint: 'move the file away, or choose another home with GUICHET_HOME',
  })
}

function pragma(db: DatabaseSync, name: 'application_id' | 'user_version'): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name])
}

/** The migrations in order; their numbers begin at 1 and have no gap. */
function readMigrations(): readonly { readonly name: string; readonly sql: string }[] {
  const folder = new URL('./migrations/', import.meta.url)
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
  return names.map((name, index) => {
    if (Number.parseInt(name, 10) !== index + 1) {
      throw new GatewayError('internal', `the migration ${name} is out of order`, {
        hint: 'install Guichet again',
      })
    }
    return { name, sql: readFileSync(new URL(name, folder), 'utf8') }
  })
}
