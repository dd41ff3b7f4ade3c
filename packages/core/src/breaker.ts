import { HOUR_MS, MINUTE_MS } from './clock.ts'
import type { Endpoint } from './endpoints.ts'

/** Whom a lock of 1fichier is for. */
export type LockScope = 'ip' | 'user' | 'key'

/** Which calls stand still: only the account call, only tokens, or all of the API (wire.md §3: downloads under way go on). */
export type Reach = 'account' | 'tokens' | 'api'

/**
 * The state of one reach.
 *
 *     closed ──lock──▶ open ──time──▶ half-open ──one probe──▶ closed
 *        │               ▲                │
 *        │               └───lock again───┘  (twice as long)
 *        └──permanent refusal──▶ stopped ──a person resumes──▶ closed
 */
export type BreakerState =
  | {
      readonly kind: 'closed' /** Locks in a row before this; forgotten after a quiet hour. */
      readonly locks: number
      readonly sinceMs: number
    }
  | {
      readonly kind: 'open'
      readonly locks: number
      readonly openedMs: number
      readonly untilMs: number
      readonly reason: string
      readonly scope: LockScope
    }
  | {
      readonly kind: 'half-open'
      readonly locks: number
      readonly probeMs: number
      readonly reason: string
      readonly scope: LockScope
    }
  | { readonly kind: 'stopped'; readonly sinceMs: number; readonly reason: string }

/** How long we stay silent after a lock. 1fichier does not say; clients wait from 30 s to 60 min (wire.md §3). */
export interface LockPolicy {
  readonly floodMs: number
  /** For the bare `IP Locked`, after which JDownloader waits an hour. */
  readonly lockedMs: number
  readonly longestMs: number
  /** A probe that gets no answer for so long counts as lost, and another may go. */
  readonly probeMs: number
}

export const LOCK_POLICY: LockPolicy = {
  floodMs: 5 * MINUTE_MS,
  lockedMs: HOUR_MS,
  longestMs: 2 * HOUR_MS,
  probeMs: 2 * MINUTE_MS,
}

export const CLOSED: BreakerState = { kind: 'closed', locks: 0, sinceMs: 0 }

export type BreakerSignal =
  | { readonly kind: 'answered' }
  | {
      readonly kind: 'locked'
      readonly scope: LockScope
      readonly isFlood: boolean
      readonly reason: string
      readonly retryAfterMs?: number | undefined
    }
  | { readonly kind: 'refused'; readonly reason: string }
  /** No answer: says nothing about locks, but ends a probe. */
  | { readonly kind: 'unanswered' }

/** Go now, wait so long, or do not go at all. */
export type Verdict =
  | { readonly kind: 'go' }
  | { readonly kind: 'wait'; readonly waitMs: number; readonly reason: string }
  | { readonly kind: 'stop'; readonly reason: string }

export function verdictOf(state: BreakerState, policy: LockPolicy, nowMs: number): Verdict {
  switch (state.kind) {
    case 'closed':
      return { kind: 'go' }
    case 'open': {
      const waitMs = state.untilMs - nowMs
      return waitMs <= 0 ? { kind: 'go' } : { kind: 'wait', waitMs, reason: state.reason }
    }
    case 'half-open': {
      const waitMs = state.probeMs + policy.probeMs - nowMs
      return waitMs <= 0 ? { kind: 'go' } : { kind: 'wait', waitMs, reason: state.reason }
    }
    case 'stopped':
      return { kind: 'stop', reason: state.reason }
  }
}

/** A call is being sent: after a lock it is the one probe, and the others keep waiting. */
export function sending(state: BreakerState, nowMs: number): BreakerState {
  if (state.kind !== 'open' && state.kind !== 'half-open') return state
  return { kind: 'half-open', locks: state.locks, probeMs: nowMs, reason: state.reason, scope: state.scope }
}

/** What an answer teaches. */
export function observe(
  state: BreakerState,
  policy: LockPolicy,
  signal: BreakerSignal,
  nowMs: number,
): BreakerState {
  switch (signal.kind) {
    case 'answered':
      if (state.kind === 'half-open') return { kind: 'closed', locks: state.locks, sinceMs: nowMs }
      if (isForgotten(state, nowMs)) return CLOSED
      return state
    case 'unanswered':
      if (state.kind !== 'half-open') return state
      return {
        kind: 'open',
        locks: state.locks,
        openedMs: nowMs,
        untilMs: nowMs + policy.probeMs / 4,
        reason: state.reason,
        scope: state.scope,
      }
    case 'refused':
      return { kind: 'stopped', sinceMs: nowMs, reason: signal.reason }
    case 'locked': {
      if (state.kind === 'stopped') return state
      // Calls that were under way when the lock began come back locked too: that is one lock, not several.
      const locks = state.kind === 'open' ? state.locks : isForgotten(state, nowMs) ? 1 : state.locks + 1
      const firstMs = signal.isFlood ? policy.floodMs : policy.lockedMs
      const waitMs = Math.max(
        Math.min(firstMs * 2 ** (locks - 1), policy.longestMs),
        signal.retryAfterMs ?? 0,
      )
      const untilMs = Math.max(nowMs + waitMs, state.kind === 'open' ? state.untilMs : 0)
      return { kind: 'open', locks, openedMs: nowMs, untilMs, reason: signal.reason, scope: signal.scope }
    }
  }
}

/** For a while after a lock calls go slower (`slowedRules`): twice as long as the first lock of a flood is. */
export function isRecovering(state: BreakerState, policy: LockPolicy, nowMs: number): boolean {
  return state.kind === 'closed' && state.locks > 0 && Math.abs(nowMs - state.sinceMs) < 2 * policy.floodMs
}

/**
 * The state for a clock that has been set back to before its beginning: it begins now, with its own length.
 * Without this a lock would last longer by as much as the clock was set back.
 */
export function sinceNow(state: BreakerState, nowMs: number): BreakerState {
  switch (state.kind) {
    case 'open':
      if (state.openedMs <= nowMs) return state
      return { ...state, openedMs: nowMs, untilMs: nowMs + state.untilMs - state.openedMs }
    case 'half-open':
      return state.probeMs <= nowMs ? state : { ...state, probeMs: nowMs }
    case 'closed':
    case 'stopped':
      return state.sinceMs <= nowMs ? state : { ...state, sinceMs: nowMs }
  }
}

/** The reaches that hold a call back. */
export function reachesOf(endpoint: Endpoint): readonly Reach[] {
  if (endpoint === 'user/info') return ['account', 'api']
  if (endpoint === 'download/get_token') return ['tokens', 'api']
  return ['api']
}

/**
 * How far a lock or refusal seen at an endpoint reaches.
 * A lock of the account call stops nothing else; what concerns downloads only, and is said of a token, stops tokens.
 */
export function reachOf(
  endpoint: Endpoint,
  why: 'lock' | 'location' | 'account' | 'customer' | 'cdn',
): Reach {
  switch (why) {
    case 'customer':
    case 'cdn':
    case 'location':
      return endpoint === 'download/get_token' ? 'tokens' : 'api'
    case 'lock':
      return endpoint === 'user/info' ? 'account' : 'api'
    case 'account':
      return 'api'
  }
}

function isForgotten(state: BreakerState, nowMs: number): boolean {
  return state.kind === 'closed' && state.locks > 0 && nowMs - state.sinceMs >= HOUR_MS
}
