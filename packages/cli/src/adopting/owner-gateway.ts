import { GatewayError } from '@guichet/core'
import type { Guichet } from '@guichet/sdk'
import { startGuichet } from '../demo/processes.ts'
import type { Session } from '../session.ts'
import type { World } from '../world.ts'

/**
 * Opens the gateway of this home for its owner: the one that runs, or else one of our own until it is disposed of.
 * Rejects with `invalid` where the environment leads to a gateway by a virtual key, which owns nothing.
 */
export async function openOwnerGateway(
  session: Session,
): Promise<{ readonly guichet: Guichet } & AsyncDisposable> {
  const { target, guichet } = session.connect()
  if (target.kind === 'address') {
    throw new GatewayError('invalid', 'GUICHET_URL and GUICHET_KEY lead to a gateway as somebody else', {
      hint: 'work on the machine of the gateway as its owner: `env -u GUICHET_URL -u GUICHET_KEY guichet …`',
    })
  }
  if (await answers(session)) return { guichet, [Symbol.asyncDispose]: async () => undefined }
  const { home, world } = session
  // A process of its own: the key that is being moved is in this one.
  const serve = ['--home', home.path, '--json', 'serve', '--listen', '127.0.0.1:0']
  const gateway = await startGuichet(world, serve, environmentOf(world))
  return { guichet, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() }
}

function environmentOf({ env }: World): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
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
