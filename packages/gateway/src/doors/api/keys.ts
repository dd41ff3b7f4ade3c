import { DAY_MS, GatewayError, parseVerbs, VERBS, type VirtualKey } from '@guichet/core'
import type { ApiExplanation, ApiIssuedKey, ApiKey, ApiWrappedKey } from '@guichet/sdk'
import { z } from 'zod'
import { apiSpend } from '../../services/budgets/budgets.ts'
import { findFolder } from '../../services/places.ts'
import { findTrash } from '../../services/trash/rule.ts'
import type { ApiRoute, ApiServices } from './routes.ts'
import { apiKey, keyLimits, limitsChange } from './shapes.ts'

const wishedKey = z.object({
  name: z.string(),
  verbs: z.array(z.string()).min(1),
  root: z.string().optional(),
  lifetimeMs: z.number().int().nonnegative().optional(),
  mayTunnel: z.boolean().optional(),
  limits: keyLimits.optional(),
  wrapMs: z.number().int().positive().optional(),
  trash: z
    .object({
      at: z.string(),
      keepMs: z
        .int()
        .positive()
        .max(3_650 * DAY_MS),
    })
    .optional(),
})

const wishedRotation = z.object({
  overlapMs: z
    .number()
    .int()
    .nonnegative()
    .max(30 * DAY_MS)
    .optional(),
})

const questionAbout = z.object({
  key: z.string(),
  verb: z.string(),
  at: z.string(),
  from: z.string().max(100).optional(),
  atMs: z.number().int().optional(),
})

/** Virtual keys: for the owner, and for holders of keys that may issue others. `:id` may be a name, too. */
export function keyRoutes(services: ApiServices): readonly ApiRoute[] {
  const { budgets, catalogue, explain, keys, wraps } = services
  const withSpends = (key: VirtualKey): ApiKey => {
    const spends = budgets.spendsOf(key.id, key.limits.budgets ?? []).map(apiSpend)
    return { ...apiKey(key), ...(spends.length > 0 && { spends }) }
  }
  return [
    {
      route: 'GET /keys',
      needs: 'issuer',
      run: async ({ caller }): Promise<{ keys: readonly ApiKey[] }> => ({
        keys: (await keys.list(caller)).map(apiKey),
      }),
    },
    {
      route: 'GET /keys/:id',
      needs: 'issuer',
      run: async ({ caller, id }): Promise<ApiKey> => withSpends(await keys.get(caller, nameIn(id))),
    },
    {
      route: 'DELETE /keys/:id',
      needs: 'issuer',
      run: async ({ caller, id }) => apiKey(await keys.revoke(caller, nameIn(id))),
    },
    {
      route: 'POST /keys',
      needs: 'issuer',
      async run({ caller, body }): Promise<ApiIssuedKey | ApiWrappedKey> {
        const { trash, ...wish } = wishedKey.parse(body)
        const issued = await keys.issue(caller, {
          name: wish.name,
          verbs: parseVerbs(wish.verbs.join(',')),
          async findRoot() {
            const { root, rootPath } = caller.principal
            if (wish.root === undefined) return { id: root, path: rootPath }
            const { id } = await findFolder(services, caller, wish.root)
            await catalogue.requireInside(caller, id)
            return { id, path: await catalogue.pathOf(id) }
          },
          lifetimeMs: wish.lifetimeMs,
          mayTunnel: wish.mayTunnel ?? false,
          limits: wish.limits ?? {},
          findTrash: trash && ((root) => findTrash(services, caller, trash, root)),
        })
        if (wish.wrapMs === undefined) return { ...apiKey(issued.key), key: issued.text }
        return { ...apiKey(issued.key), wrap: await wraps.wrap(issued, wish.wrapMs) }
      },
    },
    {
      route: 'POST /keys/:id/rotate',
      needs: 'issuer',
      async run({ caller, body, id }): Promise<ApiIssuedKey> {
        const { overlapMs = 0 } = wishedRotation.parse(body)
        const { key, text } = await keys.rotate(caller, nameIn(id), overlapMs)
        return { ...apiKey(key), key: text }
      },
    },
    {
      route: 'POST /keys/:id/limits',
      needs: 'owner',
      run: async ({ caller, body, id }): Promise<ApiKey> =>
        withSpends(await keys.limit(caller, nameIn(id), limitsChange.parse(body))),
    },
    {
      route: 'POST /explain',
      needs: 'owner',
      async run({ caller, body }): Promise<ApiExplanation> {
        const { verb, ...question } = questionAbout.parse(body)
        const [wanted, ...more] = parseVerbs(verb)
        if (wanted === undefined || more.length > 0 || wanted !== verb)
          throw new GatewayError('invalid', `${JSON.stringify(verb)} is not one verb`, {
            hint: `choose from ${VERBS.join(' ')}`,
          })
        const { remedy, ...told } = await explain.explain(caller, { ...question, verb: wanted })
        return { ...told, ...(remedy !== undefined && { remedy }) }
      },
    },
  ]
}

function nameIn(encoded: string): string {
  try {
    return decodeURIComponent(encoded)
  } catch {
    throw new GatewayError('invalid', 'the name in the path is not encoded as URLs are', {
      hint: 'write it as encodeURIComponent does, or use the id',
    })
  }
}
