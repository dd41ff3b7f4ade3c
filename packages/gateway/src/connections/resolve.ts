import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { type Clock, GatewayError, systemCodeOf } from '@guichet/core'

export interface Address {
  readonly address: string
  readonly family: 4 | 6
}

/** Asks the system for the addresses of a name, in the order in which they are to be tried. */
export type Resolve = (host: string) => Promise<readonly Address[]>

export const resolveBySystem: Resolve = async (host) => {
  const answers = await lookup(host, { all: true })
  return answers.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }))
}

/** More addresses than this are not tried for one connection. */
const MOST_ADDRESSES = 8

/**
 * The addresses of a host, all of them checked.
 * Rejects with `forbidden` when one of them is not public, with `upstream-down` when there are none in time.
 */
export async function resolveChecked(
  host: string,
  options: {
    readonly resolve: Resolve
    readonly isReachable: (address: string) => boolean
    readonly clock: Clock
    readonly timeoutMs: number
    readonly signal?: AbortSignal | undefined
  },
): Promise<readonly Address[]> {
  const family = isIP(host)
  const addresses =
    family === 0 ? await answerOf(host, options) : [{ address: host, family: family === 6 ? 6 : 4 } as const]
  const closed = addresses.find(({ address }) => !options.isReachable(address))
  if (closed !== undefined) {
    throw new GatewayError('forbidden', `${host} is at ${closed.address}, which is not a public address`, {
      hint: 'the gateway connects to the public internet only; reach machines of your own network without it',
      facts: { sent: false },
    })
  }
  return addresses.slice(0, MOST_ADDRESSES)
}

async function answerOf(
  host: string,
  options: Parameters<typeof resolveChecked>[1],
): Promise<readonly Address[]> {
  const { resolve, clock, timeoutMs, signal } = options
  const done = new AbortController()
  const stop = signal === undefined ? done.signal : AbortSignal.any([done.signal, signal])
  try {
    const late = clock.sleep(timeoutMs, stop).then(() => {
      throw unresolved(host, 'no answer in time')
    })
    const addresses = await Promise.race([resolve(host), late])
    if (addresses.length === 0) throw unresolved(host, 'no address')
    return addresses
  } catch (failure) {
    if (failure instanceof GatewayError) throw failure
    signal?.throwIfAborted()
    throw unresolved(host, systemCodeOf(failure) ?? 'no answer', failure)
  } finally {
    done.abort()
  }
}

function unresolved(host: string, reason: string, cause?: unknown): GatewayError {
  return new GatewayError('upstream-down', `the name ${host} cannot be resolved (${reason})`, {
    hint: 'check the name, and the DNS settings of the machine of the gateway',
    facts: { sent: false, reason },
    cause,
  })
}
