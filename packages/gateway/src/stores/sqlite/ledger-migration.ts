import type { DatabaseSync } from 'node:sqlite'
import { GatewayError, leafBytes, leafHash, TreeEdge } from '@guichet/core'
import { COLUMNS, entryOf, type LedgerRow, sha256 } from './ledger-rows.ts'

/** Takes the entries that were recorded before there was a tree into it. SQLite itself knows no SHA-256. */
export function hashOldEntries(db: DatabaseSync): void {
  const page = db.prepare(`SELECT ${COLUMNS} FROM ledger WHERE sequence > ? ORDER BY sequence LIMIT 1000`)
  const keep = db.prepare('UPDATE ledger SET hashes = ? WHERE sequence = ?')
  const edge = new TreeEdge(sha256)
  for (let rows = page.all(0); rows.length > 0; rows = page.all(edge.size)) {
    for (const row of rows) {
      const entry = entryOf(row as unknown as LedgerRow)
      if (entry.sequence !== edge.size + 1) {
        throw new GatewayError(
          'corrupt',
          `the ledger has lost entry ${edge.size + 1}, so it is not taken over`,
          {
            hint: 'put back a copy of the database that has all of it',
          },
        )
      }
      keep.run(Buffer.concat(edge.append(leafHash(sha256, leafBytes(entry)))), entry.sequence)
    }
  }
}
