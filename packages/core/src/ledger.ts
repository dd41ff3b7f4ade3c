import type { KeyId } from './ids.ts'
import type { Verb } from './keys.ts'

/** One decision: who asked what, and what was decided. */
export interface LedgerEntry {
  readonly atMs: number
  readonly requestId: string
  readonly key: KeyId | 'owner' | 'nobody'
  readonly door: Door
  readonly verb: Verb | 'admin' | 'tunnel' | 'authenticate'
  /** What it was about, for a person: a path, an id, a host. Never a secret. */
  readonly target: string
  readonly decision: 'allow' | 'deny'
  /** Why it was denied; empty where it was allowed. */
  readonly reason: string
}

export type Door = 'native' | 'proxy' | 'api' | 'admin'

/** The append-only record. A decision that cannot be recorded is not carried out. */
export interface Ledger {
  /** Resolves once the entry is on disk. Entries keep the order of the calls. */
  record(entry: LedgerEntry): Promise<void>
  /** The newest entries first. */
  recent(limit: number): Promise<readonly LedgerEntry[]>
  count(): Promise<number>
}
