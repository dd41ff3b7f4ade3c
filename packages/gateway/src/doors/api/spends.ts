import { type Budget, budgetText, MEASURES, parseBudgets, WINDOWS } from '@guichet/core'
import { z } from 'zod'

const budgets = z
  .array(
    z.strictObject({
      measure: z.enum(MEASURES),
      max: z.int().nonnegative(),
      per: z.enum(WINDOWS).optional(),
    }),
  )
  .max(50)

/** Budgets of a request, with every problem that `parseBudgets` knows. */
export const budgetsField: z.ZodType<readonly Budget[]> = budgets.transform((wish): readonly Budget[] =>
  parseBudgets(wish.map(budgetText)),
)
