import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { GatewayError } from '@guichet/core'
import type { KeyholderClient } from '@guichet/keyholder'
import type { Session } from './session.ts'

/** Straight to the keyholder of this home: a passphrase or an API key never passes through the gateway. */
export async function openKeyholder(session: Session): Promise<KeyholderClient> {
  const { home } = session
  if (!existsSync(socketPathOf(session))) {
    throw new GatewayError('unavailable', `no keyholder is running for ${home.path}`, {
      hint: existsSync(home.vault)
        ? 'it runs with the gateway: start it with `guichet serve`, on this machine and as the same user'
        : 'make a home with `guichet init`, or name the right place with --home',
    })
  }
  const { connectKeyholder } = await import('@guichet/keyholder')
  return connectKeyholder({ socketPath: socketPathOf(session) })
}

/** The keyholder that is running, or one that is started for the time of the command, sealed. */
export async function borrowKeyholder(session: Session): Promise<KeyholderClient> {
  const { home, world } = session
  const { connectKeyholder, inspectVault, startKeyholder } = await import('@guichet/keyholder')
  await inspectVault(home.vault)
  const socketPath = socketPathOf(session)
  const client = connectKeyholder({ socketPath })
  if (await isRunning(client)) return client
  const child = await startKeyholder({ home: home.path, socketPath, prompt: false, env: world.env })
  const close = async (): Promise<void> => {
    await client.close()
    await child.stop()
  }
  return { ...client, close, [Symbol.asyncDispose]: close }
}

async function isRunning(client: KeyholderClient): Promise<boolean> {
  return client.status().then(
    () => true,
    (failure: unknown) => {
      if (GatewayError.from(failure).code === 'sealed') return false
      throw failure
    },
  )
}

function socketPathOf({ home }: Session): string {
  return join(home.path, 'run', 'keyholder.sock')
}
