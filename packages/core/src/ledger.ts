import type { KeyId } from './ids.ts'
import type { Verb } from './keys.ts'
import type { TreeEdge, TreeHead } from './ledger-tree.ts'

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

/** An entry with its place: the first has 1, and no number is left out. */
export interface NumberedEntry extends LedgerEntry {
  readonly sequence: number
}

/** An entry with what is kept beside it: the hashes of the perfect nodes that it completes, its own first. */
export interface KeptEntry extends NumberedEntry {
  readonly hashes: Uint8Array
}

/** Which entries somebody wants to see; what is absent does not narrow. */
export interface LedgerFilter {
  readonly key?: string | undefined
  readonly verb?: string | undefined
  readonly door?: string | undefined
  readonly decision?: string | undefined
  /** From this moment on. */
  readonly sinceMs?: number | undefined
  /** Before this moment. */
  readonly untilMs?: number | undefined
  /** Stands somewhere in the target, in this spelling. */
  readonly target?: string | undefined
  /** Only entries with a smaller number: the way to the next page. */
  readonly before?: number | undefined
  /** Only entries with a larger number: the way to what has come since. */
  readonly after?: number | undefined
}

/** A note that the keyholder has signed over the tree of the first `size` entries. */
export interface KeptCheckpoint {
  readonly size: number
  readonly atMs: number
  /** The whole signed note. */
  readonly note: string
  /** The key it is to be checked with, as the verifier key of a signed note. */
  readonly verifierKey: string
}

/** All that a ledger consists of, to be checked: good or bad, and nothing of it is believed. */
export interface LedgerSource {
  /** The entries behind a number, in their order. */
  page(after: number, limit: number): Promise<readonly KeptEntry[]>
  /** The checkpoints behind a size, smallest first. */
  checkpoints(after: number, limit: number): Promise<readonly KeptCheckpoint[]>
  /** How many entries were ever numbered, as far as the store knows: those at the end that are gone, too. */
  written(): Promise<number>
}

/**
 * The tree over the ledger and its checkpoints.
 * Methods reject with `corrupt` where the hashes that are kept with the entries are not there.
 */
export interface LedgerBook extends LedgerSource {
  head(): Promise<TreeHead>
  /** The tree of the first entries, to go on from. */
  edge(size: number): Promise<TreeEdge>
  /** Proves to whoever knows the tree of `oldSize` entries that the tree of `newSize` goes on from it. */
  proof(oldSize: number, newSize: number): Promise<readonly Uint8Array[]>
  /** The newest entries that fit, newest first. */
  find(filter: LedgerFilter, limit: number): Promise<readonly NumberedEntry[]>
  /** On disk before it resolves. A second one of the same size replaces nothing. */
  keepCheckpoint(checkpoint: KeptCheckpoint): Promise<void>
  lastCheckpoint(): Promise<KeptCheckpoint | undefined>
}

/** The tree that is to be signed, and the proof that it goes on from the one that the witness knows. */
export interface CheckpointWish extends TreeHead {
  readonly proof: readonly Uint8Array[]
  /** The newest checkpoint that the ledger itself has: what a witness without a memory is measured by. */
  readonly last?: string | undefined
}

export interface WitnessedLedger {
  /** The public half of the key that signs, as the verifier key of a signed note. */
  readonly verifierKey: string
  /** How many entries the witness knows of. */
  readonly size: number
}

export interface SignedCheckpoint extends WitnessedLedger {
  /** The signed note. */
  readonly note: string
}

/** Remembers the tree it signed last. Both reject with `sealed` as long as it cannot sign. */
export interface Witness {
  witnessed(): Promise<WitnessedLedger>
  /** Rejects with `corrupt`, and an `alarm` in the facts, when the ledger does not go on from what it remembers. */
  signCheckpoint(wish: CheckpointWish): Promise<SignedCheckpoint>
}
