import {
  GatewayError,
  parseKeyId,
  parseTransferId,
  parseVerbs,
  type RemoteUpload,
  type RemoteUploadDetails,
  ROOT,
} from '@guichet/core'
import type { ApiAccount, ApiIssuedKey, ApiKey, ApiRemote, ApiTransfer } from '@guichet/sdk'
import { z } from 'zod'
import { findFolder } from '../../services/places.ts'
import { toUrl } from '../../services/remote-url.ts'
import type { ApiRoute, ApiServices } from './routes.ts'
import { apiKey, apiTransfer } from './shapes.ts'

/** Keys, the account, remote uploads, transfers and the gateway itself. */
export function ownerRoutes(services: ApiServices): readonly ApiRoute[] {
  return [...keyRoutes(services), ...accountRoutes(services), ...gatewayRoutes(services)]
}

function keyRoutes({ catalogue, keys }: ApiServices): readonly ApiRoute[] {
  return [
    {
      route: 'GET /keys',
      run: async ({ caller }): Promise<{ keys: readonly ApiKey[] }> => ({
        keys: (await keys.list(caller)).map(apiKey),
      }),
    },
    { route: 'GET /keys/:id', run: async ({ caller, id }) => apiKey(await keys.get(caller, parseKeyId(id))) },
    {
      route: 'DELETE /keys/:id',
      run: async ({ caller, id }) => apiKey(await keys.revoke(caller, parseKeyId(id))),
    },
    {
      route: 'POST /keys',
      async run({ caller, body }): Promise<ApiIssuedKey> {
        const wish = z
          .object({
            name: z.string(),
            verbs: z.array(z.string()).min(1),
            root: z.string().optional(),
            lifetimeMs: z.number().int().nonnegative().optional(),
            mayTunnel: z.boolean().optional(),
          })
          .parse(body)
        const verbs = parseVerbs(wish.verbs.join(','))
        const folder = await findFolder(catalogue, caller, wish.root ?? '/')
        const issued = await keys.issue(caller, {
          name: wish.name,
          verbs,
          root: folder.id,
          rootPath: await catalogue.pathOf(folder.id),
          lifetimeMs: wish.lifetimeMs,
          mayTunnel: wish.mayTunnel ?? false,
        })
        return { ...apiKey(issued.key), key: issued.text }
      },
    },
  ]
}

function accountRoutes({ accounts, catalogue, gate, host }: ApiServices): readonly ApiRoute[] {
  return [
    {
      route: 'GET /account',
      async run({ caller }): Promise<ApiAccount> {
        const { account, ageMs } = await accounts.get(caller)
        const { raw: _raw, ...figures } = account
        return {
          ...stripUndefined(figures),
          offer: account.offer,
          isOverQuota: account.isOverQuota,
          isUploadForbidden: account.isUploadForbidden,
          ageMs,
        }
      },
    },
    {
      route: 'POST /remote',
      async run({ caller, body }): Promise<ApiRemote> {
        const wish = z
          .object({
            urls: z.array(z.string()).min(1).max(100),
            at: z.string().optional(),
            headers: z.record(z.string(), z.string()).optional(),
          })
          .parse(body)
        const folder = await findFolder(catalogue, caller, wish.at ?? '/')
        await gate.permit(caller, 'remote-upload', await catalogue.pathOf(folder.id))
        await catalogue.requireInside(caller, folder.id)
        const id = await host(caller, 'write').remote.start(
          wish.urls.map(toUrl),
          folder.id,
          wish.headers ?? {},
          caller,
        )
        return { id, urls: wish.urls }
      },
    },
    {
      route: 'GET /remote',
      async run({ caller }) {
        await gate.permit(caller, 'remote-upload', 'list')
        requireWhole(caller.principal.root === ROOT)
        return { remotes: (await host(caller, 'interactive').remote.list(caller)).map(apiRemote) }
      },
    },
    {
      route: 'GET /remote/:id',
      async run({ caller, id }) {
        await gate.permit(caller, 'remote-upload', id)
        requireWhole(caller.principal.root === ROOT)
        if (!/^\d{1,15}$/.test(id))
          throw new GatewayError('invalid', `${JSON.stringify(id)} is not the id of a remote upload`)
        return apiRemote(await host(caller, 'interactive').remote.info(Number(id), caller))
      },
    },
  ]
}

function gatewayRoutes(services: ApiServices): readonly ApiRoute[] {
  const { gate, uploads } = services
  return [
    {
      route: 'GET /status',
      async run({ caller }) {
        // The address is all that a virtual key needs, and the rest is about everybody's traffic.
        if (caller.principal.key !== 'owner') await gate.permit(caller, 'account', 'status')
        return services.status()
      },
    },
    {
      route: 'GET /transfers',
      async run({ caller }): Promise<{ transfers: readonly ApiTransfer[] }> {
        await gate.permitOwner(caller, 'list the transfers')
        return { transfers: (await uploads.unfinished()).map(apiTransfer) }
      },
    },
    {
      route: 'GET /transfers/:id',
      async run({ caller, id }): Promise<ApiTransfer> {
        const transfer = await uploads.find(parseTransferId(id))
        if (transfer !== undefined && transfer.key === caller.principal.key) return apiTransfer(transfer)
        throw new GatewayError('not-found', `there is no transfer ${id}`, {
          hint: 'transfers are forgotten some days after they ended',
        })
      },
    },
    {
      route: 'POST /resume',
      run: ({ caller }) => owned(services, caller, 'resume', () => services.resume()),
    },
    {
      route: 'POST /seal',
      run: ({ caller }) => owned(services, caller, 'seal the keyholder', () => services.seal()),
    },
  ]
}

async function owned(
  services: ApiServices,
  caller: Parameters<ApiRoute['run']>[0]['caller'],
  what: string,
  act: () => Promise<void>,
): Promise<object> {
  await services.gate.permitOwner(caller, what)
  await act()
  return {}
}

function apiRemote(remote: RemoteUpload | RemoteUploadDetails): ApiRemote {
  const { id, requestedMs, executedMs } = remote
  const times = stripUndefined({ requestedMs, executedMs })
  if (!('results' in remote)) return { id, ...times }
  return {
    id,
    ...times,
    urls: remote.urls,
    results: remote.results.map(({ url, link, problem }) => ({ url, ...stripUndefined({ link, problem }) })),
  }
}

function requireWhole(isWhole: boolean): void {
  if (isWhole) return
  throw new GatewayError(
    'forbidden',
    'remote uploads of the account are shown only to keys that are not confined',
    {
      hint: 'use a key made without --root',
    },
  )
}

function stripUndefined<T extends object>(value: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as never
}
