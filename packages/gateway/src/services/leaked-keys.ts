import { type Clock, isKeyText, type KeyStore, type VirtualKey } from '@guichet/core'
import type { Caller, Gate } from './gate.ts'
import type { Keys } from './keys.ts'
import type { Principals } from './principals.ts'

/** A text that was found where it should not be, and the key it opened. */
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
  readonly principals: Pick<Principals, 'hash'>
  readonly keys: Pick<Keys, 'revoke'>
  readonly gate: Gate
  readonly clock: Clock
}): LeakedKeys {
  const { store, principals, keys, gate, clock } = options

  async function revokeOne(caller: Caller, text: string): Promise<LeakedKey | undefined> {
    if (!isKeyText(text)) return undefined
    const found = await store.byHash(principals.hash(text), clock.nowMs())
    if (found === undefined) return undefined
    const { id, revokedMs } = found.key
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
