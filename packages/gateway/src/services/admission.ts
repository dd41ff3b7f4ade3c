import { GatewayError, type LedgerEntry } from '@guichet/core'
import type { Gate } from './gate.ts'
import { asStranger, type Credentials, type Principal, type Principals } from './principals.ts'

/** Who opened a tunnel and from where, and the name of 1fichier it goes to. */
export interface ThroughTunnel {
  readonly principal: Principal
  readonly host: string
  readonly from: string | undefined
}

/** Who may open a tunnel through the proxy door, and whereto. */
export interface TunnelAdmission {
  /** Rejects with `unauthenticated`, once that is recorded. */
  authenticate(
    credentials: Credentials | undefined,
    target: string,
    from: string | undefined,
  ): Promise<Principal>
  /** Rejects with `forbidden`, once that is recorded. */
  mayTunnel(principal: Principal, target: string): Promise<void>
}

export function createTunnelAdmission(options: {
  readonly principals: Principals
  readonly gate: Gate
  readonly random: (count: number) => Uint8Array
}): TunnelAdmission {
  const { principals, gate, random } = options
  const newId = (): string => Buffer.from(random(8)).toString('hex')
  return {
    async authenticate(credentials, target, from) {
      try {
        return await principals.authenticate(credentials, from)
      } catch (failure) {
        throw await unknownCaller(gate, { door: 'proxy', requestId: newId() }, `CONNECT ${target}`, failure)
      }
    },
    mayTunnel: (principal, target) => gate.permitTunnel(principal, target, newId()),
  }
}

/**
 * Records that somebody could not be told from a stranger, and gives back the error to throw.
 * What looks like an API key of 1fichier is recorded as exposed, without being repeated.
 */
export async function unknownCaller(
  gate: Gate,
  caller: Pick<LedgerEntry, 'door' | 'requestId'>,
  target: string,
  failure: unknown,
): Promise<GatewayError> {
  const error = GatewayError.from(failure)
  const isExposed = error.facts['exposed'] === true
  const told = isExposed ? 'an API key of 1fichier was sent: take it for exposed' : target
  return asStranger(await gate.deny({ caller, verb: 'authenticate', target: told }, error))
}
