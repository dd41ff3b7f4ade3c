import { existsSync } from 'node:fs'
import path from 'node:path'
import { GatewayError } from '@guichet/core'
import { inspectVault } from '@guichet/keyholder'
import { openAuthority } from './doors/proxy/authority.ts'
import { openPepper } from './pepper.ts'
import { checkDatabase } from './stores/sqlite/index.ts'

/**
 * Looks through a home that nobody uses, before anybody does. Rejects with the first thing that is wrong with it.
 * A home that was never served has neither database nor pepper.
 */
export async function checkHome(home: string): Promise<void> {
  await inspectVault(path.join(home, 'vault'))
  await openAuthority(home)
  if (!existsSync(path.join(home, 'guichet.db'))) return
  await checkDatabase(path.join(home, 'guichet.db'))
  await openPepper(home, () => {
    throw new GatewayError('corrupt', 'keys.pepper is missing beside guichet.db', {
      hint: 'without it no virtual key is known; take another copy of the home',
    })
  })
}
