import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { GatewayError } from '@guichet/core'
import type { KeyholderClient } from '@guichet/keyholder'
import type { Session } from './session.ts'

/** Straight to the keyholder of this home: a passphrase or an API key never passes through the gateway. */
export async function openKeyholder(session: Session): Promise<KeyholderClient> {
  const { home } = session
  const socketPath = join(home.path, 'run', 'keyholder.sock')
  if (!existsSync(socketPath)) {
    throw new GatewayError('unavailable', `no keyholder is running for ${home.path}`, {
      hint: 'it runs with the gateway: start it with `guichet serve`, on this machine and as the same user',
    })
  }
  const { connectKeyholder } = await import('@guichet/keyholder')
  return connectKeyholder({ socketPath })
}
