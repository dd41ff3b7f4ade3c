import type { BreakerState, Reach } from './breaker.ts'
import type { KeyId } from './ids.ts'
import type { VirtualKey } from './keys.ts'
import type { PaceState } from './pacing.ts'

/** Keeps virtual keys. Finds them by the keyed hash of their text; the text itself is nowhere. */
export interface KeyStore {
  /** Rejects with `conflict` when a key that still lives has this name. */
  add(key: VirtualKey, hash: string): Promise<void>
  byHash(hash: string): Promise<VirtualKey | undefined>
  byId(id: KeyId): Promise<VirtualKey | undefined>
  /** Newest first. */
  list(): Promise<readonly VirtualKey[]>
  /** On disk before it resolves. Rejects with `not-found` for an unknown id; revoking twice keeps the first time. */
  revoke(id: KeyId, nowMs: number): Promise<VirtualKey>
}

/** Keeps what the scheduler knows, so that a restart does not walk into a lock again. */
export interface LimiterStore {
  load(): Promise<{ readonly counters: PaceState; readonly breakers: ReadonlyMap<Reach, BreakerState> }>
  saveCounters(changed: ReadonlyMap<string, number>): Promise<void>
  saveBreaker(reach: Reach, state: BreakerState): Promise<void>
}

/** Small facts that outlive a restart, by name: the last account answer, counters of calls. */
export interface FactStore {
  get(name: string): Promise<{ readonly value: unknown; readonly atMs: number } | undefined>
  put(name: string, value: unknown, nowMs: number): Promise<void>
}
