import type { ApiLeakedKeys } from '@guichet/sdk'
import { z } from 'zod'
import type { ApiRoute, ApiServices } from './routes.ts'
import { apiKey } from './shapes.ts'

const TEXTS_MAX = 1_000
const found = z.object({ keys: z.array(z.string().max(64)).min(1).max(TEXTS_MAX) })

/** Texts of keys that a scan has found. They are in the body, and in nothing that is logged or answered. */
export function leakedKeyRoutes({ leakedKeys }: ApiServices): readonly ApiRoute[] {
  return [
    {
      route: 'POST /leaked-keys',
      needs: 'owner',
      async run({ caller, body }): Promise<ApiLeakedKeys> {
        const revoked = await leakedKeys.revoke(caller, found.parse(body).keys)
        return {
          keys: revoked.map((one) =>
            one === undefined ? null : { ...apiKey(one.key), wasOver: one.wasOver },
          ),
        }
      },
    },
  ]
}
