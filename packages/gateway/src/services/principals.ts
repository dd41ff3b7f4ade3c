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
  mayBeApiKey,
  problemOfKey,
  ROOT,
  VERBS,
  type Verb,
  type VirtualKey,
} from '@guichet/core'

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
  return mayBeApiKey(text) && !text.startsWith(KEY_PREFIX)
}

export interface Principals {
  /**
   * Rejects with `unauthenticated`; unknown, wrong, expired and revoked keys are told apart only for a holder of the
   * right text.
   */
  authenticate(credentials: Credentials | undefined): Promise<Principal>
  /** The principal of a key that is still good, by its id. */
  recall(key: KeyId | 'owner'): Promise<Principal>
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

  return {
    hash,

    async authenticate(credentials) {
      if (credentials === undefined) throw missing()
      if (isApiKey(credentials.secret) || isApiKey(credentials.user ?? '')) throw exposed()
      const found = isKeyText(credentials.secret)
        ? await keys.byHash(hash(credentials.secret), clock.nowMs())
        : undefined
      if (found === undefined) throw unknown()
      const { key } = found
      const problem = problemOfKey(key, clock.nowMs())
      if (problem !== undefined) throw ended(key.name, problem)
      return principalOf(key)
    },

    async recall(id) {
      if (id === 'owner') return OWNER
      const key = await keys.byId(id)
      if (key === undefined) throw unknown()
      const problem = problemOfKey(key, clock.nowMs())
      if (problem !== undefined) throw ended(key.name, problem)
      return principalOf(key)
    },
  }
}

function principalOf(key: VirtualKey): Principal {
  const { id, name, verbs, root, rootPath, mayTunnel, limits, expiresMs } = key
  return { key: id, name, verbs, root, rootPath, mayTunnel, limits, expiresMs }
}

function missing(): GatewayError {
  return new GatewayError('unauthenticated', 'no virtual key was sent', {
    hint: 'send `Authorization: Bearer KEY`, or the key as the password of Basic; `guichet key create` makes one',
  })
}

function unknown(): GatewayError {
  return new GatewayError('unauthenticated', 'this virtual key is not known here', {
    hint: 'make one with `guichet key create`',
  })
}

function ended(name: string, problem: KeyProblem): GatewayError {
  if (problem === 'not-yet') {
    return new GatewayError('unauthenticated', `the virtual key "${name}" is not good yet`, {
      hint: '`guichet key show ID` says from when on',
      facts: { name, problem },
    })
  }
  return new GatewayError('unauthenticated', `the virtual key "${name}" is ${problem}`, {
    hint: 'make a new one with `guichet key create`',
    facts: { name, problem },
  })
}

/** A text that could be the account's own key must not travel: it is refused unread, and its owner told. */
export function exposed(): GatewayError {
  return new GatewayError('unauthenticated', 'this looks like an API key of 1fichier, not a virtual key', {
    hint: "use a virtual key here (`guichet key create`); if it was the real key, take it for exposed: make a new one on 1fichier's console page and run `guichet rotate`",
    facts: { exposed: true },
  })
}
