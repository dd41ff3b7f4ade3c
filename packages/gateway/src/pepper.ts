import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { GatewayError, systemCodeOf } from '@guichet/core'
import { writePrivately } from './stores/disk/private-file.ts'

const PEPPER_BYTES = 32

/** The secret that keys the hashes of virtual keys; made with the home's first start, kept beside the database. */
export async function openPepper(home: string, random: (count: number) => Uint8Array): Promise<Uint8Array> {
  const file = path.join(home, 'keys.pepper')
  try {
    const { mode } = await stat(file)
    if ((mode & 0o077) !== 0) {
      throw new GatewayError('invalid', `${file} can be read by others`, {
        hint: `run \`chmod 600 ${file}\``,
      })
    }
    const pepper = Buffer.from((await readFile(file, 'utf8')).trim(), 'hex')
    if (pepper.length === PEPPER_BYTES) return pepper
    throw new GatewayError('invalid', `${file} is damaged`, {
      hint: 'put the copy from your backup in its place; without it no virtual key is known',
    })
  } catch (failure) {
    if (systemCodeOf(failure) !== 'ENOENT') throw failure
  }
  const pepper = random(PEPPER_BYTES)
  await writePrivately(file, `${Buffer.from(pepper).toString('hex')}\n`)
  return pepper
}
