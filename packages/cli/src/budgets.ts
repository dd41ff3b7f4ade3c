import { budgetText, isBytes } from '@guichet/core'
import type { ApiKeyLimits, ApiSpend } from '@guichet/sdk'
import { countText, printable } from './print.ts'
import { sizeText } from './sizes.ts'
import { durationText, timeText } from './times.ts'

/** One row for each budget: `deletes=100/day`, `12 used, 88 left until 2026-11-20 01:00`. */
export function budgetRows(spends: readonly ApiSpend[]): readonly (readonly string[])[] {
  return spends.map(({ budget, used, opensMs }) => {
    const amount = (value: number): string => (isBytes(budget.measure) ? sizeText(value) : String(value))
    const until = opensMs === undefined ? '' : ` until ${timeText(opensMs)}`
    const left = Math.max(0, budget.max - used)
    return [budgetText(budget), `${amount(used)} used, ${amount(left)} left${until}`]
  })
}

/** What a key may delete in a day before a person is asked. */
export function approvalRows({ approval }: ApiKeyLimits): readonly (readonly string[])[] {
  if (approval === undefined) return []
  const { overFiles, overBytes } = approval
  const parts = [
    ...(overFiles === undefined ? [] : [`more than ${countText(overFiles, 'file')}`]),
    ...(overBytes === undefined ? [] : [`more than ${sizeText(overBytes)}`]),
  ]
  return [['asks a person', `to delete ${parts.join(', or ')} a day`]]
}

/** What becomes of the deletions of a key that has a trash. */
export function trashRows({ trash }: ApiKeyLimits): readonly (readonly string[])[] {
  if (trash === undefined) return []
  return [['deletes into', `${printable(trash.path)}, kept for ${durationText(trash.keepMs)}`]]
}
