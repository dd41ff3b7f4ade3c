import { HOUR_MS, MINUTE_MS, SECOND_MS } from './clock.ts'
import { ENDPOINTS, type Endpoint } from './endpoints.ts'
import type { FolderId } from './ids.ts'

/**
 * One documented or observed limit of 1fichier, as data.
 *
 * It lets `burst` calls through at once and then one each `gapMs` (the generic cell rate algorithm): a rule with burst 1
 * keeps its calls at least `gapMs` apart.
 */
export interface PaceRule {
  readonly id: string
  /** The endpoints it counts together. */
  readonly endpoints: readonly Endpoint[]
  /** Counted apart for each folder asked for, or all together. */
  readonly per: 'account' | 'folder'
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

/** For each rule (and folder, where it counts by folder): the theoretical arrival time of the next call. */
export type PaceState = ReadonlyMap<string, number>

const LISTINGS: readonly Endpoint[] = ['file/ls', 'folder/ls']

/** The conservative profile: below every figure of wire.md §3 under each reading of it. */
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
    const earliestMs = (state.get(key) ?? 0) - (candidate.burst - 1) * candidate.gapMs
    // A clock set back must not freeze the account: no rule asks for more than its own full window.
    const ruleWaitMs = Math.min(earliestMs - nowMs, candidate.burst * candidate.gapMs)
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
  const changed = new Map<string, number>()
  for (const rule of rules) {
    const key = counterOf(rule, call)
    if (key === undefined) continue
    const arrivalMs = Math.min(state.get(key) ?? 0, nowMs + rule.burst * rule.gapMs)
    changed.set(key, Math.max(arrivalMs, nowMs) + rule.gapMs)
  }
  return changed
}

/** The same rules with every window made shorter: for a stand-in whose time runs faster. */
export function scaleRules(rules: readonly PaceRule[], timeScale: number): readonly PaceRule[] {
  return rules.map((rule) => ({ ...rule, gapMs: rule.gapMs / timeScale }))
}

function counterOf(rule: PaceRule, call: PacedCall): string | undefined {
  if (!rule.endpoints.includes(call.endpoint)) return undefined
  if (rule.id === 'all-files') return call.folder === -1 ? rule.id : undefined
  if (rule.per === 'account') return rule.id
  return call.folder === undefined || call.folder === -1 ? undefined : `${rule.id}:${call.folder}`
}
