import {
  type Clock,
  changeText,
  createKeyText,
  DAY_MS,
  type FolderId,
  GatewayError,
  inheritedLimits,
  isLiving,
  KEY_LIFETIME_MS,
  type KeyId,
  type KeyLimits,
  type KeyStore,
  type LimitsChange,
  type Relimited,
  relimit,
  type TrashRule,
  takesAway,
  type Verb,
  type VirtualKey,
  widenings,
} from '@guichet/core'
import { requireBlocks } from './addresses.ts'
import type { Caller, Gate } from './gate.ts'
import { type Principal, type Principals, principalOf } from './principals.ts'

export interface KeyWish {
  readonly name: string
  readonly verbs: readonly Verb[]
  /** Finds the folder to confine it to, inside the caller's own; asked once it is known that the caller may make keys. */
  readonly findRoot: () => Promise<{ readonly id: FolderId; readonly path: string }>
  /** 0 is for ever; absent is 90 days, or as long as the key it is issued under. */
  readonly lifetimeMs?: number | undefined
  readonly mayTunnel: boolean
  readonly limits: KeyLimits
  /** Finds the folder that its deletions go to; only the owner can give a key one. Those below it have it as well. */
  readonly findTrash?: ((root: FolderId) => Promise<TrashRule>) | undefined
}

/** The text of a key is given here and never again. */
export interface Issued {
  readonly key: VirtualKey
  readonly text: string
}

const LIFETIME_MAX_MS = 36_500 * DAY_MS
/** Keys issued under keys issued under keys: each request is held against all of them. */
const LINE_MAX = 8
const LIVING_BELOW_MAX = 1_000

/** Makes, shows and ends virtual keys: the owner all, the holder of a key that may issue others those below it. */
export interface Keys {
  issue(caller: Caller, wish: KeyWish): Promise<Issued>
  list(caller: Caller): Promise<readonly VirtualKey[]>
  /** By its id, or by the name of one that is living or, if none is, was living last. */
  get(caller: Caller, idOrName: string): Promise<VirtualKey>
  /** With all that were issued under it; on disk before it resolves. */
  revoke(caller: Caller, idOrName: string): Promise<VirtualKey>
  /** Another text for the same key. The one it had is good for a while still; older ones end now. */
  rotate(caller: Caller, idOrName: string, overlapMs: number): Promise<Issued>
  /**
   * Other limits for a living key, by the owner alone: no wider than the key it was issued under. What it has used up
   * counts on; where something is taken away, what is under way is cut.
   */
  limit(caller: Caller, idOrName: string, change: LimitsChange): Promise<VirtualKey>
}

export function createKeys(options: {
  readonly store: KeyStore
  readonly principals: Principals
  readonly gate: Gate
  readonly clock: Clock
  readonly random: (count: number) => Uint8Array
  /** Told of each revocation, so that what the key has under way is cut. */
  readonly onRevoked: (id: KeyId) => void
  /** Told of each text that was replaced: what the key has under way was begun with it, and ends with it. */
  readonly onReplaced: (id: KeyId, untilMs: number) => void
}): Keys {
  const { store, principals, gate, clock, random, onRevoked, onReplaced } = options

  /** What the caller may know of. */
  async function visible({ principal }: Caller): Promise<readonly VirtualKey[]> {
    const all = await store.list()
    return principal.key === 'owner' ? all : below(all, principal.key)
  }

  async function find(caller: Caller, idOrName: string): Promise<VirtualKey> {
    const keys = await visible(caller)
    const named = keys.filter(({ name }) => name === idOrName)
    const nowMs = clock.nowMs()
    const key =
      keys.find(({ id }) => id === idOrName) ?? named.find((one) => isLiving(one, nowMs)) ?? named[0]
    if (key !== undefined) return key
    throw new GatewayError('not-found', `there is no key ${JSON.stringify(idOrName.slice(0, 80))}`, {
      hint: '`guichet key list` shows the ids and names',
    })
  }

  return {
    async issue(caller, wish) {
      await gate.permitIssuer(caller, `make the key "${wish.name}"`)
      requireName(wish.name)
      requireLimits(wish.limits)
      const nowMs = clock.nowMs()
      const { principal } = caller
      const { verbs, mayTunnel } = wish
      const expiresMs = endOf(principal, wish.lifetimeMs, nowMs)
      const limits = inheritedLimits(principal.limits, wish.limits)
      requireBeginning({ expiresMs, limits })
      if (principal.key !== 'owner') {
        requireNarrower(principal, { verbs, mayTunnel, expiresMs, limits })
        if (wish.findTrash !== undefined) throw noTrash()
        const living = below(await store.unended(), principal.key).filter((one) => isLiving(one, nowMs))
        if (living.length >= LIVING_BELOW_MAX) throw tooMany(principal)
      }
      const root = await wish.findRoot()
      const trash = wish.findTrash === undefined ? limits.trash : await wish.findTrash(root.id)
      const text = createKeyText(random)
      const key: VirtualKey = {
        ...{ id: newKeyId(random), name: wish.name, verbs, root: root.id, rootPath: root.path },
        ...{ mayTunnel, limits: trash === undefined ? limits : { ...limits, trash } },
        ...{ parent: principal.key === 'owner' ? undefined : principal.key },
        ...{ createdMs: nowMs, expiresMs, revokedMs: undefined },
        ...{ use: { count: 0, lastMs: undefined }, ended: undefined },
      }
      await store.add(key, principals.hash(text))
      return { key, text }
    },

    async list(caller) {
      await gate.permitIssuer(caller, 'list the keys')
      return visible(caller)
    },

    async get(caller, idOrName) {
      await gate.permitIssuer(caller, `look at the key ${idOrName}`)
      return find(caller, idOrName)
    },

    async revoke(caller, idOrName) {
      await gate.permitIssuer(caller, `revoke the key ${idOrName}`)
      const { id } = await find(caller, idOrName)
      const ended = await store.revoke(id, clock.nowMs())
      for (const key of ended) onRevoked(key.id)
      return ended[0]
    },

    async rotate(caller, idOrName, overlapMs) {
      await gate.permitIssuer(caller, `give the key ${idOrName} a new text`)
      const key = await find(caller, idOrName)
      const nowMs = clock.nowMs()
      if (!isLiving(key, nowMs)) throw isOver(key, 'another text')
      const text = createKeyText(random)
      await store.replaceText(key.id, principals.hash(text), nowMs + overlapMs)
      onReplaced(key.id, nowMs + overlapMs)
      return { key, text }
    },

    async limit(caller, idOrName, change) {
      await gate.permitOwner(caller, `limit the key ${idOrName}: ${changeText(change)}`)
      requireBlocks([...(change.from ?? []), ...(change.notFrom ?? [])])
      if (change.lifetimeMs !== undefined) requireLifetime(change.lifetimeMs)
      const key = await find(caller, idOrName)
      const nowMs = clock.nowMs()
      if (!isLiving(key, nowMs)) throw isOver(key, 'other limits')
      const after = relimit(key, change, nowMs)
      requireBeginning(after)
      const above = await store.ancestors(key)
      if (above.length > 0) requireNoWider(principalOf(above, undefined), change, after)
      const limited = await store.relimit(key.id, after)
      if (takesAway(key, after))
        for (const { id } of [key, ...below(await store.list(), key.id)]) onReplaced(id, nowMs)
      return limited
    },
  }
}

/** Addresses, budgets and approvals of the keys above hold anyway, at each request. */
function requireNoWider(above: Principal, change: LimitsChange, after: Relimited): void {
  const { expiresMs } = above
  const wider = widenings(
    { ...above, expiresMs },
    {
      ...{ verbs: [], mayTunnel: false },
      expiresMs: change.lifetimeMs === undefined ? expiresMs : after.expiresMs,
      limits: change.uses === undefined ? {} : { uses: after.limits.uses },
    },
  )
  if (wider.length === 0) return
  throw new GatewayError(
    'forbidden',
    `the key was issued under "${above.name}", which has less: ${wider.join(', ')}`,
    {
      hint: `give it less, or give more to that one first: \`guichet key limit ${above.key} …\``,
      facts: { rule: 'narrower', key: above.key },
    },
  )
}

/** A key that ends before it begins would never be good. */
function requireBeginning({ expiresMs, limits: { notBeforeMs } }: Relimited): void {
  if (notBeforeMs === undefined || expiresMs === undefined || notBeforeMs < expiresMs) return
  throw new GatewayError('invalid', 'the key would end before it begins', {
    hint: 'let it last longer with --expires, which counts from now, or begin sooner',
  })
}

function noTrash(): GatewayError {
  return new GatewayError('forbidden', 'only the owner can give a key a trash of its own', {
    hint: 'leave --trash out: a key has the trash of the one it is issued under',
  })
}

/** The keys that were issued under one, at any depth. */
function below(all: readonly VirtualKey[], id: KeyId): readonly VirtualKey[] {
  const parents = new Map(all.map((key) => [key.id, key.parent]))
  return all.filter((key) => {
    let above = key.parent
    while (above !== undefined && above !== id) above = parents.get(above)
    return above === id
  })
}

function endOf(
  { expiresMs: latestMs }: Principal,
  lifetimeMs: number | undefined,
  nowMs: number,
): number | undefined {
  if (lifetimeMs === undefined) return Math.min(nowMs + KEY_LIFETIME_MS, latestMs ?? Number.POSITIVE_INFINITY)
  requireLifetime(lifetimeMs)
  return lifetimeMs === 0 ? undefined : nowMs + lifetimeMs
}

function requireNarrower(
  principal: Principal,
  wish: Pick<VirtualKey, 'verbs' | 'mayTunnel' | 'expiresMs' | 'limits'>,
): void {
  const { key, name, ancestors = [] } = principal
  const facts = { rule: 'narrower', key }
  const wider = widenings({ ...principal, expiresMs: principal.expiresMs }, wish)
  if (wider.length > 0) {
    throw new GatewayError(
      'forbidden',
      `the key "${name}" cannot give what it has not: ${wider.join(', ')}`,
      {
        hint: `ask for less, or let the owner make the key; \`guichet key show ${key}\` tells the owner what it has`,
        facts,
      },
    )
  }
  if (ancestors.length + 1 < LINE_MAX) return
  throw new GatewayError('forbidden', `keys are issued under one another ${LINE_MAX} deep at the most`, {
    hint: 'issue it from a key further up',
    facts,
  })
}

function requireLimits({ from = [], notFrom = [] }: KeyLimits): void {
  requireBlocks([...from, ...notFrom])
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

function tooMany({ key, name }: Principal): GatewayError {
  return new GatewayError('conflict', `there are ${LIVING_BELOW_MAX} living keys under "${name}" already`, {
    hint: 'revoke some: `guichet key list`, `guichet key revoke ID`',
    facts: { key },
  })
}

function isOver({ id, name }: VirtualKey, what: string): GatewayError {
  return new GatewayError('conflict', `the key "${name}" is over, and ${what} would not change that`, {
    hint: `make a new one with \`guichet key create\`; \`guichet key show ${id}\` says how it ended`,
    facts: { key: id },
  })
}

function newKeyId(random: (count: number) => Uint8Array): KeyId {
  const digits = [...random(8)].map((byte) => 'abcdefghijklmnopqrstuvwxyz234567'[byte % 32]).join('')
  return `k-${digits}` as KeyId
}
