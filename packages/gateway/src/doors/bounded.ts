import { z } from 'zod'

/** An order above what anybody asks for in one request. */
const ENTRIES_MAX = 1_000

/**
 * A list in a request. Its length is looked at before its entries: each wrong one becomes a problem that takes memory,
 * and the millions that fit into one body would take all of it.
 */
export function list<Item>(item: z.ZodType<Item>): z.ZodType<Item[]> {
  return z.array(item).max(ENTRIES_MAX)
}

/** Names and their texts, with the same care. */
export const texts: z.ZodType<Record<string, string>> = z
  .unknown()
  .refine(isSmall, `more than ${ENTRIES_MAX} entries`)
  .pipe(z.record(z.string(), z.string()))

function isSmall(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  return Array.isArray(value) || Object.keys(value).length <= ENTRIES_MAX
}
