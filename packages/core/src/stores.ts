import type { BreakerState, Reach } from './breaker.ts'
import type { FileId, KeyId } from './ids.ts'
import type { SelfEnding, VirtualKey } from './keys.ts'
import type { PaceState } from './pacing.ts'
import type { Relimited } from './relimit.ts'

/** Keeps virtual keys. Finds them by the keyed hash of a text of theirs; the text itself is nowhere. */
export interface KeyStore {
  /** Rejects with `conflict` when a key that is good, or will be, has this name. */
  add(key: VirtualKey, hash: string): Promise<void>
  /** The key that has a text with this hash. A text that was replaced is forgotten once its end was seen. */
  byHash(hash: string, nowMs: number): Promise<KeyOfText | undefined>
  byId(id: KeyId): Promise<VirtualKey | undefined>
  /** The key that issued it, the key that issued that one, and so on. */
  ancestors(key: VirtualKey): Promise<readonly VirtualKey[]>
  /** Newest first. */
  list(): Promise<readonly VirtualKey[]>
  /** Those of `list` that are neither revoked nor noted to be over: keys that were for one run only do not add up here. */
  unended(): Promise<readonly VirtualKey[]>
  /**
   * Counts one use of each of these keys, on disk before it resolves; all or none: gives the first key whose uses are
   * used up, and counts nothing then.
   */
  use(ids: readonly KeyId[], nowMs: number): Promise<KeyId | undefined>
  /** Notes for good that a key is over; the first word stays. */
  end(id: KeyId, problem: SelfEnding, nowMs: number): Promise<void>
  /** Gives a key another text. The one it had ends at a moment; older ones end now. Rejects with `not-found`. */
  replaceText(id: KeyId, hash: string, oldUntilMs: number): Promise<VirtualKey>
  /** Other limits and another end for a key; its use stays. On disk before it resolves. Rejects with `not-found`. */
  relimit(id: KeyId, to: Relimited): Promise<VirtualKey>
  /**
   * Ends a key and all that were issued under it, in one step that is on disk before it resolves. Gives them, the key
   * itself first. Rejects with `not-found` for an unknown id; revoking twice keeps the first time.
   */
  revoke(id: KeyId, nowMs: number): Promise<readonly [VirtualKey, ...VirtualKey[]]>
}

export interface KeyOfText {
  readonly key: VirtualKey
  /** When this text of it ends; absent: with the key. */
  readonly untilMs: number | undefined
}

/** The text of a new key, sealed, until somebody fetches it with the token. */
export interface Wrap {
  /** The keyed hash of the token; the token itself is nowhere. */
  readonly hash: string
  readonly key: KeyId
  /** Gone once it was fetched, or its time was over. */
  readonly sealed: string | undefined
  readonly untilMs: number
  readonly fetchedMs: number | undefined
  /** When somebody first came with the token after it had been used. */
  readonly misusedMs: number | undefined
}

export interface WrapStore {
  add(wrap: Pick<Wrap, 'hash' | 'key' | 'untilMs'> & { readonly sealed: string }): Promise<void>
  byHash(hash: string): Promise<Wrap | undefined>
  /** Gives what is sealed to one caller and forgets it, on disk before it resolves; `undefined` for everybody else. */
  fetch(hash: string, nowMs: number): Promise<string | undefined>
  /** Notes that a used token came again; the first time stays. */
  misuse(hash: string, nowMs: number): Promise<void>
  /** What was not fetched in time, and is not forgotten yet. */
  overdue(nowMs: number): Promise<readonly Wrap[]>
  /** Forgets what is sealed. */
  forget(hash: string): Promise<void>
  /** Tokens that came again, the latest first. */
  misused(): Promise<readonly Wrap[]>
}

/** A link to one file that outlives a restart. It allows no more than the key that made it, and ends with it. */
export interface LastingTicket {
  /** The keyed hash of the link's text; the text itself is nowhere. */
  readonly hash: string
  readonly key: KeyId | 'owner'
  readonly file: FileId
  readonly untilMs: number
  /** How often it can be fetched still; absent: as often as one likes. */
  readonly usesLeft: number | undefined
  /** Blocks of addresses that it may be fetched from; absent: from everywhere. */
  readonly from: readonly string[] | undefined
}

export interface TicketStore {
  add(ticket: LastingTicket): Promise<void>
  /** While it lives: its time is not over, and it has uses left. */
  find(hash: string, nowMs: number): Promise<LastingTicket | undefined>
  /** Takes one use of a ticket that lives, on disk before it resolves; false when there was none to take. */
  use(hash: string, nowMs: number): Promise<boolean>
  /** How many live that were made by this key. */
  count(key: LastingTicket['key'], nowMs: number): Promise<number>
  /** Ends those that were made by this key, on disk before it resolves. */
  drop(key: LastingTicket['key']): Promise<void>
  /** Forgets those whose time is over, or that are used up. */
  prune(nowMs: number): Promise<void>
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
