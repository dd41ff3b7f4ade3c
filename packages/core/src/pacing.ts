import { HOUR_MS, MINUTE_MS, SECOND_MS } from './clock.ts'
import { ENDPOINTS, type Endpoint } from './endpoints.ts'
import type { FolderId } from './ids.ts'

/**
 * One documented or observed limit of 1fichier, as data.
 *
 * It lets `burst` calls through at once and then one each `gapMs` (the generic cell rate algorithm).
 * It holds *where calls arrive*, which may be as late as their answer: so calls of a rule with burst 1 go one at a time,
 * and a gap counts from the answer (`countersAfterAnswer`).
 */
export interface PaceRule {
  readonly id: string
  /** The endpoints it counts together. */
  readonly endpoints: readonly Endpoint[]
  /** Counted apart for each folder asked for, or all together. */
  readonly per: 'account' | 'folder'
  /**
   * Every call, or only the answers that refuse a thing (`not-found`, `file-refused`).
   * Of refusals, more than `burst` within `burst` gaps hold every call back: by one gap, then by two, four …
   */
  readonly counts?: 'calls' | 'refusals'
  readonly burst: number
  readonly gapMs: number
  /** Where the figure comes from. */
  readonly source: string
}

/** What a call is, as far as limits care. */
export interface PacedCall {
  readonly endpoint: Endpoint
  /** The folder asked for; -1 stands for the listing of the whole account. */
  readonly folder?: FolderId | -1 | undefined
}

/**
 * For each rule (and folder, where it counts by folder): the theoretical arrival time of the next call.
 * For a rule that counts refusals: their moments, the youngest few.
 */
export type PaceState = ReadonlyMap<string, number>

const LISTINGS: readonly Endpoint[] = ['file/ls', 'folder/ls']

/**
 * The conservative profile: below every figure of wire.md §3 under each reading of it, and over any longer time at half
 * of the 2 calls a second that were seen to lead to locks. A burst and its successor can make 3 calls in one second.
 */
export const CONSERVATIVE_RULES: readonly PaceRule[] = [
  {
    id: 'general',
    endpoints: ENDPOINTS,
    per: 'account',
    burst: 2,
    gapMs: SECOND_MS,
    source: 'wire.md §3: 3 a second documented, 1 a second is fine by the admin (2021)',
  },
  {
    id: 'listing',
    endpoints: LISTINGS,
    per: 'account',
    burst: 1,
    gapMs: 3 * SECOND_MS,
    source: 'wire.md §3: about one listing in 3 s in steady use (rclone#4161)',
  },
  {
    id: 'folder',
    endpoints: LISTINGS,
    per: 'folder',
    burst: 1,
    gapMs: 30 * SECOND_MS,
    source:
      'wire.md §3: one request per folder in 30 s; counted for both listings together, as §15 leaves it open',
  },
  {
    id: 'all-files',
    endpoints: ['file/ls'],
    per: 'folder',
    burst: 1,
    gapMs: HOUR_MS,
    source: 'wire.md §3: the listing with folder_id -1 once an hour',
  },
  {
    id: 'account',
    endpoints: ['user/info'],
    per: 'account',
    burst: 1,
    gapMs: 5 * MINUTE_MS,
    source: 'wire.md §3: 1/min per IP and 1/5 min per user',
  },
  {
    id: 'refusals',
    endpoints: ENDPOINTS,
    per: 'account',
    counts: 'refusals',
    burst: 10,
    gapMs: 6 * SECOND_MS,
    source: 'wire.md §3: repeated 401, 403, 404 and 410 may ban; no figure is given, ours is 10 a minute',
  },
]

/** How long a call has to wait at a moment, and for which rule; zero when it may go. */
export function waitOf(
  rules: readonly PaceRule[],
  state: PaceState,
  call: PacedCall,
  nowMs: number,
): { readonly waitMs: number; readonly rule: PaceRule | undefined } {
  let waitMs = 0
  let rule: PaceRule | undefined
  for (const candidate of rules) {
    const key = counterOf(candidate, call)
    if (key === undefined) continue
    const ruleWaitMs =
      candidate.counts === 'refusals'
        ? refusalWaitMs(candidate, key, state, nowMs)
        : (state.get(key) ?? 0) - (candidate.burst - 1) * candidate.gapMs - nowMs
    if (ruleWaitMs > waitMs) {
      waitMs = ruleWaitMs
      rule = candidate
    }
  }
  return { waitMs, rule }
}

/** The counters that change when a call is sent at a moment, with their new values. */
export function countersAfter(
  rules: readonly PaceRule[],
  state: PaceState,
  call: PacedCall,
  nowMs: number,
): ReadonlyMap<string, number> {
  return new Map(
    countersOf(rules, call).map(({ rule, counter }) => [
      counter,
      Math.max(state.get(counter) ?? 0, nowMs) + rule.gapMs,
    ]),
  )
}

/** The counters that change when a call is answered, or given up: it may have arrived only now. */
export function countersAfterAnswer(
  rules: readonly PaceRule[],
  state: PaceState,
  call: PacedCall,
  nowMs: number,
): ReadonlyMap<string, number> {
  return new Map(
    countersOf(rules, call).map(({ rule, counter }) => [
      counter,
      Math.max(state.get(counter) ?? 0, nowMs + rule.gapMs),
    ]),
  )
}

/** The counters that change when an answer refuses a thing: the oldest remembered moment gives way to this one. */
export function countersAfterRefusal(
  rules: readonly PaceRule[],
  state: PaceState,
  call: PacedCall,
  nowMs: number,
): ReadonlyMap<string, number> {
  const changed = new Map<string, number>()
  for (const rule of rules) {
    const key = counterOf(rule, call)
    if (key === undefined || rule.counts !== 'refusals') continue
    const slots = momentsOf(rule, key, state)
    const oldest = slots.reduce((first, slot) => (slot.atMs < first.atMs ? slot : first))
    changed.set(oldest.name, nowMs)
  }
  return changed
}

/** The counters that let one call through at a time: while one is under way, no other of the same counter goes. */
export function exclusiveCounters(rules: readonly PaceRule[], call: PacedCall): readonly string[] {
  return countersOf(rules, call)
    .filter(({ rule }) => rule.burst === 1)
    .map(({ counter }) => counter)
}

/** The rules that count a call when it is sent, with the counter each of them uses: calls of one counter wait for each other. */
export function countersOf(
  rules: readonly PaceRule[],
  call: PacedCall,
): readonly { readonly rule: PaceRule; readonly counter: string }[] {
  return rules.flatMap((rule) => {
    const counter = rule.counts === 'refusals' ? undefined : counterOf(rule, call)
    return counter === undefined ? [] : [{ rule, counter }]
  })
}

/** The rules for the time after a lock: what several endpoints share goes at half the pace, and without bursts. */
export function slowedRules(rules: readonly PaceRule[]): readonly PaceRule[] {
  return rules.map((rule) =>
    rule.per === 'account' && rule.endpoints.length > 1 && rule.counts !== 'refusals'
      ? { ...rule, burst: 1, gapMs: 2 * rule.gapMs }
      : rule,
  )
}

/** The same rules with every window made shorter: for a stand-in whose time runs faster. */
export function scaleRules(rules: readonly PaceRule[], timeScale: number): readonly PaceRule[] {
  return rules.map((rule) => ({ ...rule, gapMs: rule.gapMs / timeScale }))
}

/**
 * The counters that a clock set back has left too far in the future, with the most that their rule can ask for.
 * Without this a step back would freeze the account for as long as the step.
 */
export function countersAhead(
  rules: readonly PaceRule[],
  state: PaceState,
  nowMs: number,
): ReadonlyMap<string, number> {
  const changed = new Map<string, number>()
  for (const [key, atMs] of state) {
    const rule = rules.find(({ id }) => key === id || key.startsWith(`${id}:`))
    if (rule === undefined) continue
    const latestMs = nowMs + (rule.burst + 1) * rule.gapMs
    if (atMs > latestMs) changed.set(key, latestMs)
  }
  return changed
}

function refusalWaitMs(rule: PaceRule, key: string, state: PaceState, nowMs: number): number {
  // Slots fill up in order: without this one there were never more than `burst` refusals.
  if (!state.has(`${key}#${rule.burst}`)) return 0
  const windowMs = rule.burst * rule.gapMs
  const recent = momentsOf(rule, key, state).filter(({ atMs }) => atMs > nowMs - windowMs && atMs <= nowMs)
  const excess = recent.length - rule.burst
  if (excess <= 0) return 0
  const lastMs = Math.max(...recent.map(({ atMs }) => atMs))
  return lastMs + Math.min(rule.gapMs * 2 ** (excess - 1), windowMs) - nowMs
}

function momentsOf(
  rule: PaceRule,
  key: string,
  state: PaceState,
): readonly { readonly name: string; readonly atMs: number }[] {
  return Array.from({ length: 2 * rule.burst }, (_, slot) => {
    const name = `${key}#${slot}`
    return { name, atMs: state.get(name) ?? 0 }
  })
}

function counterOf(rule: PaceRule, call: PacedCall): string | undefined {
  if (!rule.endpoints.includes(call.endpoint)) return undefined
  if (rule.id === 'all-files') return call.folder === -1 ? rule.id : undefined
  if (rule.per === 'account') return rule.id
  return call.folder === undefined || call.folder === -1 ? undefined : `${rule.id}:${call.folder}`
}
