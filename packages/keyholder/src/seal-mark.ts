import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writePrivateFile } from './private-file.ts'

/**
 * A file that says that somebody has sealed this home: a keyholder that finds it does not open the vault by itself,
 * so that a seal outlives a crash and a restart. `guichet unseal` takes it away.
 */
const NAME = 'sealed'
const TEXT = 'Sealed by its owner. `guichet unseal` opens it again.\n'

/** On disk when it resolves. */
export async function markSealed(home: string): Promise<void> {
  await writePrivateFile(join(home, NAME), TEXT, randomBytes(6).toString('hex'))
}

export async function unmarkSealed(home: string): Promise<void> {
  await rm(join(home, NAME), { force: true })
}

export function isMarkedSealed(home: string): boolean {
  return existsSync(join(home, NAME))
}
