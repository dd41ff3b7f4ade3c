import type { TrashedFile } from '@guichet/core'
import type { ApiTrashed } from '@guichet/sdk'
import { z } from 'zod'
import type { ApiRoute, ApiServices } from './routes.ts'

/** What keys with a trash have deleted. */
export function trashRoutes({ trash }: ApiServices): readonly ApiRoute[] {
  return [
    {
      route: 'GET /trash',
      needs: 'owner',
      run: async ({ caller }) => ({ files: (await trash.list(caller)).map(apiTrashed) }),
    },
    {
      route: 'POST /trash/restore',
      needs: 'owner',
      async run({ caller, body }) {
        const { ids } = z.object({ ids: z.array(z.string()).min(1).max(5_000) }).parse(body)
        return { files: (await trash.restore(caller, ids)).map(apiTrashed) }
      },
    },
    {
      route: 'POST /trash/empty',
      needs: 'owner',
      async run({ caller, body }) {
        const { what } = z.object({ what: z.enum(['all', 'due']) }).parse(body)
        return { files: (await trash.empty(caller, what)).map(apiTrashed) }
      },
    },
  ]
}

function apiTrashed({ link, name, sizeBytes, key, fromPath, trashedMs, dueMs }: TrashedFile): ApiTrashed {
  return { id: link.id, name, sizeBytes, key, from: fromPath, trashedMs, dueMs }
}
