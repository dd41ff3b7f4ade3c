import { connect, type LookupFunction, type Socket } from 'node:net'
import { type Clock, GatewayError, isPublicAddress, SECOND_MS, systemCodeOf } from '@guichet/core'
import { isOwnAddress } from './own-networks.ts'
import { type Address, type Resolve, resolveBySystem, resolveChecked } from './resolve.ts'

/**
 * Opens a plain connection to a public address.
 *
 * Every address of the host is checked, and the connection goes to one of those very addresses: there is no second
 * question to DNS that could get another answer.
 * Rejects with `forbidden` for an address that is not public, with `upstream-down` when nobody answers,
 * with the signal's reason when it is aborted.
 */
export type Dial = (host: string, port: number, signal: AbortSignal) => Promise<Socket>

/** After so long without an answer the next address is tried, too. */
const NEXT_ADDRESS_MS = SECOND_MS

export function createDial(options: {
  readonly clock: Clock
  readonly resolve?: Resolve
  /** Which addresses may be connected to; the public ones outside of our own networks unless told otherwise. */
  readonly isReachable?: (address: string) => boolean
  readonly timeoutMs?: number
}): Dial {
  const {
    clock,
    resolve = resolveBySystem,
    isReachable = (address) => isPublicAddress(address) && !isOwnAddress(address),
    timeoutMs = 10 * SECOND_MS,
  } = options
  return async (host, port, signal) => {
    const addresses = await resolveChecked(host, { resolve, isReachable, clock, timeoutMs, signal })
    signal.throwIfAborted()
    return open({ host, port, addresses, clock, timeoutMs, signal })
  }
}

/** A `lookup` for `net.connect` that answers with these addresses and asks nobody. */
export function lookupOf(addresses: readonly Address[]): LookupFunction {
  return (host, options, answer) => {
    const [first] = addresses
    if (first === undefined) answer(new Error(`no address for ${host}`), '')
    else if (options.all === true) answer(null, [...addresses])
    else answer(null, first.address, first.family)
  }
}

async function open(options: {
  readonly host: string
  readonly port: number
  readonly addresses: readonly Address[]
  readonly clock: Clock
  readonly timeoutMs: number
  readonly signal: AbortSignal
}): Promise<Socket> {
  const { host, port, addresses, clock, timeoutMs, signal } = options
  const socket = connect({
    host,
    port,
    lookup: lookupOf(addresses),
    autoSelectFamily: addresses.length > 1,
    autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
  })
  // Whoever gets the socket learns of its end by `close`; an error between two owners must not end the process.
  socket.on('error', () => undefined)
  const settled = new AbortController()
  try {
    await Promise.race([
      connected(socket),
      clock.sleep(timeoutMs, AbortSignal.any([settled.signal, signal])).then(() => {
        throw unanswered(host, port, 'no answer in time')
      }),
    ])
    return socket
  } catch (failure) {
    socket.destroy()
    signal.throwIfAborted()
    if (failure instanceof GatewayError) throw failure
    throw unanswered(host, port, systemCodeOf(failure) ?? 'no answer', failure)
  } finally {
    settled.abort()
  }
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve())
    socket.once('error', reject)
  })
}

function unanswered(host: string, port: number, reason: string, cause?: unknown): GatewayError {
  return new GatewayError('upstream-down', `${host}:${port} cannot be reached (${reason})`, {
    hint: 'check that the host is up, and the network of the machine of the gateway',
    facts: { sent: false, reason },
    cause,
  })
}
