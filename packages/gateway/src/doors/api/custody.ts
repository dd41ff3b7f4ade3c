import type { ApiNote, ApiPanic } from '@guichet/sdk'
import { z } from 'zod'
import type { ApiRoute, ApiServices } from './routes.ts'

const note: z.ZodType<ApiNote> = z.strictObject({ what: z.string().min(1).max(200) })

/** What the owner does when something is wrong, and what he does past the gateway. */
export function custodyRoutes({ custody, gate }: ApiServices): readonly ApiRoute[] {
  return [
    {
      route: 'POST /notes',
      needs: 'owner',
      async run({ caller, body }) {
        await gate.permitOwner(caller, note.parse(body).what)
        return {}
      },
    },
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
