import path from 'node:path'
import { markSealed } from '@guichet/keyholder'
import { createCustody } from './services/custody.ts'
import { createGate } from './services/gate.ts'
import { OWNER } from './services/principals.ts'
import { openDatabase, SqliteKeyStore, SqliteLedger, SqliteTicketStore } from './stores/sqlite/index.ts'
import type { World } from './world.ts'

/**
 * `Custody.panic` when no gateway answers. The database has locks of its own, and a gateway asks it for the key of each
 * request: so this also ends the keys of a gateway that hangs.
 */
export async function panicWithoutGateway(home: string, world: World): Promise<{ readonly revoked: number }> {
  const { clock, log, random } = world
  await using db = openDatabase({ path: path.join(home, 'guichet.db') })
  const gate = createGate({ ledger: new SqliteLedger(db), clock, log })
  const keys = new SqliteKeyStore(db)
  const links = new SqliteTicketStore(db)
  const custody = createCustody({
    gate,
    keys,
    links,
    clock,
    seal: () => markSealed(home),
    onRevoked: () => {},
  })
  const requestId = Buffer.from(random(8)).toString('hex')
  return await custody.panic({ principal: OWNER, door: 'admin', requestId })
}
