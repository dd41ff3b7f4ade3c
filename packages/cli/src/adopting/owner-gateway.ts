import { GatewayError } from '@guichet/core'
import type { Guichet } from '@guichet/sdk'
import type { Session } from '../session.ts'

/**
 * Opens the gateway of this home for its owner: the one that runs, or else one of our own until it is disposed of.
 * Rejects with `invalid` where the environment leads to a gateway by a virtual key, which owns nothing.
 */
export async function openOwnerGateway(
  session: Session,
): Promise<{ readonly guichet: Guichet; readonly isOurs: boolean } & AsyncDisposable> {
  const { target, guichet } = session.connect()
  if (target.kind === 'address') {
    throw new GatewayError('invalid', 'GUICHET_URL and GUICHET_KEY lead to a gateway as somebody else', {
      hint: 'work on the machine of the gateway as its owner: `env -u GUICHET_URL -u GUICHET_KEY guichet …`',
    })
  }
  if (await answers(session)) return { guichet, isOurs: false, [Symbol.asyncDispose]: async () => undefined }
  const { loadConfig, realWorld, startGateway } = await import('@guichet/gateway')
  const { home, world } = session
  const config = loadConfig({ home: home.path, env: world.env, flags: { listen: '127.0.0.1:0' } })
  const gateway = await startGateway(config, realWorld('silent'))
  return { guichet, isOurs: true, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() }
}

async function answers(session: Session): Promise<boolean> {
  try {
    await session.connect().guichet.status({ signal: session.stop })
    return true
  } catch (failure) {
    if (failure instanceof GatewayError && failure.code === 'unavailable') return false
    throw failure
  }
}
