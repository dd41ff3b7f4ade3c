import type {
  Clock,
  FactStore,
  KeyId,
  LimiterStore,
  LockPolicy,
  PacedCall,
  PaceRule,
  Unpaced,
} from '@guichet/core'
import type { Priority } from './line.ts'
import type { SchedulerStatus } from './status.ts'

export type { Priority } from './line.ts'
export type { SchedulerStatus } from './status.ts'

/** A call that wants its turn. */
export interface Turn {
  readonly call: PacedCall
  readonly key: KeyId | 'owner'
  readonly priority: Priority
  /** Would it wait longer, it is refused at once with `paced` or `locked`, and the true `retryAfterMs`. */
  readonly patienceMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * The one place that lets calls out to 1fichier, for every key and door.
 *
 * Order: by priority, in turn between keys, first come first served for one key; a call held back by a rule of its own
 * holds nobody behind it. During a lock nothing of its reach goes out, and after it one probe.
 * The store knows of a call before it is sent, so that a restart keeps the pace.
 */
export interface Scheduler extends AsyncDisposable {
  /**
   * Waits for the turn, makes the call once, and learns from its end.
   * Rejects with what the call rejects with, or without calling it: `paced`, `locked`, `account-refused`, `cancelled`,
   * `unavailable` once it is closed, or the store's failure.
   */
  run<T>(turn: Turn, call: () => Promise<T>): Promise<T>
  /** Calls outside the API have no documented pace: they are counted only. */
  count(unpaced: Unpaced): void
  /** What failed outside the API: a lock that is told there holds the API back too. Resolves when the store knows. */
  learn(failure: unknown): Promise<void>
  /** A person has mended what 1fichier refused for good. */
  resume(): Promise<void>
  status(): SchedulerStatus
  /** Refuses whoever waits, and lets calls under way end for a while. */
  [Symbol.asyncDispose](): Promise<void>
}

export interface SchedulerOptions {
  readonly rules: readonly PaceRule[]
  readonly locks: LockPolicy
  readonly store: LimiterStore
  readonly facts: FactStore
  readonly clock: Clock
  /** How many calls may wait; default 1,000. */
  readonly queueMax?: number
}
