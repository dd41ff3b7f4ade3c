import { frenchTime } from '../french-time.ts'
import { fileLink, type ParsedLink, parseFileLink } from '../hosts.ts'
import type { Readings } from '../readings.ts'
import type { Service } from '../service.ts'
import type { FileRecord, FolderRecord } from '../state/records.ts'
import type { JsonObject } from '../transport/call.ts'
import { json, Refusal, type Reply } from '../transport/reply.ts'

/** `{"status":"OK", …}`, with the status where the readings have it. */
export function success(service: Service, body: JsonObject): Reply {
  return json(service.readings().listStatus === 'present' ? { status: 'OK', ...body } : body)
}

/** A file as lists show it (wire.md §4). */
export async function fileEntry(
  service: Service,
  file: FileRecord,
  linkHidden: boolean,
): Promise<JsonObject> {
  return {
    url: linkHidden ? '' : linkOf(file),
    filename: file.name,
    size: file.sizeBytes,
    date: frenchTime(file.storedMs),
    checksum: await visibleChecksum(service, file),
    [service.readings().mimeKey]: file.mimeType,
    pass: file.pass === '' ? 0 : 1,
    acl: file.acl === null ? 0 : 1,
    cdn: file.cdn,
  }
}

export async function visibleChecksum(service: Service, file: FileRecord): Promise<string> {
  const ageMs = service.timers.nowMs() - file.storedMs
  if (ageMs < service.police.scaled(service.readings().checksumLagMs)) return ''
  return await service.account.checksum(file)
}

export function linkOf(file: FileRecord): string {
  return fileLink(file.domain, file.id)
}

/** An empty list in the form the readings give it: nothing, `null` or `[]` under the name. */
export function listField(readings: Readings, name: string, entries: readonly unknown[]): JsonObject {
  if (entries.length > 0 || readings.emptyList === 'array') return { [name]: entries }
  return readings.emptyList === 'null' ? { [name]: null } : {}
}

/** The file behind a link; the domain is part of its identity (wire.md §7.1). */
export function fileBehind(service: Service, link: string | ParsedLink): FileRecord | undefined {
  const parsed = typeof link === 'string' ? parseFileLink(link) : link
  const file = parsed && service.account.tree.file(parsed.fileId)
  return file?.domain === parsed?.domain ? file : undefined
}

export function knownFolder(service: Service, folderId: number, sharingUser?: string): FolderRecord {
  const folder = service.account.folderOf(folderId, sharingUser)
  if (folder) return folder
  throw new Refusal('Resource not found #469', service.readings().unknownFolder === 'ko-200' ? 200 : 404)
}

/** A folder that something may be put into: not one of somebody's read-only share. */
export function writableFolder(service: Service, folderId: number, sharingUser?: string): FolderRecord {
  const folder = knownFolder(service, folderId, sharingUser)
  if (service.account.mayWrite(folder.id)) return folder
  throw new Refusal('Resource not allowed #631', 403)
}
