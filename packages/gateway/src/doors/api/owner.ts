import {
  GatewayError,
  parseTransferId,
  type RemoteUpload,
  type RemoteUploadDetails,
  ROOT,
} from '@guichet/core'
import type { ApiAccount, ApiRemote, ApiTransfer } from '@guichet/sdk'
import { z } from 'zod'
import { findFolder } from '../../services/places.ts'
import { texts } from '../bounded.ts'
import { approvalRoutes } from './approvals.ts'
import { keyRoutes } from './keys.ts'
import { leakedKeyRoutes } from './leaked-keys.ts'
import type { ApiRoute, ApiServices } from './routes.ts'
import { apiTransfer } from './shapes.ts'
import { trashRoutes } from './trash.ts'

/** Keys, the account, remote uploads, transfers and the gateway itself. */
export function ownerRoutes(services: ApiServices): readonly ApiRoute[] {
  return [
    ...keyRoutes(services),
    ...leakedKeyRoutes(services),
    ...approvalRoutes(services),
    ...trashRoutes(services),
    ...accountRoutes(services),
    ...gatewayRoutes(services),
  ]
}

function accountRoutes(services: ApiServices): readonly ApiRoute[] {
  const { accounts, remotes } = services
  return [
    {
      route: 'GET /account',
      needs: ['account'],
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
      needs: ['remote-upload'],
      async run({ caller, body }): Promise<ApiRemote> {
        const wish = z
          .object({
            urls: z.array(z.string()).min(1).max(100),
            at: z.string().optional(),
            headers: texts.optional(),
          })
          .parse(body)
        const { id: to } = await findFolder(services, caller, wish.at ?? '/')
        const id = await remotes.start(caller, { urls: wish.urls, to, headers: wish.headers ?? {} })
        return { id, urls: wish.urls }
      },
    },
    {
      route: 'GET /remote',
      needs: ['remote-upload'],
      run: async ({ caller }) => ({ remotes: (await remotes.list(caller)).map(apiRemote) }),
    },
    {
      route: 'GET /remote/:id',
      needs: ['remote-upload'],
      async run({ caller, id }) {
        if (!/^\d{1,15}$/.test(id))
          throw new GatewayError('invalid', `${JSON.stringify(id)} is not the id of a remote upload`)
        return apiRemote(await remotes.info(caller, Number(id)))
      },
    },
  ]
}

function gatewayRoutes(services: ApiServices): readonly ApiRoute[] {
  const { catalogue, gate, uploads } = services
  return [
    {
      route: 'GET /status',
      needs: ['account'],
      async run({ caller }) {
        await requireWhole(gate, caller)
        return services.status()
      },
    },
    {
      route: 'GET /transfers',
      needs: 'owner',
      async run({ caller }): Promise<{ transfers: readonly ApiTransfer[] }> {
        await gate.permitOwner(caller, 'list the transfers')
        return {
          transfers: (await uploads.unfinished()).map((one) => apiTransfer(one, uploads)),
        }
      },
    },
    {
      route: 'GET /transfers/:id',
      needs: ['upload'],
      async run({ caller, id }): Promise<ApiTransfer> {
        const transfer = await uploads.find(parseTransferId(id))
        const { key } = caller.principal
        if (transfer !== undefined && (key === 'owner' || transfer.key === key)) {
          await gate.permit(caller, 'upload', `transfer ${id}`)
          if (transfer.key === key) await uploads.told(transfer)
          const told = apiTransfer(transfer, uploads)
          const { state } = transfer
          if (state.kind !== 'stored' || (await catalogue.sees(caller.principal, state.link.id))) return told
          const { link: _hidden, ...rest } = told
          return rest
        }
        throw new GatewayError('not-found', `there is no transfer ${id}`, {
          hint: 'transfers are forgotten some days after they ended',
        })
      },
    },
    {
      route: 'POST /resume',
      needs: 'owner',
      run: ({ caller }) => owned(services, caller, 'resume', () => services.resume()),
    },
  ]
}

/** It is about everybody's traffic: keys, counts and waiting calls. */
async function requireWhole(gate: ApiServices['gate'], caller: Parameters<ApiRoute['run']>[0]['caller']) {
  // The owner sees it also while nothing else is permitted, because it says why.
  if (caller.principal.key === 'owner') return gate.permitOwner(caller, 'status')
  if (caller.principal.root === ROOT) return gate.permit(caller, 'account', 'status')
  const error = new GatewayError(
    'forbidden',
    'the status of the gateway is only for keys that are not confined',
    {
      hint: 'use a key made without --root',
    },
  )
  throw await gate.deny({ caller, verb: 'account', target: 'status' }, error)
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

function stripUndefined<T extends object>(value: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as never
}
