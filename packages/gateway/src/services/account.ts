import {
  type Account,
  type AccountChanges,
  type Clock,
  type FactStore,
  GatewayError,
  HOUR_MS,
  ROOT,
} from '@guichet/core'
import type { Log } from '../log.ts'
import type { HostFor } from './catalogue/catalogue.ts'
import type { Caller, Gate } from './gate.ts'
import { singleFlight } from './single-flight.ts'

/**
 * The account's figures, with their age: asked for at most every 6 hours, never because a client asks again.
 * Settings concern all of the account, so only keys that are not confined may change them.
 */
export interface Accounts {
  get(caller: Caller): Promise<{ readonly account: Account; readonly ageMs: number }>
  change(caller: Caller, changes: AccountChanges): Promise<void>
}

const REFRESH_MS = 6 * HOUR_MS
const FACT = 'account'

export function createAccounts(options: {
  readonly facts: FactStore
  readonly host: HostFor
  readonly gate: Gate
  readonly clock: Clock
  readonly log: Log
}): Accounts {
  const { facts, host, gate, clock, log } = options
  const flights = singleFlight<void>()

  const fetch = (caller: Caller): Promise<void> =>
    flights(FACT, caller.signal, async (signal) => {
      const account = await host({ ...caller, signal }, 'interactive').account({ signal })
      await facts.put(FACT, account, clock.nowMs())
    })

  async function get(caller: Caller): Promise<{ account: Account; ageMs: number }> {
    await gate.permit(caller, 'account', 'account')
    let known = await facts.get(FACT)
    if (known === undefined) {
      await fetch(caller)
      known = await facts.get(FACT)
    } else if (clock.nowMs() - known.atMs > REFRESH_MS) {
      fetch({ ...caller, signal: undefined, patienceMs: undefined }).catch((failure: unknown) => {
        // The known figures were answered with their age; the next question tries again.
        log.warn({ code: GatewayError.from(failure).code }, 'the account could not be refreshed')
      })
    }
    if (known === undefined) throw new GatewayError('internal', 'the account was stored and is not there')
    // Written above by this file alone, so its shape is known.
    return { account: known.value as Account, ageMs: Math.max(0, clock.nowMs() - known.atMs) }
  }

  return {
    get,
    async change(caller, changes) {
      const target = `account settings: ${Object.keys(changes).join(', ')}`
      if (caller.principal.root !== ROOT)
        throw await gate.deny({ caller, verb: 'account', target }, confined())
      await gate.permit(caller, 'account', target)
      await host(caller, 'write').changeAccount(changes, { signal: caller.signal })
      const known = await facts.get(FACT)
      if (known !== undefined) await facts.put(FACT, changed(known.value as Account, changes), known.atMs)
    },
  }
}

/** 1fichier writes some settings as text, and clients rely on which (wire.md §9). */
function changed(account: Account, changes: AccountChanges): Account {
  const written = Object.entries(changes).map(([name, value]) => [
    name,
    typeof account.raw[name] === 'string' ? String(value) : value,
  ])
  return { ...account, raw: { ...account.raw, ...Object.fromEntries(written) } }
}

function confined(): GatewayError {
  return new GatewayError('forbidden', 'settings of the account are only for keys that are not confined', {
    hint: 'use a key made without --root',
  })
}
