import { type Door, GatewayError } from '@guichet/core'
import { unknownCaller } from '../services/admission.ts'
import type { Budgets } from '../services/budgets/budgets.ts'
import type { Gate } from '../services/gate.ts'
import {
  exposed,
  isApiKey,
  OWNER,
  type Principal,
  type Principals,
  parseCredentials,
} from '../services/principals.ts'
import { refuseOverheard } from '../services/transport.ts'
import type { Visit } from './visit.ts'

/** Headers in which tools send keys to other services. */
const KEY_HEADERS = ['x-api-key', 'api-key', 'apikey', 'x-auth-token', 'x-access-token']

/**
 * Who asks: the owner on the local socket, whoever opened the tunnel, or the holder of a virtual key.
 *
 * Each refusal is recorded. What looks like an API key of 1fichier is refused wherever it stands, on the local socket
 * too, and recorded as exposed without being repeated. In an emergency the owner's budgets do not count: it has to pass
 * when they are used up, or cannot be written.
 */
export async function identify(
  services: Identification,
  visit: Visit,
  door: Door,
  wish: { readonly isEmergency?: boolean } = {},
): Promise<Principal> {
  const { principals, gate } = services
  const target = visit.url.pathname
  try {
    if (exposes(visit)) throw exposed()
    const principal = await principalOf(principals, visit)
    visit.identify(principal)
    if (wish.isEmergency === true && principal.key === 'owner') return principal
    return await counted(services, visit, door, principal, target)
  } catch (failure) {
    throw await refused(gate, visit, door, target, failure)
  }
}

interface Identification {
  readonly principals: Principals
  readonly gate: Gate
  readonly budgets: Budgets
}

/**
 * The principal of a ticket, as it is now; that the ticket was handed out was the use of the key. The path of a ticket is
 * all that it takes to use it, and is in no line of the ledger.
 */
export async function recall(
  services: Identification,
  visit: Visit,
  door: Door,
  key: Principal['key'],
): Promise<Principal> {
  try {
    const principal = await services.principals.recall(key, { from: visit.from, isUse: false })
    visit.identify(principal)
    return await counted(services, visit, door, principal, LINK)
  } catch (failure) {
    throw await refused(services.gate, visit, door, LINK, failure)
  }
}

const LINK = 'a link to one file'

/** Nobody is served uncounted: each request is a call, and one of those under way until its answer has ended. */
async function counted(
  { budgets }: Identification,
  visit: Visit,
  door: Door,
  principal: Principal,
  target: string,
): Promise<Principal> {
  const { requestId, response } = visit
  const use = { caller: { principal, door, requestId }, verb: 'authenticate', target } as const
  const reservation = await budgets.reserve(use, { calls: 1, concurrent: 1 })
  const end = (): void => reservation.settle({ calls: 1 })
  if (response.closed) end()
  else response.once('close', end)
  return principal
}

async function principalOf(principals: Principals, visit: Visit): Promise<Principal> {
  if (visit.isLocal) return OWNER
  const header = visit.request.headers.authorization
  const credentials = parseCredentials(header)
  refuseOverheard(credentials, visit.transport)
  // The key may have ended since its tunnel was opened.
  if (header === undefined && visit.tunnel !== undefined)
    return principals.recall(visit.tunnel.principal.key, { from: visit.from, isUse: true })
  return principals.authenticate(credentials, visit.from)
}

async function refused(
  gate: Gate,
  visit: Visit,
  door: Door,
  target: string,
  failure: unknown,
): Promise<GatewayError> {
  // Whose budget is used up has been told from a stranger, and been recorded.
  if (failure instanceof GatewayError && failure.code === 'over-budget') return failure
  const { requestId, from } = visit
  return unknownCaller(gate, { door, requestId, from }, target, failure)
}

function exposes({ url, request }: Visit): boolean {
  const credentials = parseCredentials(request.headers.authorization)
  const headers = KEY_HEADERS.map((name) => String(request.headers[name] ?? ''))
  const words = [
    credentials?.secret ?? '',
    credentials?.user ?? '',
    ...headers,
    ...url.searchParams.values(),
    ...url.searchParams.keys(),
    ...url.pathname.split(/[/.]/),
  ]
  return words.some((word) => isApiKey(word.trim()))
}
