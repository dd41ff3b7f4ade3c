import type { ApprovalRule } from './approvals.ts'
import { type Budget, budgetText } from './budgets.ts'
import type { KeyLimits, VirtualKey } from './keys.ts'

/**
 * What is changed of a living key. What is absent stays; `null` takes a limit away. Its verbs, its root and what it has
 * used up are no part of it: those stay what they are for as long as the key lives.
 */
export interface LimitsChange {
  /** It ends so long from now; 0 is never. */
  readonly lifetimeMs?: number | undefined
  readonly idleMs?: number | null | undefined
  /** So many requests from now on. */
  readonly uses?: number | null | undefined
  readonly from?: readonly string[] | null | undefined
  readonly notFrom?: readonly string[] | null | undefined
  /** All budgets that it has from now on. */
  readonly budgets?: readonly Budget[] | null | undefined
  readonly approval?: ApprovalRule | null | undefined
}

export type Relimited = Pick<VirtualKey, 'limits' | 'expiresMs'>

/** A key's limits and end after a change. */
export function relimit(
  key: Pick<VirtualKey, 'limits' | 'expiresMs' | 'use'>,
  change: LimitsChange,
  nowMs: number,
): Relimited {
  const { lifetimeMs, uses, ...rest } = change
  const { limits } = key
  const changed = Object.entries({
    ...rest,
    ...(uses !== undefined && { uses: uses === null ? null : key.use.count + uses }),
    // Nobody has noted when it was used before that mattered.
    ...(rest.idleMs === null && { idleFromMs: null }),
    ...(typeof rest.idleMs === 'number' && limits.idleMs === undefined && { idleFromMs: nowMs }),
  }).filter(([, value]) => value !== undefined)
  const names = new Set(changed.map(([name]) => name))
  const kept = Object.entries(limits).filter(([name]) => !names.has(name))
  const given = changed.filter(([, value]) => value !== null)
  return {
    limits: Object.fromEntries([...kept, ...given]) as KeyLimits,
    expiresMs: lifetimeMs === undefined ? key.expiresMs : lifetimeMs === 0 ? undefined : nowMs + lifetimeMs,
  }
}

/** Does a change take something away from what is under way? Other addresses may, and it is not asked which. */
export function takesAway(before: Relimited, after: Relimited): boolean {
  if (endOf(after) < endOf(before)) return true
  for (const name of ['from', 'notFrom'] as const) {
    const [old, wanted] = [before.limits[name], after.limits[name]]
    if (wanted !== undefined && old?.join() !== wanted.join()) return true
  }
  const old = new Map((before.limits.budgets ?? []).map((budget) => [kindOf(budget), budget.max]))
  return (after.limits.budgets ?? []).some(
    (budget) => budget.max < (old.get(kindOf(budget)) ?? Number.POSITIVE_INFINITY),
  )
}

/** For the ledger: `uses: 20 more; no idle end`. */
export function changeText(change: LimitsChange): string {
  const { lifetimeMs, idleMs, uses, from, notFrom, budgets, approval } = change
  const words = [
    lifetimeMs !== undefined && (lifetimeMs === 0 ? 'no end' : `ends in ${seconds(lifetimeMs)}`),
    idleMs !== undefined && (idleMs === null ? 'no idle end' : `idle end: ${seconds(idleMs)}`),
    uses !== undefined && (uses === null ? 'any number of uses' : `uses: ${uses} more`),
    from !== undefined && (from === null ? 'from everywhere' : `from: ${from.join(',')}`),
    notFrom !== undefined && (notFrom === null ? 'no addresses left out' : `not from: ${notFrom.join(',')}`),
    budgets !== undefined &&
      (budgets?.length ? `budgets: ${budgets.map(budgetText).join(' ')}` : 'no budgets'),
    approval !== undefined && (approval === null ? 'no approval' : `approval over ${thresholds(approval)}`),
  ]
  return words.filter((word) => word !== false).join('; ')
}

function endOf({ expiresMs }: Relimited): number {
  return expiresMs ?? Number.POSITIVE_INFINITY
}

function kindOf({ measure, per }: Budget): string {
  return `${measure}/${per ?? ''}`
}

function thresholds({ overFiles, overBytes }: ApprovalRule): string {
  const files = overFiles === undefined ? [] : [`${overFiles} files`]
  return [...files, ...(overBytes === undefined ? [] : [`${overBytes} bytes`])].join(' or ')
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`
}
