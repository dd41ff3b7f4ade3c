import {
  type Clock,
  isKeyText,
  isWrapToken,
  type KeyStore,
  type VirtualKey,
  type WrapStore,
} from '@guichet/core'
import type { Caller, Gate } from './gate.ts'
import type { Keys } from './keys.ts'
import type { Principals } from './principals.ts'

/** A text that was found where it should not be, and the key that it opened, or that could be fetched with it. */
export interface LeakedKey {
  readonly key: VirtualKey
  /** It had ended before. */
  readonly wasOver: boolean
}

/** Ends keys whose texts were found lying about; only the owner may, who need not know which keys they are. */
export interface LeakedKeys {
  /** One for each text, in its order; undefined for a text that opens nothing here. On disk before it resolves. */
  revoke(caller: Caller, texts: readonly string[]): Promise<readonly (LeakedKey | undefined)[]>
}

export function createLeakedKeys(options: {
  readonly store: KeyStore
  readonly wraps: Pick<WrapStore, 'byHash'>
  readonly principals: Pick<Principals, 'hash'>
  readonly keys: Pick<Keys, 'revoke'>
  readonly gate: Gate
  readonly clock: Clock
}): LeakedKeys {
  const { store, wraps, principals, keys, gate, clock } = options

  async function keyOf(text: string): Promise<VirtualKey | undefined> {
    const hash = principals.hash(text)
    if (isKeyText(text)) return (await store.byHash(hash, clock.nowMs()))?.key
    const wrap = isWrapToken(text) ? await wraps.byHash(hash) : undefined
    return wrap === undefined ? undefined : store.byId(wrap.key)
  }

  async function revokeOne(caller: Caller, text: string): Promise<LeakedKey | undefined> {
    const found = await keyOf(text)
    if (found === undefined) return undefined
    const { id, revokedMs } = found
    return { key: await keys.revoke(caller, id), wasOver: revokedMs !== undefined }
  }

  return {
    async revoke(caller, texts) {
      await gate.permitOwner(caller, `revoke the keys of ${texts.length} texts that were found`)
      const revoked: (LeakedKey | undefined)[] = []
      for (const text of texts) revoked.push(await revokeOne(caller, text))
      return revoked
    },
  }
}
