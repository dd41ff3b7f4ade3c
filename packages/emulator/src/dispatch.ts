import type { IncomingMessage, ServerResponse } from 'node:http'
import { admitApi, answerApi } from './api.ts'
import { explainUnknown } from './explain.ts'
import { applyFault } from './faults/apply.ts'
import { classifyHost, type Host } from './hosts.ts'
import { storeFile } from './routes/file-edits.ts'
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
  const { socket } = request
  const gone = new AbortController()
  response.on('close', () => gone.abort(new Hangup('at once')))
  const signal = AbortSignal.any([gone.signal, stopping])
  try {
    const arrived = openCall(service, request, signal)
    using _underWay = underWay(service, arrived)
    await settle(service)
    const { call, reply } = await answer(service, arrived)
    if (call.fault?.kind === 'reset-after') throw new Hangup('at once')
    await drain(request)
    service.counters.answer(reply.status)
    await send(call, reply, response, service.random)
  } catch (failure) {
    if (failure instanceof Hangup && failure.moment === 'after what was written') socket.destroySoon()
    else if (failure instanceof Hangup || response.headersSent || signal.aborted) socket.destroy()
    else response.writeHead(500).end(`the emulator failed: ${String(failure)}\n`)
  }
}

interface Answered {
  /** The call with the fault that it met. */
  readonly call: Call
  readonly reply: Reply
}

/** Locks and rules come before faults, so that a fault is never spent on a call that a lock answers. */
async function answer(service: Service, arrived: Call): Promise<Answered> {
  if (!isApi(arrived)) {
    const call = meetFault(service, arrived)
    return await answerUnless(service, call, () => answerHost(service, call))
  }
  const { request, judged, flood } = await admitApi(service, arrived)
  if (flood) return { call: arrived, reply: flood }
  const call = meetFault(service, arrived)
  return await answerUnless(service, call, () => answerApi(service, call, request, judged))
}

async function answerUnless(
  service: Service,
  call: Call,
  answerFully: () => Promise<Reply>,
): Promise<Answered> {
  const early = await applyFault(service, call)
  if (early) return { call, reply: early }
  const reply = await answerFully()
  return { call, reply: call.fault?.kind === 'html' ? html(unexpectedPage()) : reply }
}

async function answerHost(service: Service, call: Call): Promise<Reply> {
  const route = HOST_ROUTES.find(({ endpoint }) => endpoint === call.endpoint)
  if (!route?.methods.includes(call.method)) {
    return plain(explainUnknown(call.method, call.hostName, call.path), route ? 405 : 404)
  }
  return await route.answer(service, call)
}

function meetFault(service: Service, call: Call): Call {
  const fault = service.faults.take(call.endpoint)
  if (fault) service.counters.fault(fault.kind)
  return { ...call, fault }
}

function openCall(service: Service, request: IncomingMessage, signal: AbortSignal): Call {
  const hostName = (request.headers.host ?? '').toLowerCase().replace(/:\d+$/, '')
  const host = classifyHost(hostName)
  const url = new URL(`https://unknown${request.url ?? '/'}`)
  const endpoint = endpointOf(host, url.pathname)
  service.counters.call(endpoint)
  noteSightings(service, request, endpoint, hostName, url)
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
    fault: undefined,
    signal,
  }
}

function isApi(call: Call): boolean {
  return call.host.kind === 'api' && call.path.startsWith('/v1/')
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
  const lifetimeMs = police.scaled(readings.endLifetimeMs)
  account.desk.settle(police.scaled(readings.storeDelayMs), lifetimeMs, nowMs, (file) =>
    storeFile(service, file),
  )
  await remote.settle(police.scaled(readings.remoteDelayMs), nowMs, readings, random)
}

/** Reads what nobody has read of a request, so that the answer does not cross a body under way. */
async function drain(request: IncomingMessage): Promise<void> {
  if (request.readableEnded || request.readableDidRead) return
  for await (const _ of request);
}
