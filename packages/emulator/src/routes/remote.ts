import { frenchTime } from '../french-time.ts'
import type { Service } from '../service.ts'
import type { RemoteJob } from '../state/belongings.ts'
import type { ApiCall } from '../transport/call.ts'
import { Refusal, type Reply } from '../transport/reply.ts'
import { success, writableFolder } from './entries.ts'
import { isObject, neededLinks, neededNumber, numberField } from './fields.ts'

export function requestRemote(service: Service, { json: request }: ApiCall): Reply {
  const urls = neededLinks(request, 'urls')
  const folder = writableFolder(service, numberField(request, 'folder_id') ?? 0)
  const headers = headersOf(service, request['headers'])
  const requestedMs = service.timers.nowMs()
  const job = service.remote.request({ urls, headers, folderId: folder.id, requestedMs })
  return success(service, { id: job.id, date: frenchTime(requestedMs), urls, headers })
}

export function listRemote(service: Service): Reply {
  const jobs = service.account.belongings().remoteJobs
  return success(service, { data: jobs.map((job) => ({ id: job.id, ...datesOf(service, job) })) })
}

export function remoteInfo(service: Service, { json: request }: ApiCall): Reply {
  const id = neededNumber(request, 'id')
  const job = service.account.belongings().remoteJobs.find((known) => known.id === id)
  if (!job) throw new Refusal('Resource not found #469', 404)
  return success(service, { id: job.id, ...datesOf(service, job), links: job.urls, result: job.results })
}

function datesOf(service: Service, job: RemoteJob): Record<'request_date' | 'execution_date', string> {
  const pending = service.readings().pendingExecutionDate === 'empty' ? '' : '1970-01-01 01:00:00'
  return {
    request_date: frenchTime(job.requestedMs),
    execution_date: job.executedMs === null ? pending : frenchTime(job.executedMs),
  }
}

/** Names become `Xxx-Yyy`; names and values with other characters are refused (wire.md §10). */
function headersOf(service: Service, value: unknown): Record<string, string> {
  if (value === undefined || value === null) return {}
  const pairs = service.readings().remoteHeaders === 'object' ? pairsOfObject(value) : pairsOfList(value)
  return Object.fromEntries(pairs.map(([name, text]) => [normalised(name, text), text]))
}

function pairsOfObject(value: unknown): [string, string][] {
  if (!isObject(value)) throw new Refusal('Bad parameter headers: an object is needed', 400)
  return Object.entries(value).map(([name, text]) => [name, String(text)])
}

function pairsOfList(value: unknown): [string, string][] {
  if (!Array.isArray(value)) throw new Refusal('Bad parameter headers: an array of strings is needed', 400)
  return value.map((line: unknown) => {
    const [name = '', ...rest] = String(line).split(':')
    return [name.trim(), rest.join(':').trim()]
  })
}

function normalised(name: string, text: string): string {
  if (!/^[A-Za-z0-9-]+$/.test(name) || !/^[A-Za-z0-9 \t\-_+=%?,'"/]*$/.test(text)) {
    throw new Refusal(`Bad header ${name}`, 400)
  }
  return name.toLowerCase().replace(/(^|-)[a-z]/g, (start) => start.toUpperCase())
}
