import { GatewayError, TRAITS } from '@guichet/core'
import { API_PREFIX, type ApiFailure } from '@guichet/sdk'
import type { Caller } from '../../services/gate.ts'
import { OWNER, type Principal, parseCredentials } from '../../services/principals.ts'
import { fromFields } from '../bad-fields.ts'
import { readJson, sendJson, type Visit } from '../visit.ts'
import { getContent, putContent } from './content.ts'
import { fileRoutes } from './files.ts'
import { ownerRoutes } from './owner.ts'
import type { ApiRoute, ApiServices } from './routes.ts'

const BODY_MAX_BYTES = 8 * 1024 * 1024
/** A person waits, but not for ever; the CLI tells them how long it would take. */
const PATIENCE_MS = 10 * 60_000

/** Guichet's own API, for its CLI, SDK and dashboard. */
export interface ApiDoor {
  takes(path: string): boolean
  answer(visit: Visit): Promise<void>
}

export function createApiDoor(services: ApiServices): ApiDoor {
  const routes = [...fileRoutes(services), ...ownerRoutes(services)].map(compile)

  async function answer(visit: Visit): Promise<void> {
    const { request, response, url } = visit
    const caller = await identify(services, visit)
    const path = url.pathname.slice(API_PREFIX.length)
    const at = url.searchParams.get('at') ?? ''
    if (path === '/content') {
      if (request.method === 'PUT') return putContent(services, visit, caller, at)
      if (request.method === 'GET' || request.method === 'HEAD')
        return getContent(services, visit, caller, at)
    }
    for (const { method, pattern, route } of routes) {
      const match = method === request.method ? pattern.exec(path) : null
      if (match === null) continue
      const body = method === 'POST' ? await readJson(request, BODY_MAX_BYTES) : {}
      const query = { at, refresh: url.searchParams.get('refresh') === '1' }
      const id = decodeURIComponent(match[1] ?? '')
      return sendJson(response, 200, await route.run({ caller, query, body, id, visit }))
    }
    throw new GatewayError('not-found', `there is no ${request.method} ${url.pathname}`, {
      hint: `routes: ${routes.map(({ route }) => route.route).join(', ')}, GET|PUT /content`,
    })
  }

  return {
    takes: (path) => path.startsWith(`${API_PREFIX}/`),

    async answer(visit) {
      try {
        await answer(visit)
      } catch (failure) {
        visit.request.resume()
        sendFailure(visit, GatewayError.from(fromFields(failure)))
      }
    },
  }
}

async function identify(services: ApiServices, visit: Visit): Promise<Caller> {
  const principal = visit.isLocal ? OWNER : await authenticate(services, visit)
  visit.identify(principal)
  return {
    principal,
    door: visit.isLocal ? 'admin' : 'api',
    requestId: visit.requestId,
    signal: visit.signal,
    patienceMs: PATIENCE_MS,
  }
}

async function authenticate(services: ApiServices, visit: Visit): Promise<Principal> {
  try {
    return await services.principals.authenticate(parseCredentials(visit.request.headers.authorization))
  } catch (failure) {
    const denial = {
      caller: { door: 'api', requestId: visit.requestId },
      verb: 'authenticate',
      target: visit.url.pathname,
    } as const
    throw await services.gate.deny(denial, GatewayError.from(failure))
  }
}

function sendFailure(visit: Visit, error: GatewayError): void {
  const failure: ApiFailure = {
    code: error.code,
    message: error.message,
    requestId: visit.requestId,
    ...(error.hint !== undefined && { hint: error.hint }),
    ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }),
  }
  const retry: Record<string, string> =
    error.retryAfterMs === undefined
      ? {}
      : { 'retry-after': String(Math.max(1, Math.ceil(error.retryAfterMs / 1000))) }
  sendJson(visit.response, TRAITS[error.code].http, failure, retry)
}

function compile(route: ApiRoute): { method: string; pattern: RegExp; route: ApiRoute } {
  const [method = '', path = ''] = route.route.split(' ')
  return { method, pattern: new RegExp(`^${path.replace(':id', '([^/]+)')}$`), route }
}
