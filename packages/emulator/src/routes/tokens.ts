import { parseFileLink, pickDownloadNode } from '../hosts.ts'
import type { Service } from '../service.ts'
import type { FileRecord } from '../state/records.ts'
import type { ApiCall, JsonObject } from '../transport/call.ts'
import { Refusal, type Reply } from '../transport/reply.ts'
import { accessToFile } from './access.ts'
import { fileBehind, success } from './entries.ts'
import { filledField, flagField, neededText, numberField } from './fields.ts'
import { addressedFile } from './files.ts'

/** download/get_token.cgi (wire.md §7.2). */
export function issueToken(service: Service, { json: request, ip }: ApiCall): Reply {
  const readings = service.readings()
  const nowMs = service.timers.nowMs()
  if (service.account.identity.offer === 0) {
    throw new Refusal('Must be a customer (Premium, Access) #236', readings.customerStatus)
  }
  const file = accessToFile(service, requestedFile(service, request), filledField(request, 'pass'), ip)
  const isPoliced = service.police.settings().level !== 'off'
  if (isPoliced && !service.tokens.mayDownloadFrom(ip, nowMs, (ms) => service.police.scaled(ms))) {
    throw new Refusal('Only 1 location(s) allowed at a time #887', readings.locationStatus)
  }
  const restriction = numberField(request, 'restrict_ip') ?? 0
  flagField(request, 'cdn')
  const inline = flagField(request, 'inline') === 1 || requestedInline(request) || file.inline === 1
  const token = service.tokens.issue(
    {
      host: pickDownloadNode(service.random),
      fileId: file.id,
      inline,
      single: flagField(request, 'single') === 1 || restriction === 2,
      issuedMs: nowMs,
    },
    service.random,
  )
  service.counters.add('tokens')
  const scheme = flagField(request, 'no_ssl') === 1 ? 'http' : 'https'
  return success(service, { url: `${scheme}://${token.host}/${token.id}${inline ? '?inline' : ''}` })
}

function requestedFile(service: Service, request: JsonObject): FileRecord | undefined {
  const url = filledField(request, 'url')
  if (url === undefined && filledField(request, 'filename') === undefined) neededText(request, 'url')
  return url === undefined ? addressedFile(service, request) : fileBehind(service, url)
}

function requestedInline(request: JsonObject): boolean {
  return parseFileLink(filledField(request, 'url') ?? '')?.inline === true
}
