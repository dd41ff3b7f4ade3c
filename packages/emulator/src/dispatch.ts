import type { IncomingMessage, ServerResponse } from 'node:http'
import { answerApi } from './api.ts'
import { explainUnknown } from './explain.ts'
import { applyFault } from './faults/apply.ts'
import { classifyHost, type Host } from './hosts.ts'
import { HOST_ROUTES } from './routes/table.ts'
import type { Service } from './service.ts'
import { noteSightings } from './sightings.ts'
import type { Call } from './transport/call.ts'
import { Hangup } from './transport/hangup.ts'
import { unexpectedPage } from './transport/pages.ts'
import { html, plain, type Reply } from './transport/reply.ts'
import { send } from './transport/send.ts'

/** Handles one request from its head to the last byte of its answer. Never rejects. */
export async function dispatch(
  service: Service,
  request: IncomingMessage,
  response: ServerResponse,
  stopping: AbortSignal,
): Promise<void> {
  const gone = new AbortController()
  response.on('close', () => gone.abort(new Hangup()))
  const call = openCall(service, request, AbortSignal.any([gone.signal, stopping]))
  using _underWay = underWay(service, call)
  try {
    await settle(service)
    const reply = await answer(service, call)
    if (call.fault?.kind === 'reset-after') throw new Hangup()
    await drained(request, reply)
    if (reply.kind !== 'silence') service.counters.answer(reply.status)
    await send(call, reply, response, service.random)
  } catch (failure) {
    // A hang-up is on demand or the client's own; anything else is shown to whoever runs the emulator.
    if (response.headersSent || failure instanceof Hangup || call.signal.aborted) request.socket.destroy()
    else response.writeHead(500).end(`the emulator failed: ${String(failure)}\n`)
  }
}

async function answer(service: Service, call: Call): Promise<Reply> {
  const early = await applyFault(service, call)
  if (early) return early
  const reply = await answerByRoute(service, call)
  return call.fault?.kind === 'html' ? html(unexpectedPage()) : reply
}

async function answerByRoute(service: Service, call: Call): Promise<Reply> {
  if (call.host.kind === 'api' && call.path.startsWith('/v1/')) return await answerApi(service, call)
  const route = HOST_ROUTES.find(({ endpoint }) => endpoint === call.endpoint)
  if (!route?.methods.includes(call.method)) {
    return plain(explainUnknown(call.method, call.hostName, call.path), route ? 405 : 404)
  }
  return await route.answer(service, call)
}

function openCall(service: Service, request: IncomingMessage, signal: AbortSignal): Call {
  const hostName = (request.headers.host ?? '').toLowerCase().replace(/:\d+$/, '')
  const host = classifyHost(hostName)
  const url = new URL(request.url ?? '/', 'https://unknown')
  const endpoint = endpointOf(host, url.pathname)
  service.counters.call(endpoint)
  noteSightings(service, request, endpoint, hostName, url)
  const fault = service.faults.take(endpoint)
  if (fault) service.counters.fault(fault.kind)
  return {
    endpoint,
    host,
    hostName,
    method: request.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    ip: (request.socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
    key: bearerOf(request.headers.authorization),
    arrivedMs: service.timers.nowMs(),
    request,
    fault,
    signal,
  }
}

function endpointOf(host: Host, path: string): string {
  if (host.kind === 'api') return /^\/v1\/(.+)\.cgi$/.exec(path)?.[1] ?? 'unknown'
  const route = HOST_ROUTES.find(({ kind, path: pattern }) => kind === host.kind && pattern.test(path))
  return route?.endpoint ?? 'unknown'
}

function bearerOf(authorization: string | undefined): string | undefined {
  return /^Bearer\s+(.+)$/i.exec(authorization ?? '')?.[1]
}

function underWay(service: Service, call: Call): Disposable | undefined {
  if (call.host.kind === 'api') return service.counters.begin('api')
  return call.endpoint === 'direct' && call.method === 'GET' ? service.counters.begin('downloads') : undefined
}

/** Does what time has made due. */
async function settle(service: Service): Promise<void> {
  const { account, police, remote, random } = service
  const nowMs = service.timers.nowMs()
  const readings = service.readings()
  account.desk.settle(police.scaled(readings.storeDelayMs), nowMs)
  await remote.settle(police.scaled(readings.remoteDelayMs), nowMs, readings, random)
}

/** Reads what is left of a request, so that the answer does not cross a body under way. */
async function drained(request: IncomingMessage, reply: Reply): Promise<void> {
  if (reply.kind === 'silence' || request.readableEnded || request.readableDidRead) return
  for await (const _ of request);
}
