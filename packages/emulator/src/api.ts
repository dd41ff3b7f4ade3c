import { explainUnknown } from './explain.ts'
import { REFUSALS } from './faults/faults.ts'
import { isObject } from './routes/fields.ts'
import { API_ROUTES } from './routes/table.ts'
import { floodReply } from './rules/flood-reply.ts'
import type { JudgedCall } from './rules/rules.ts'
import type { Service } from './service.ts'
import { type ApiCall, type Call, type JsonObject, readBody } from './transport/call.ts'
import { json, plain, Refusal, type Reply, refusal } from './transport/reply.ts'

const BODY_BYTES_MAX = 4 * 1024 * 1024
const REFUSED_STATUSES: readonly number[] = [401, 403, 404, 410]

export interface AdmittedCall {
  /** The JSON object that was sent; undefined when it was none. */
  readonly request: JsonObject | undefined
  readonly judged: JudgedCall
  /** The answer when a lock or a broken rule is in the way. */
  readonly flood: Reply | undefined
}

/** Reads a call to /v1 and judges it by locks and rules (wire.md §3). */
export async function admitApi(service: Service, call: Call): Promise<AdmittedCall> {
  const body = await readBody(call, BODY_BYTES_MAX)
  noteKeyInBody(service, call, body)
  const request = parseObject(body)
  const judged = judgedCall(service, call, request)
  const verdict = service.police.judge(judged, call.arrivedMs)
  if (verdict.kind === 'go') return { request, judged, flood: undefined }
  if (verdict.broken) service.counters.breach(verdict.broken)
  service.counters.add(verdict.broken ? 'locks' : 'callsInLock')
  return { request, judged, flood: floodReply(service, verdict.lock) }
}

/** Content type, key, then the route (wire.md §1, §2). */
export async function answerApi(
  service: Service,
  call: Call,
  request: JsonObject | undefined,
  judged: JudgedCall,
): Promise<Reply> {
  const reply = await answerByRoute(service, call, request)
  if (reply.kind !== 'json') return reply
  if (REFUSED_STATUSES.includes(reply.status)) noteRefusal(service, judged)
  const body = service.readings().numbers === 'numbers' ? reply.body : withTexts(reply.body)
  return { ...reply, body, pretty: request?.['pretty'] === 1 }
}

/** The same value with every number as a string (wire.md §15.4). */
function withTexts(value: unknown): unknown {
  if (typeof value === 'number') return String(value)
  if (Array.isArray(value)) return value.map(withTexts)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, withTexts(entry)]))
}

async function answerByRoute(service: Service, call: Call, request: JsonObject | undefined): Promise<Reply> {
  if (!/^application\/json\b/i.test(call.request.headers['content-type'] ?? '')) {
    return json({ message: 'Content-Type not JSON #24' }, service.readings().notJsonStatus)
  }
  const route = API_ROUTES.get(call.endpoint)
  if (!route?.methods.includes(call.method)) {
    return plain(explainUnknown(call.method, call.hostName, call.path), route ? 405 : 404)
  }
  if (route.needsKey && !service.account.takesKey(call.key)) return keyRefusal(service, call)
  if (!request) return refusal('Bad JSON #25', 400)
  const isBarred = service.account.identity.offer === 0 && service.readings().freeAccounts === 'upload-only'
  if (route.needsKey && isBarred) {
    return refusal('Must be a customer (Premium, Access) #236', service.readings().customerStatus)
  }
  const apiCall: ApiCall = { ...call, json: request }
  try {
    return await route.answer(service, apiCall)
  } catch (failure) {
    if (failure instanceof Refusal) return refusal(failure.message, failure.status)
    throw failure
  }
}

function keyRefusal(service: Service, call: Call): Reply {
  const { status, message } =
    REFUSALS[call.key === undefined ? 'not-authenticated' : service.readings().wrongKey]
  return refusal(message, status)
}

function noteRefusal(service: Service, judged: JudgedCall): void {
  const lock = service.police.noteRefusal(judged, service.timers.nowMs())
  if (!lock) return
  service.counters.breach('refusals')
  service.counters.add('locks')
}

export function judgedCall(service: Service, call: Call, request: JsonObject | undefined): JudgedCall {
  const { email } = service.account.identity
  const folderId = Number(request?.['folder_id'] ?? 0)
  return {
    endpoint: call.endpoint,
    ip: call.ip,
    key: call.key,
    user: service.account.takesKey(call.key) ? email : undefined,
    folderId: Number.isInteger(folderId) ? folderId : undefined,
  }
}

/** An empty body is an empty object (wire.md §1); undefined stands for what is no JSON object. */
function parseObject(body: Buffer): JsonObject | undefined {
  const text = body.toString('utf8').trim()
  if (text === '' || text === '""') return {}
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    // Text that is no JSON is an ordinary answer of clients, not a failure of the emulator.
    return undefined
  }
}

function noteKeyInBody(service: Service, call: Call, body: Buffer): void {
  const { apiKey } = service.account.identity
  if (body.includes(apiKey)) service.counters.sighting(call.hostName, call.path, 'body', apiKey)
}
