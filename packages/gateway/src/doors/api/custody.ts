import type { ApiPanic } from '@guichet/sdk'
import type { ApiRoute, ApiServices } from './routes.ts'

/** What the owner does when something is wrong. */
export function custodyRoutes({ custody }: ApiServices): readonly ApiRoute[] {
  return [
    {
      route: 'POST /seal',
      needs: 'owner',
      async run({ caller }) {
        await custody.seal(caller)
        return {}
      },
    },
    {
      route: 'POST /panic',
      needs: 'owner',
      run: ({ caller }): Promise<ApiPanic> => custody.panic(caller),
    },
  ]
}
