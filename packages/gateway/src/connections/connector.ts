import type { LookupFunction } from 'node:net'
import type { Clock } from '@guichet/core'
import { buildConnector } from 'undici'
import { lookupOf } from './dial.ts'
import { ConnectFailure } from './failures.ts'
import { type Address, type Resolve, resolveChecked } from './resolve.ts'
import { trustOf } from './trust.ts'

/** All connections for 1fichier's names go to this address instead; names and TLS checks stay as they are. */
export interface Route {
  readonly host: string
  readonly port: number
}

/**
 * How undici gets its TLS connections: to checked addresses, or to the route, with 1fichier's name in SNI and verified
 * in either case. Every failure becomes a `ConnectFailure`, which proves that nothing of a request was sent.
 */
export function createConnector(options: {
  readonly route: Route | undefined
  readonly extraCa: string | undefined
  readonly clock: Clock
  readonly resolve: Resolve
  readonly isReachable: (address: string) => boolean
  readonly timeoutMs: number
}): buildConnector.connector {
  const { route, extraCa, clock, resolve, isReachable, timeoutMs } = options
  const connectTls = buildConnector({
    secureContext: trustOf(extraCa),
    timeout: timeoutMs,
    noDelay: true,
    ...(route === undefined ? { lookup: lookupChecked({ resolve, isReachable, clock, timeoutMs }) } : {}),
  })
  return (target, callback) => {
    const to =
      route === undefined
        ? target
        : {
            ...target,
            hostname: route.host,
            port: String(route.port),
            servername: target.servername ?? target.hostname,
          }
    connectTls(to, (failure, socket) => {
      if (failure === null || failure === undefined) callback(null, socket)
      else callback(new ConnectFailure(failure), null)
    })
  }
}

function lookupChecked(options: {
  readonly resolve: Resolve
  readonly isReachable: (address: string) => boolean
  readonly clock: Clock
  readonly timeoutMs: number
}): LookupFunction {
  return (host, how, answer) => {
    resolveChecked(host, options).then(
      (addresses) => lookupOf(oneFamily(addresses))(host, how, answer),
      (failure: Error) => answer(failure, ''),
    )
  }
}

/** 1fichier counts IPv4 and IPv6 in turn as two locations (wire.md §7.3): one family, always the same. */
function oneFamily(addresses: readonly Address[]): readonly Address[] {
  const v4 = addresses.filter(({ family }) => family === 4)
  return v4.length > 0 ? v4 : addresses
}
