import { GatewayError, type LedgerEntry, SECOND_MS, TRAITS } from '@guichet/core'
import type { Budgets, Meter } from './budgets/budgets.ts'
import type { Gate } from './gate.ts'
import { asStranger, type Credentials, type Principal, type Principals } from './principals.ts'
import { neighbourhoodOf, type Strangers, tooManyWrong } from './strangers.ts'
import { refuseOverheard, type Transport } from './transport.ts'

/** Who opened a tunnel and from where, and the name of 1fichier it goes to. */
export interface ThroughTunnel {
  readonly principal: Principal
  readonly host: string
  readonly from: string | undefined
}

/** How a CONNECT came here. */
export interface TunnelWay {
  readonly from: string | undefined
  readonly transport: Transport
}

/** Who may open a tunnel through the proxy door, and whereto. */
export interface TunnelAdmission {
  /** Rejects with `unauthenticated`, once that is recorded. */
  authenticate(credentials: Credentials | undefined, target: string, way: TunnelWay): Promise<Principal>
  /** Rejects with `forbidden`, once that is recorded. */
  mayTunnel(principal: Principal, target: string): Promise<void>
  /**
   * Counts a tunnel until `gone` is aborted: as a call, as something under way, and its bytes.
   * Rejects with `over-budget`, once that is recorded, also where not one byte more may pass.
   */
  count(principal: Principal, target: string, gone: AbortSignal): Promise<TunnelMeters>
  /** Records what was refused on the way to a tunnel; a host that cannot be reached is no refusal. */
  refused(attempt: TunnelAttempt, failure: unknown): Promise<GatewayError>
}

export interface TunnelAttempt {
  /** Absent: whoever it is was not asked yet. */
  readonly principal: Principal | undefined
  readonly from: string | undefined
  readonly target: string
}

/** What passes one way is asked for at its meter; a way without one is counted by no budget. */
export interface TunnelMeters {
  readonly up?: Meter | undefined
  readonly down?: Meter | undefined
}

export function createTunnelAdmission(options: {
  readonly principals: Principals
  readonly gate: Gate
  readonly budgets: Budgets
  readonly random: (count: number) => Uint8Array
}): TunnelAdmission {
  const { principals, gate, budgets, random } = options
  const newId = (): string => Buffer.from(random(8)).toString('hex')
  return {
    async authenticate(credentials, target, { from, transport }) {
      try {
        refuseOverheard(credentials, transport)
        return await principals.authenticate(credentials, from)
      } catch (failure) {
        const caller = { door: 'proxy', requestId: newId(), from } as const
        throw await unknownCaller(gate, caller, `CONNECT ${target}`, failure)
      }
    },
    mayTunnel: (principal, target) => gate.permitTunnel(principal, target, newId()),
    async refused({ principal, from, target }, failure) {
      const error = GatewayError.from(failure)
      if (error.code !== 'forbidden' && error.code !== 'invalid') return error
      const caller = { door: 'proxy', requestId: newId() } as const
      if (principal === undefined) return unknownCaller(gate, { ...caller, from }, `proxy ${target}`, error)
      return gate.deny({ caller: { ...caller, principal }, verb: 'tunnel', target }, error)
    },

    async count(principal, target, gone) {
      const caller = { principal, door: 'proxy', requestId: newId() } as const
      const use = { caller, verb: 'tunnel', target } as const
      const opened = await budgets.reserve(use, { calls: 1, concurrent: 1 })
      onAbort(gone, () => opened.settle({ calls: 1 }))
      const oneByte = await budgets.reserve(use, { up: 1, down: 1 })
      oneByte.settle({})
      const meterOf = async (way: 'up' | 'down'): Promise<Meter | undefined> => {
        if (!budgets.counts(principal, way)) return undefined
        const meter = await budgets.meter(use, way)
        onAbort(gone, () => meter.end())
        return meter
      }
      return { up: await meterOf('up'), down: await meterOf('down') }
    },
  }
}

function onAbort(signal: AbortSignal, then: () => void): void {
  if (signal.aborted) then()
  else signal.addEventListener('abort', then, { once: true })
}

/**
 * Records that somebody could not be told from a stranger, and gives back the error to throw.
 *
 * What looks like an API key of 1fichier is recorded as exposed, without being repeated. Of those who come too often
 * only the first are written down one by one, so that nobody can fill the disk; the next line has the number of the
 * others. Whoever guesses is told to come later, in the same words for every wrong key.
 */
export async function unknownCaller(
  gate: Gate,
  caller: Pick<LedgerEntry, 'door' | 'requestId'> & { readonly from: string | undefined },
  target: string,
  failure: unknown,
): Promise<GatewayError> {
  const { door, requestId, from } = caller
  const error = GatewayError.from(failure)
  const told =
    error.facts['exposed'] === true ? 'an API key of 1fichier was sent: take it for exposed' : target
  const denial = { caller: { door, requestId }, verb: 'authenticate', target: told } as const
  const isStranger = TRAITS[error.code].http < 500 && door !== 'admin'
  if (!isStranger) return gate.deny(denial, error)
  const subject = neighbourhoodOf(from)
  const { strangers } = gate
  const leftMs = strangers.shutMs(subject)
  if (leftMs > 0) {
    strangers.passOver()
    return error.facts['stranger'] === true ? tooManyWrong(leftMs) : error
  }
  strangers.missed(subject)
  await gate.deny(denial, new GatewayError(error.code, error.message + noteOf(strangers, subject)))
  return asStranger(error)
}

function noteOf(strangers: Strangers, subject: string): string {
  const before = strangers.takePassedOver()
  const shutMs = strangers.shutMs(subject)
  const counted = before === 0 ? '' : `; ${before} more like it were refused before, and only counted`
  return shutMs === 0
    ? counted
    : `${counted}; the next from ${subject} are only counted for ${Math.ceil(shutMs / SECOND_MS)} s`
}
