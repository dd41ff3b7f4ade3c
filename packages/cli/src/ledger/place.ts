import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { GatewayError } from '@guichet/core'
import type { LedgerFile } from '@guichet/gateway'
import type { Session } from '../session.ts'

/** The ledger of a database file, else that of the home. */
export async function openBook(session: Session, database: string | undefined): Promise<LedgerFile> {
  const { openLedgerFile } = await import('@guichet/gateway')
  return openLedgerFile(await requireLedger(session, database))
}

/** The database file that the ledger is in. */
export async function requireLedger(
  { world, home }: Session,
  database?: string | undefined,
): Promise<string> {
  const { databaseOf } = await import('@guichet/gateway')
  const file = database === undefined ? databaseOf(home.path) : resolve(world.cwd, database)
  if (!existsSync(file)) {
    throw new GatewayError('not-found', `there is no ledger at ${file}`, {
      hint: 'it is made by `guichet serve`; name another home with --home, or a copy of its guichet.db with --database',
    })
  }
  return file
}
