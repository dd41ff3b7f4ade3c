import { base64, GatewayError, type LedgerFilter } from '@guichet/core'
import type { ApiLedger, ApiLedgerEntry } from '@guichet/sdk'
import { z } from 'zod'
import type { ApiRoute, ApiServices } from './routes.ts'

const LIMIT_MAX = 1_000

/** The ledger, for its owner. */
export function ledgerRoutes({ ledgers }: ApiServices): readonly ApiRoute[] {
  return [
    {
      route: 'GET /ledger',
      needs: 'owner',
      async run({ caller, visit }): Promise<{ entries: readonly ApiLedgerEntry[] }> {
        const { limit, ...filter } = parseQuery(visit.url.searchParams)
        return { entries: await ledgers.find(caller, filter, limit) }
      },
    },
    {
      route: 'GET /ledger/checkpoint',
      needs: 'owner',
      async run({ caller }): Promise<ApiLedger> {
        const { head, signed, distrust } = await ledgers.state(caller)
        return {
          entries: head.size,
          root: base64(head.root),
          ...(signed !== undefined && { signed }),
          ...(distrust !== undefined && { distrust }),
        }
      },
    },
  ]
}

const whole = z.coerce.number().int().nonnegative()
const QUERY = z.strictObject({
  key: z.string().optional(),
  verb: z.string().optional(),
  door: z.string().optional(),
  decision: z.enum(['allow', 'deny']).optional(),
  sinceMs: whole.optional(),
  untilMs: whole.optional(),
  target: z.string().optional(),
  before: whole.optional(),
  after: whole.optional(),
  limit: whole.max(LIMIT_MAX).default(100),
})

function parseQuery(query: URLSearchParams): LedgerFilter & { readonly limit: number } {
  const { success, data } = QUERY.safeParse(Object.fromEntries(query))
  if (success) return data
  throw new GatewayError('invalid', 'this is not a question to the ledger', {
    hint: `it takes ${Object.keys(QUERY.shape).join(', ')}; times in ms, decision allow or deny, limit up to ${LIMIT_MAX}`,
  })
}
