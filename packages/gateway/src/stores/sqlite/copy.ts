import { backup, DatabaseSync } from 'node:sqlite'
import { GatewayError } from '@guichet/core'
import { openDatabase } from './database.ts'
import { failureOf } from './failures.ts'

/** All in one step: in pieces, a gateway that writes meanwhile would let it begin again and again. */
const PAGES_AT_ONCE = 2 ** 30

/** Copies a database page by page, consistent in itself, also while another process uses it. */
export async function copyDatabase(from: string, to: string): Promise<void> {
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(from, { timeout: 5_000, readOnly: true })
    await backup(db, to, { rate: PAGES_AT_ONCE })
  } catch (failure) {
    throw failureOf(failure, from)
  } finally {
    db?.close()
  }
}

/** Opens a database that nobody uses, brings it up to date and looks through all of it. Rejects with `corrupt`. */
export async function checkDatabase(path: string): Promise<void> {
  await using db = openDatabase({ path })
  const found = db.prepare<{ readonly integrity_check: string }>('PRAGMA integrity_check').all()
  if (found.length === 1 && found[0]?.integrity_check === 'ok') return
  throw new GatewayError('corrupt', `the database ${path} is damaged`, { hint: 'take another copy of it' })
}
