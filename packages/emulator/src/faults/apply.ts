import { judgedCall } from '../api.ts'
import { floodReply } from '../rules/flood-reply.ts'
import { messageFor } from '../rules/police.ts'
import type { Service } from '../service.ts'
import type { Call } from '../transport/call.ts'
import { Hangup } from '../transport/hangup.ts'
import { lockedPage, maintenancePage, page, unexpectedPage } from '../transport/pages.ts'
import { html, plain, type Reply, refusal } from '../transport/reply.ts'
import { type FaultKind, REFUSALS, type RefusalName } from './faults.ts'

const JSON_TYPE = { 'Content-Type': 'application/json; charset=utf-8' }

type FloodFault = Extract<FaultKind, { kind: 'flood' }>

/** What a fault does before the call is looked at: an answer in its place, a wait, or nothing yet. */
export async function applyFault(service: Service, call: Call): Promise<Reply | undefined> {
  const { fault } = call
  switch (fault?.kind) {
    case 'reset':
      throw new Hangup('at once')
    case 'stall':
      await aborted(call.signal)
      throw new Hangup('at once')
    case 'slow':
      await service.timers.wait(fault.delayMs, call.signal)
      return undefined
    case 'too-many': {
      const { retryAfterSeconds } = fault
      const headers = retryAfterSeconds === undefined ? {} : { 'Retry-After': String(retryAfterSeconds) }
      return refusal('Too many requests', 429, headers)
    }
    case 'status':
      return html(unexpectedPage(), fault.status)
    case 'maintenance':
      return html(maintenancePage(), 503)
    case 'html':
      return fault.done ? undefined : html(unexpectedPage())
    case 'refusal':
      return refused(service, call, fault.refusal)
    case 'flood':
      return flood(service, call, fault)
    case 'redirect':
      return html('<html><body>Moved</body></html>', fault.status, { Location: fault.location })
    case 'forged':
      return plain(fault.body, 200, JSON_TYPE)
    case 'echo':
      return plain(JSON.stringify({ status: 'OK', headers: call.request.headers }), 200, JSON_TYPE)
    case 'halve-limits':
      service.police.change({ strictness: service.police.settings().strictness * 2 })
      return undefined
    default:
      return undefined
  }
}

/** JSON from the API, and where the fault says so the page that the other hosts have (wire.md §3). */
function flood(service: Service, call: Call, { scope, locks, page }: FloodFault): Reply {
  if (call.endpoint === 'check_links.pl') return plain('IP Locked')
  const nowMs = service.timers.nowMs()
  const message = messageFor(scope)
  let untilMs = nowMs
  if (locks) {
    service.counters.add('locks')
    const judged = judgedCall(service, call, undefined)
    untilMs = service.police.lockOnDemand(scope, message, judged, nowMs).untilMs
  }
  const isPage = page ?? call.host.kind !== 'api'
  return isPage
    ? html(lockedPage(message), service.readings().floodStatus)
    : floodReply(service, { message, untilMs })
}

/** In JSON from the API; the other hosts speak HTML (wire.md §7.3). */
function refused(service: Service, call: Call, name: RefusalName): Reply {
  const { message, page: words = message } = REFUSALS[name]
  const status = refusalStatus(service, name)
  return call.host.kind === 'api' ? refusal(message, status) : html(page('1fichier.com', words), status)
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

function refusalStatus(service: Service, name: RefusalName): number {
  const { customerStatus, locationStatus, ownerLockedStatus } = service.readings()
  if (name === 'must-be-customer') return customerStatus
  if (name === 'owner-locked') return ownerLockedStatus
  return name === 'one-location' ? locationStatus : REFUSALS[name].status
}
