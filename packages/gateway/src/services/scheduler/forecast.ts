import { countersOf, type PacedCall, type PaceRule } from '@guichet/core'
import type { Limits } from './limits.ts'
import type { Standing } from './standing.ts'

export interface Forecast {
  readonly waitMs: number
  readonly reason: string
  readonly for: 'rule' | 'lock'
}

/**
 * When each call of a line would go, if nobody else came: what holds it back by itself, and a gap of each of its rules
 * for each call before it that counts there too.
 *
 * - `line`: in the order of service.
 * - `callMs`: how long a call takes, since one-at-a-time rules count from the answer.
 * - `isFull`: as many calls are under way as may be.
 */
export function forecast<Entry extends { readonly call: PacedCall }>(
  line: Iterable<Entry>,
  limits: Limits,
  nowMs: number,
  callMs: number,
  isFull: boolean,
): ReadonlyMap<Entry, Forecast> {
  const before = new Map<string, number>()
  const forecasts = new Map<Entry, Forecast>()
  for (const entry of line) {
    const standing = limits.standing(entry.call, nowMs)
    const isLocked = standing.kind === 'wait' && standing.for === 'lock'
    const rules = isLocked ? limits.rulesAfterLock() : limits.rulesAt(nowMs)
    let waitMs = ownWaitMs(standing, callMs, isFull)
    const lockMs = isLocked ? waitMs : 0
    let reason = reasonOf(standing, isFull)
    for (const { rule, counter } of countersOf(rules, entry.call)) {
      const ahead = before.get(counter) ?? 0
      before.set(counter, ahead + 1)
      const startMs = Math.max(lockMs, limits.ruleWaitMs(rule, entry.call, nowMs))
      const ruleMs = startMs + ahead * gapOf(rule, callMs)
      if (ruleMs <= waitMs) continue
      waitMs = ruleMs
      if (!isLocked) reason = `rule ${rule.id}`
    }
    forecasts.set(entry, { waitMs: Math.ceil(waitMs), reason, for: isLocked ? 'lock' : 'rule' })
  }
  return forecasts
}

function ownWaitMs(standing: Standing, callMs: number, isFull: boolean): number {
  if (standing.kind === 'wait') return standing.waitMs + (standing.isBehind ? callMs : 0)
  return standing.kind === 'behind' || isFull ? callMs : 0
}

function reasonOf(standing: Standing, isFull: boolean): string {
  if (standing.kind !== 'go') return standing.reason
  return isFull ? 'calls under way' : 'its turn'
}

function gapOf(rule: PaceRule, callMs: number): number {
  return rule.burst === 1 ? rule.gapMs + callMs : rule.gapMs
}
