import type { IncomingMessage, ServerResponse } from 'node:http'
import { GatewayError, TRAITS } from '@guichet/core'
import { API_PREFIX, type ApiFailure } from '@guichet/sdk'
import { tellRoot } from '../../services/confined.ts'
import type { Caller } from '../../services/gate.ts'
import { hideKeys } from '../../services/hidden-keys.ts'
import { fromFields } from '../bad-fields.ts'
import { identify } from '../identify.ts'
import { dropBody, readJson, sendJson, type Visit } from '../visit.ts'
import { getContent, putContent } from './content.ts'
import { custodyRoutes } from './custody.ts'
import { fileRoutes } from './files.ts'
import { ledgerRoutes } from './ledger.ts'
import { ownerRoutes } from './owner.ts'
import type { ApiRoute, ApiServices } from './routes.ts'
import { isTicketPath, sendTicketContent, ticketRoutes } from './tickets.ts'
import { isUnwrap, UNWRAP_PAGE, unwrap, unwrapPage } from './unwrap.ts'

const BODY_MAX_BYTES = 8 * 1024 * 1024
/** A person waits, but not for ever; the CLI tells them how long it would take. */
const PATIENCE_MS = 10 * 60_000

/** Guichet's own API, for its CLI, SDK and dashboard. */
export interface ApiDoor {
  takes(path: string): boolean
  answer(visit: Visit): Promise<void>
}

export function isApiPath(path: string): boolean {
  return path.startsWith(`${API_PREFIX}/`)
}

export function createApiDoor(services: ApiServices): ApiDoor {
  const routes = [
    ...fileRoutes(services),
    ...ownerRoutes(services),
    ...custodyRoutes(services),
    ...ledgerRoutes(services),
    ...ticketRoutes(services),
  ].map(compile)

  async function answer(visit: Visit): Promise<void> {
    const caller = await callerOf(services, visit)
    try {
      await serve(visit, caller)
    } catch (failure) {
      throw tellRoot(caller.principal, failure)
    }
  }

  async function serve(visit: Visit, caller: Caller): Promise<void> {
    const { request, response, url } = visit
    const path = url.pathname.slice(API_PREFIX.length)
    const at = url.searchParams.get('at') ?? ''
    if (path === '/content') {
      if (request.method === 'PUT') return putContent(services, visit, caller, at)
      if (request.method === 'GET' || request.method === 'HEAD') {
        dropBody(request)
        return getContent(services, visit, caller, at)
      }
    }
    for (const { method, pattern, route } of routes) {
      const match = method === request.method ? pattern.exec(path) : null
      if (match === null) continue
      const { needs, route: what } = route
      if (needs === 'owner') await services.gate.demandOwner(caller, what)
      else if (needs === 'issuer') await services.gate.demandIssuer(caller, what)
      else await services.gate.demand(caller, needs, what)
      const body = method === 'POST' ? await readBody(request) : {}
      if (method !== 'POST') dropBody(request)
      const query = { at, refresh: url.searchParams.get('refresh') === '1' }
      return sendJson(response, 200, await route.run({ caller, query, body, id: match[1] ?? '', visit }))
    }
    throw new GatewayError('not-found', `there is no ${request.method} ${url.pathname.slice(0, 200)}`, {
      hint: `routes: ${routes.map(({ route }) => route.route).join(', ')}, GET|PUT /content`,
    })
  }

  return {
    takes: (path) => isApiPath(path) || path === UNWRAP_PAGE || isTicketPath(path),

    async answer(visit) {
      try {
        if (visit.url.pathname === UNWRAP_PAGE) await unwrapPage(services, visit)
        else if (isTicketPath(visit.url.pathname)) await sendTicketContent(services, visit)
        else if (isUnwrap(visit)) sendJson(visit.response, 200, await unwrap(services, visit))
        else await answer(visit)
      } catch (failure) {
        const error = GatewayError.from(fromFields(failure))
        visit.note(error)
        dropBody(visit.request)
        sendFailure(visit.response, visit.requestId, error)
      }
    },
  }
}

async function callerOf(services: ApiServices, visit: Visit): Promise<Caller> {
  const door = visit.isLocal ? 'admin' : 'api'
  const principal = await identify(services, visit, door, { isEmergency: endsThings(visit) })
  const { requestId, signal } = visit
  return { principal, door, requestId, signal, patienceMs: PATIENCE_MS }
}

/** Whatever ends keys or the way to 1fichier. */
function endsThings({ request, url }: Visit): boolean {
  const path = url.pathname.slice(API_PREFIX.length)
  if (request.method === 'DELETE') return path.startsWith('/keys/')
  return request.method === 'POST' && ['/seal', '/panic', '/leaked-keys'].includes(path)
}

/**
 * Only what is said to be JSON, so that no page of a browser can send a form here with credentials that the browser
 * has kept: a browser asks first before it sends that type for a page, and a page can also send no type at all.
 */
async function readBody(request: IncomingMessage): Promise<object> {
  const { 'content-type': type, 'content-length': length, 'transfer-encoding': encoding } = request.headers
  const isEmpty = encoding === undefined && Number(length ?? 0) === 0
  const isJson = type === undefined ? isEmpty : /^application\/json\b/i.test(type)
  if (!isJson) {
    throw new GatewayError('invalid', 'the body is not said to be JSON', {
      hint: 'send it with Content-Type: application/json',
    })
  }
  return readJson(request, BODY_MAX_BYTES)
}

export function sendFailure(response: ServerResponse, requestId: string, error: GatewayError): void {
  const failure: ApiFailure = {
    code: error.code,
    message: hideKeys(error.message),
    requestId,
    ...(error.hint !== undefined && { hint: hideKeys(error.hint) }),
    ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }),
    ...(typeof error.facts['rule'] === 'string' && { rule: error.facts['rule'] }),
    ...(typeof error.facts['key'] === 'string' && { key: error.facts['key'] }),
  }
  const retry: Record<string, string> =
    error.retryAfterMs === undefined
      ? {}
      : { 'retry-after': String(Math.max(1, Math.ceil(error.retryAfterMs / 1000))) }
  sendJson(response, TRAITS[error.code].http, failure, retry)
}

function compile(route: ApiRoute): { method: string; pattern: RegExp; route: ApiRoute } {
  const [method = '', path = ''] = route.route.split(' ')
  return { method, pattern: new RegExp(`^${path.replace(':id', '([^/]+)')}$`), route }
}
