import {
  type Clock,
  createKeyText,
  DAY_MS,
  type FolderId,
  GatewayError,
  KEY_LIFETIME_MS,
  type KeyId,
  type KeyLimits,
  type KeyStore,
  type Verb,
  type VirtualKey,
} from '@guichet/core'
import type { Caller, Gate } from './gate.ts'
import type { Principals } from './principals.ts'

export interface KeyWish {
  readonly name: string
  readonly verbs: readonly Verb[]
  /** Finds the folder to confine it to; asked only once it is known that the caller may make keys. */
  readonly findRoot: () => Promise<{ readonly id: FolderId; readonly path: string }>
  /** 0 is for ever; absent is 90 days. */
  readonly lifetimeMs?: number | undefined
  readonly mayTunnel: boolean
  readonly limits: KeyLimits
}

const LIFETIME_MAX_MS = 36_500 * DAY_MS

/** Makes, shows and ends virtual keys; only the owner may. */
export interface Keys {
  /** The text of the key is given here and never again. */
  issue(caller: Caller, wish: KeyWish): Promise<{ readonly key: VirtualKey; readonly text: string }>
  list(caller: Caller): Promise<readonly VirtualKey[]>
  get(caller: Caller, id: KeyId): Promise<VirtualKey>
  /** On disk before it resolves. */
  revoke(caller: Caller, id: KeyId): Promise<VirtualKey>
}

export function createKeys(options: {
  readonly store: KeyStore
  readonly principals: Principals
  readonly gate: Gate
  readonly clock: Clock
  readonly random: (count: number) => Uint8Array
  /** Told of each revocation, so that what the key has under way is cut. */
  readonly onRevoked: (id: KeyId) => void
}): Keys {
  const { store, principals, gate, clock, random, onRevoked } = options

  return {
    async issue(caller, wish) {
      await gate.permitOwner(caller, `make the key "${wish.name}"`)
      requireName(wish.name)
      const lifetimeMs = wish.lifetimeMs ?? KEY_LIFETIME_MS
      requireLifetime(lifetimeMs)
      const root = await wish.findRoot()
      const nowMs = clock.nowMs()
      const text = createKeyText(random)
      const key: VirtualKey = {
        id: newKeyId(random),
        name: wish.name,
        verbs: wish.verbs,
        root: root.id,
        rootPath: root.path,
        mayTunnel: wish.mayTunnel,
        limits: wish.limits,
        parent: undefined,
        createdMs: nowMs,
        expiresMs: lifetimeMs === 0 ? undefined : nowMs + lifetimeMs,
        revokedMs: undefined,
        use: { count: 0, lastMs: undefined },
        ended: undefined,
      }
      await store.add(key, principals.hash(text))
      return { key, text }
    },

    async list(caller) {
      await gate.permitOwner(caller, 'list the keys')
      return store.list()
    },

    async get(caller, id) {
      await gate.permitOwner(caller, `look at the key ${id}`)
      const key = await store.byId(id)
      if (key !== undefined) return key
      throw new GatewayError('not-found', `there is no key ${id}`, {
        hint: '`guichet key list` shows the ids',
      })
    },

    async revoke(caller, id) {
      await gate.permitOwner(caller, `revoke the key ${id}`)
      const ended = await store.revoke(id, clock.nowMs())
      for (const key of ended) onRevoked(key.id)
      return ended[0]
    },
  }
}

function requireName(name: string): void {
  if (/^[\p{L}\p{N}](?:[\p{L}\p{N} ._@:-]{0,62}[\p{L}\p{N}._@:-])?$/u.test(name)) return
  throw new GatewayError('invalid', `${JSON.stringify(name.slice(0, 80))} is not a name for a key`, {
    hint: 'use up to 64 letters, digits, spaces between them, and . _ @ : -',
  })
}

function requireLifetime(lifetimeMs: number): void {
  if (Number.isSafeInteger(lifetimeMs) && lifetimeMs >= 0 && lifetimeMs <= LIFETIME_MAX_MS) return
  throw new GatewayError('invalid', `a key cannot live for ${lifetimeMs} ms`, {
    hint: 'give it up to 100 years, or 0 for ever',
  })
}

function newKeyId(random: (count: number) => Uint8Array): KeyId {
  const digits = [...random(8)].map((byte) => 'abcdefghijklmnopqrstuvwxyz234567'[byte % 32]).join('')
  return `k-${digits}` as KeyId
}
