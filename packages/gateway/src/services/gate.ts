import {
  allowsVerb,
  type Clock,
  type Door,
  GatewayError,
  type Ledger,
  type LedgerEntry,
  type Verb,
} from '@guichet/core'
import type { Log } from '../log.ts'
import { hideVirtualKeys } from './hidden-keys.ts'
import type { Principal } from './principals.ts'
import { createStrangers, type Strangers } from './strangers.ts'

/** One request on its way through the gateway. */
export interface Caller {
  readonly principal: Principal
  readonly door: Door
  readonly requestId: string
  readonly signal?: AbortSignal | undefined
  /** How long this caller would wait for its turn; longer waits are refused at once. */
  readonly patienceMs?: number | undefined
}

/** Where every decision is made known: nothing is done for anybody before the ledger has it. */
export interface Gate {
  /** What stands against addresses from which nobody could be told. */
  readonly strangers: Strangers
  /**
   * For the time before it is known what exactly is asked for: rejects as `permit` does when the key has none of these
   * verbs, and records only that. Whatever is allowed still has to be permitted.
   */
  demand(caller: Caller, verbs: readonly Verb[], target: string): Promise<void>
  /** Records what is asked of 1fichier on the way to something that is permitted by itself. */
  note(caller: Caller, verb: LedgerEntry['verb'], target: string): Promise<void>
  /** Records that it is allowed, or records that it is not and rejects with `forbidden`. */
  permit(caller: Caller, verb: Verb, target: string): Promise<void>
  /** As `demand`, for what only the owner may do. */
  demandOwner(caller: Caller, what: string): Promise<void>
  /** As `permit`, for what only the owner may do. */
  permitOwner(caller: Caller, what: string): Promise<void>
  /** As `demandOwner`, for what the holder of a key that may issue others may do, too. */
  demandIssuer(caller: Caller, what: string): Promise<void>
  /** As `permitOwner`, for what the holder of a key that may issue others may do, too. */
  permitIssuer(caller: Caller, what: string): Promise<void>
  /** Bytes to a host that is not 1fichier's; records the decision. */
  permitTunnel(principal: Principal, target: string, requestId: string): Promise<void>
  /** Records that something is allowed to somebody whom no key names. */
  admit(decision: Denial): Promise<void>
  /** Records a denial that was found on the way (outside the key's root, unknown key), and gives back the error to throw. */
  deny(denial: Denial, error: GatewayError): Promise<GatewayError>
}

export interface Denial {
  readonly caller: Pick<Caller, 'door' | 'requestId'> & { readonly principal?: Principal }
  readonly verb: LedgerEntry['verb']
  readonly target: string
}

export function createGate(options: {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly log: Log
  /** What everything but the owner's own business is refused with, while the ledger is not trusted. */
  readonly refusal?: () => GatewayError | undefined
}): Gate {
  const { ledger, clock, log, refusal } = options

  async function record(denial: Denial, decision: 'allow' | 'deny', reason: string): Promise<void> {
    const entry: LedgerEntry = {
      atMs: clock.nowMs(),
      requestId: denial.caller.requestId,
      key: denial.caller.principal?.key ?? 'nobody',
      door: denial.caller.door,
      verb: denial.verb,
      // What was asked for is the caller's own text, and a key may stand in the wrong place of it.
      target: hideVirtualKeys(denial.target).slice(0, 500),
      decision,
      reason: hideVirtualKeys(reason),
    }
    try {
      await ledger.record(entry)
    } catch (cause) {
      const isFull = GatewayError.from(cause).code === 'disk-full'
      throw new GatewayError(
        isFull ? 'disk-full' : 'unavailable',
        `the ledger cannot be written${isFull ? ' to the full disk' : ''}, so nothing is done`,
        { hint: 'free some space, or look for the fault of the disk, where the data directory is', cause },
      )
    }
    if (decision === 'deny') log.warn({ ...entry }, 'denied')
  }

  async function allow(denial: Denial): Promise<void> {
    const error = refusal?.()
    if (error !== undefined) throw await deny(denial, error)
    return record(denial, 'allow', '')
  }

  async function deny(denial: Denial, error: GatewayError): Promise<GatewayError> {
    await record(denial, 'deny', error.message)
    return error
  }

  async function permitOwner(caller: Caller, what: string): Promise<void> {
    const denial: Denial = { caller, verb: 'admin', target: what }
    if (caller.principal.key === 'owner') return record(denial, 'allow', '')
    throw await deny(denial, onlyOwner(caller.principal, what))
  }

  async function demandIssuer(caller: Caller, what: string): Promise<void> {
    const { key, limits } = caller.principal
    if (key === 'owner' || limits.mayIssue === true) return
    throw await deny({ caller, verb: 'admin', target: what }, onlyIssuers(caller.principal))
  }

  return {
    strangers: createStrangers(clock),
    deny,
    permitOwner,
    admit: (decision) => record(decision, 'allow', ''),

    async permitTunnel(principal, target, requestId) {
      const denial: Denial = { caller: { principal, door: 'proxy', requestId }, verb: 'tunnel', target }
      if (principal.mayTunnel) return allow(denial)
      const error = new GatewayError(
        'forbidden',
        `the key "${principal.name}" may not reach ${target}, only 1fichier`,
        {
          hint: 'for a tool that needs other hosts: `guichet run --tunnel -- COMMAND`, or a key made with --tunnel',
          facts: { rule: 'tunnel', key: principal.key },
        },
      )
      throw await deny(denial, error)
    },

    async demand(caller, verbs, target) {
      if (verbs.some((verb) => allowsVerb(caller.principal.verbs, verb))) return
      const [verb] = verbs
      if (verb === undefined) throw new GatewayError('internal', `nothing allows ${target}`)
      throw await deny({ caller, verb, target }, mayNot(caller.principal, verbs))
    },

    note: (caller, verb, target) => allow({ caller, verb, target }),

    async permit(caller, verb, target) {
      if (allowsVerb(caller.principal.verbs, verb)) return allow({ caller, verb, target })
      throw await deny({ caller, verb, target }, mayNot(caller.principal, [verb]))
    },

    async demandOwner(caller, what) {
      if (caller.principal.key === 'owner') return
      throw await deny({ caller, verb: 'admin', target: what }, onlyOwner(caller.principal, what))
    },

    demandIssuer,

    async permitIssuer(caller, what) {
      await demandIssuer(caller, what)
      if (caller.principal.key === 'owner') return permitOwner(caller, what)
      await record({ caller, verb: 'admin', target: what }, 'allow', '')
    },
  }
}

function onlyOwner({ key }: Principal, what: string): GatewayError {
  return new GatewayError('forbidden', `only the owner may use this: ${what}`, {
    hint: 'do it on the machine of the gateway, without GUICHET_URL and GUICHET_KEY set',
    facts: { rule: 'owner', key },
  })
}

function onlyIssuers({ key, name }: Principal): GatewayError {
  return new GatewayError('forbidden', `the key "${name}" may not make or end keys, nor see them`, {
    hint: 'do it on the machine of the gateway, without GUICHET_URL and GUICHET_KEY set, or with a key that was made with --may-issue',
    facts: { rule: 'owner', key },
  })
}

/** The verbs of keys that are no verbs of the language. */
const DEEDS: Partial<Readonly<Record<Verb, string>>> = {
  account: 'see or change the account',
  cdn: 'spend CDN credits',
  direct: 'have direct links',
  ftp: 'manage FTP users',
  mkdir: 'make folders',
  password: 'set passwords',
  'remote-upload': 'start remote uploads',
  stat: 'look at files',
}

function deed(verb: Verb): string {
  const words = DEEDS[verb]
  return words === undefined ? verb : `${words} (verb ${verb})`
}

function mayNot(principal: Principal, missing: readonly Verb[]): GatewayError {
  const verbs = [...principal.verbs, ...missing].join(',')
  const root = principal.rootPath === '/' ? '' : ` --root '${principal.rootPath}'`
  return new GatewayError(
    'forbidden',
    `the key "${principal.name}" may not ${missing.map(deed).join(' or ')}`,
    {
      hint: `a key that may: \`guichet key create --name NAME --verbs ${verbs}${root}\``,
      facts: { rule: 'verb', verb: missing.join(' '), key: principal.key },
    },
  )
}
