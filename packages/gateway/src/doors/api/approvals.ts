import type { ApprovalRule } from '@guichet/core'
import type { ApiApproval } from '@guichet/sdk'
import { z } from 'zod'
import type { ApiRoute, ApiServices } from './routes.ts'

const amount = z.int().nonnegative().optional()

/** The threshold of a key, in a request. */
export const approvalField: z.ZodType<ApprovalRule> = z.strictObject({ overFiles: amount, overBytes: amount })

/** Deletions that wait for a person. */
export function approvalRoutes({ approvals }: ApiServices): readonly ApiRoute[] {
  return [
    {
      route: 'GET /approvals',
      needs: 'owner',
      run: async ({ caller }) => ({ approvals: await approvals.list(caller) }),
    },
    {
      route: 'GET /approvals/:id',
      needs: 'owner',
      run: ({ caller, id }): Promise<ApiApproval> => approvals.get(caller, id),
    },
    {
      route: 'POST /approvals/:id',
      needs: 'owner',
      run({ caller, id, body }): Promise<ApiApproval> {
        const { decision } = z.object({ decision: z.enum(['yes', 'no']) }).parse(body)
        return approvals.decide(caller, id, decision)
      },
    },
  ]
}
