import { createHmac } from 'node:crypto'
import {
  type Clock,
  type FolderId,
  GatewayError,
  isKeyText,
  KEY_PREFIX,
  type KeyId,
  type KeyLimits,
  type KeyProblem,
  type KeyStore,
  MINUTE_MS,
  mayBeApiKey,
  problemOfKey,
  ROOT,
  SECOND_MS,
  VERBS,
  type Verb,
  type VirtualKey,
  WRAP_PREFIX,
} from '@guichet/core'
import { isIn } from './addresses.ts'
import { createStrangers, createWelcome, tooManyWrong } from './strangers.ts'

/** Who asks: the holder of a virtual key, or the owner on the local admin socket. */
export interface Principal {
  readonly key: KeyId | 'owner'
  readonly name: string
  readonly verbs: readonly Verb[]
  readonly root: FolderId
  readonly rootPath: string
  readonly mayTunnel: boolean
  readonly limits: KeyLimits
  /** When the key, one it was issued under, or the text that was sent ends by itself; absent: never. */
  readonly expiresMs?: number | undefined
  /** The keys it was issued under, nearest first: their limits bind it, and their budgets count for it. */
  readonly ancestors?: readonly Ancestor[]
}

/** A key above the one that asks. */
export interface Ancestor {
  readonly key: KeyId
  readonly name: string
  readonly root: FolderId
  readonly limits: KeyLimits
}

export const OWNER: Principal = {
  key: 'owner',
  name: 'owner',
  verbs: VERBS,
  root: ROOT,
  rootPath: '/',
  mayTunnel: true,
  limits: {},
}

/** What stood in an `Authorization` or `Proxy-Authorization` header. */
export interface Credentials {
  readonly kind: 'bearer' | 'basic'
  readonly secret: string
  /** The user name of Basic, which means nothing here, but may be a secret in the wrong place. */
  readonly user?: string
}

/**
 * `Bearer KEY`, `Bearer "KEY"` as 1fichier's page prints it, or Basic with the key as password of any user.
 * Of schemes that are not ours only a text that may be an API key is taken, so that it can be recognised.
 */
export function parseCredentials(header: string | undefined): Credentials | undefined {
  const match = /^(?:(\S+)\s+)?(\S.*)$/.exec((header ?? '').trim())
  if (match === null) return undefined
  const [, scheme = '', value = ''] = match
  const text = value.replace(/^"(.*)"$/, '$1')
  if (scheme.toLowerCase() === 'bearer') return { kind: 'bearer', secret: text }
  if (scheme.toLowerCase() !== 'basic')
    return mayBeApiKey(text) ? { kind: 'bearer', secret: text } : undefined
  const pair = Buffer.from(value, 'base64').toString('utf8')
  const colon = pair.indexOf(':')
  if (colon < 0) return mayBeApiKey(pair) ? { kind: 'basic', secret: pair } : undefined
  return { kind: 'basic', secret: pair.slice(colon + 1), user: pair.slice(0, colon) }
}

/** Could this be the account's own API key? A virtual key with a typing error in it is not. */
export function isApiKey(text: string): boolean {
  return mayBeApiKey(text) && !text.startsWith(KEY_PREFIX) && !text.startsWith(WRAP_PREFIX)
}

/** How somebody comes to be asked about. */
export interface Arrival {
  /** The address it comes from; absent: it is not known, and in no block of addresses. */
  readonly from: string | undefined
  /** Is it a use of the key, or does it go on with one that was counted? */
  readonly isUse: boolean
}

export interface Principals {
  /**
   * Rejects with `unauthenticated`; unknown, wrong, expired and revoked keys are told apart only for a holder of the
   * right text who may use it where it was sent from.
   */
  authenticate(credentials: Credentials | undefined, from: string | undefined): Promise<Principal>
  /** The principal of a key that is still good, by its id. */
  recall(key: KeyId | 'owner', arrival: Arrival): Promise<Principal>
  /** What is kept of a key's text. */
  hash(text: string): string
}

/** `pepper` keys the hash, so that a stolen database alone does not even tell whether a text is a key. */
export function createPrincipals(options: {
  readonly keys: KeyStore
  readonly pepper: Uint8Array
  readonly clock: Clock
}): Principals {
  const { keys, pepper, clock } = options
  const hash = (text: string): string => createHmac('sha256', pepper).update(text).digest('hex')
  const beginnings = createStrangers(clock)
  const welcome = createWelcome()

  /** The key is judged by its own limits and by those of every key it was issued under. */
  async function admit(key: VirtualKey, untilMs: number | undefined, arrival: Arrival): Promise<Principal> {
    const nowMs = clock.nowMs()
    const line = [key, ...(await keys.ancestors(key))]
    for (const one of line) if (!mayComeFrom(one.limits, arrival.from)) throw elsewhere(key, arrival.from)
    for (const one of line) {
      const problem = problemOfKey(one, nowMs)
      if (problem === undefined || (problem === 'used-up' && !arrival.isUse)) continue
      if (problem === 'expired' || problem === 'idle') await keys.end(one.id, problem, nowMs)
      throw notGood(key, one, problem)
    }
    if (arrival.isUse) {
      const counted = line.filter((one) => isCounted(one, nowMs)).map((one) => one.id)
      const usedUp = counted.length === 0 ? undefined : await keys.use(counted, nowMs)
      const spent = line.find((one) => one.id === usedUp)
      if (spent !== undefined) throw notGood(key, spent, 'used-up')
    }
    return principalOf(line, untilMs)
  }

  return {
    hash,

    async authenticate(credentials, from) {
      if (credentials === undefined) throw missing()
      if (isApiKey(credentials.secret) || isApiKey(credentials.user ?? '')) throw exposed()
      const { secret } = credentials
      // Every text is hashed and looked for, so that no wrong one is answered sooner than another.
      const hashed = hash(secret)
      const beginning = secret.slice(0, BEGINNING_LENGTH)
      const shutMs = beginnings.shutMs(beginning)
      if (shutMs > 0 && !welcome.has(from, hashed)) throw tooManyWrong(shutMs)
      const found = await keys.byHash(hashed, clock.nowMs())
      if (found === undefined) {
        // A typing error breaks the checksum: what has a right one was made by somebody who guesses.
        if (isKeyText(secret)) beginnings.missed(beginning)
        throw unknown()
      }
      const principal = await admit(found.key, found.untilMs, { from, isUse: true })
      welcome.add(from, hashed)
      return principal
    },

    async recall(id, arrival) {
      if (id === 'owner') return OWNER
      const key = await keys.byId(id)
      if (key === undefined) throw unknown()
      return admit(key, undefined, arrival)
    },
  }
}

/** So much of a key tells it from every other, and leaves far too much to guess. */
const BEGINNING_LENGTH = KEY_PREFIX.length + 6

export function mayComeFrom({ from, notFrom }: KeyLimits, address: string | undefined): boolean {
  if (notFrom !== undefined && (address === undefined || isIn(address, notFrom))) return false
  return from === undefined || isIn(address, from)
}

/** A use is written down where a limit counts it; the time of the last one to the second. */
function isCounted({ limits, use }: VirtualKey, nowMs: number): boolean {
  if (limits.uses !== undefined) return true
  return limits.idleMs !== undefined && nowMs - (use.lastMs ?? 0) >= SECOND_MS
}

/** Of a key and those above it, nearest first; `untilMs`: when the text that was sent ends. */
export function principalOf(line: readonly VirtualKey[], untilMs: number | undefined): Principal {
  const [key, ...above] = line
  if (key === undefined) throw unknown()
  const { id, name, verbs, root, rootPath, mayTunnel, limits } = key
  const ends = [untilMs, ...line.map((one) => one.expiresMs)].filter((ms) => ms !== undefined)
  return {
    ...{ key: id, name, verbs, root, rootPath, mayTunnel, limits },
    expiresMs: ends.length === 0 ? undefined : Math.min(...ends),
    ancestors: above.map(({ id, name, root, limits }) => ({ key: id, name, root, limits })),
  }
}

function missing(): GatewayError {
  return new GatewayError('unauthenticated', 'no virtual key was sent', {
    hint: 'send `Authorization: Bearer KEY`, or the key as the password of Basic; `guichet key create` makes one',
  })
}

function unknown(): GatewayError {
  return new GatewayError('unauthenticated', 'this virtual key is not known here', {
    hint: 'make one with `guichet key create`',
    facts: { stranger: true },
  })
}

/** The right text from a wrong address: for the ledger. Whoever sent it is told `asStranger`. */
function elsewhere(key: VirtualKey, from: string | undefined): GatewayError {
  const where = from ?? 'an address that is not known'
  return new GatewayError('unauthenticated', `the key "${key.name}" may not be used from ${where}`, {
    facts: { rule: 'address', key: key.id, stranger: true },
  })
}

/** What a caller is told of a refusal: whoever may not use a key from where it is learns nothing about it. */
export function asStranger(error: GatewayError): GatewayError {
  return error.facts['stranger'] === true ? unknown() : error
}

/** Why a key is refused; `over` is the key itself, or one that it was issued under. */
export function notGood(key: VirtualKey, over: VirtualKey, problem: KeyProblem): GatewayError {
  const { limits, use, expiresMs } = over
  const facts = { rule: problem, key: key.id, name: key.name, problem }
  const subject =
    over === key
      ? `the virtual key "${key.name}"`
      : `the virtual key "${key.name}" was issued under "${over.name}", which`
  if (problem === 'not-yet') {
    const since = new Date(limits.notBeforeMs ?? 0).toISOString()
    return new GatewayError('unauthenticated', `${subject} is not good yet`, {
      hint: `it is good from ${since} on`,
      facts,
    })
  }
  const why = {
    revoked: 'is revoked',
    expired: `is expired${expiresMs === undefined ? '' : ` since ${new Date(expiresMs).toISOString()}`}`,
    idle: `has ended: it was unused for ${Math.round((limits.idleMs ?? 0) / MINUTE_MS)} minutes`,
    'used-up': `is used up: it was good for ${use.count} requests`,
  }
  return new GatewayError('unauthenticated', `${subject} ${why[problem]}`, {
    hint: 'make a new one with `guichet key create`',
    facts,
  })
}

/** A text that could be the account's own key must not travel: it is refused unread, and its owner told. */
export function exposed(): GatewayError {
  return new GatewayError('unauthenticated', 'this looks like an API key of 1fichier, not a virtual key', {
    hint: "use a virtual key here (`guichet key create`); if it was the real key, take it for exposed: make a new one on 1fichier's console page and run `guichet rotate`",
    facts: { exposed: true },
  })
}
