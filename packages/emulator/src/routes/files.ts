import { frenchTime, parseFrenchTime } from '../french-time.ts'
import { LISTING_RESULTS_MAX } from '../rules/rules.ts'
import type { Service } from '../service.ts'
import { ALL_FILES_ID, type FileRecord } from '../state/records.ts'
import type { ApiCall, JsonObject } from '../transport/call.ts'
import { json, Refusal, type Reply } from '../transport/reply.ts'
import { accessToFile } from './access.ts'
import { fileBehind, fileEntry, knownFolder, linkOf, listField, success, visibleChecksum } from './entries.ts'
import { filledField, neededText, numberField } from './fields.ts'

const SCAN_BYTES_MAX = 5e9
const EICAR = 'EICAR-STANDARD-ANTIVIRUS-TEST-FILE'

export async function listFiles(service: Service, { json: request }: ApiCall): Promise<Reply> {
  const folderId = numberField(request, 'folder_id') ?? 0
  const isWithin = dateFilter(request)
  const { account } = service
  const nowMs = service.timers.nowMs()
  const folder =
    folderId === ALL_FILES_ID
      ? undefined
      : knownFolder(service, folderId, filledField(request, 'sharing_user'))
  const files = folder ? account.tree.filesIn(folder.id) : account.tree.allFiles()
  const slice = cutListing(service, account.lag.seen(files, folder?.id, nowMs), isWithin, LISTING_RESULTS_MAX)
  const hidden = folder !== undefined && account.shareOver(folder.id)?.hideLinks === 1
  const items = await Promise.all(slice.files.map((file) => fileEntry(service, file, hidden)))
  return success(service, { count: slice.count, ...listField(service.readings(), 'items', items) })
}

/** At most so many files, and the count that the readings give with them. */
export function cutListing(
  service: Service,
  files: Iterable<FileRecord>,
  isWithin: (file: FileRecord) => boolean,
  resultsMax: number,
  reads: 'as far as needed' | 'to the end' = 'as far as needed',
): { readonly files: FileRecord[]; readonly count: number } {
  const { overLimit, truncatedCount } = service.readings()
  const kept: FileRecord[] = []
  let total = 0
  for (const file of files) {
    if (!isWithin(file)) continue
    total += 1
    if (kept.length < resultsMax) kept.push(file)
    else if (overLimit === 'error') throw new Refusal('Too many results #375', 403)
    else if (truncatedCount === 'returned' && reads === 'as far as needed') break
  }
  return { files: kept, count: truncatedCount === 'total' ? total : kept.length }
}

export async function fileInfo(service: Service, { json: request, ip }: ApiCall): Promise<Reply> {
  const file = accessToFile(service, addressedFile(service, request), filledField(request, 'pass'), ip)
  const { account } = service
  const readings = service.readings()
  const own = account.owns(file)
  const path = account.lineage(file.folderId).map(({ name }) => name)
  const place = {
    folder_id: readings.infoFolderId === 'string' ? String(file.folderId) : file.folderId,
    path: path.join('/'),
  }
  return json({
    ...(readings.infoStatus === 'present' ? { status: 'OK' } : {}),
    url: linkOf(file),
    filename: file.name,
    size: file.sizeBytes,
    date: frenchTime(file.storedMs),
    ...(own ? place : {}),
    checksum: await visibleChecksum(service, file),
    [readings.mimeKey]: file.mimeType,
    description: file.description === '' ? null : file.description,
    pass: file.pass === '' ? 0 : 1,
    no_ssl: file.noSsl,
    inline: file.inline,
    cdn: file.cdn,
    ...(file.acl === null && readings.infoAcl === 'absent' ? {} : { acl: file.acl }),
  })
}

/** The file a request means, by `url` or by folder and exact name (wire.md §4.2). */
export function addressedFile(service: Service, request: JsonObject): FileRecord | undefined {
  const filename = filledField(request, 'filename')
  const folderId = numberField(request, 'folder_id')
  if (filename === undefined || folderId === undefined) {
    return fileBehind(service, neededText(request, 'url').replace(/&inline=1$/, ''))
  }
  const folder = service.account.folderOf(folderId, filledField(request, 'sharing_user'))
  if (!folder) return undefined
  for (const file of service.account.tree.filesIn(folder.id)) if (file.name === filename) return file
  return undefined
}

export async function scanFile(service: Service, { json: request, ip }: ApiCall): Promise<Reply> {
  const file = accessToFile(service, fileBehind(service, neededText(request, 'url')), undefined, ip)
  if (file.sizeBytes >= SCAN_BYTES_MAX) throw new Refusal('File too big to be scanned #471', 200)
  const nowMs = service.timers.nowMs()
  const cached = service.scans.get(file.id)
  if (cached !== undefined && nowMs - cached < service.police.scaled(6 * 3_600_000)) {
    return success(service, { date: frenchTime(cached) })
  }
  for await (const chunk of service.account.contents.read(file.content, 0, Math.min(file.sizeBytes, 4096))) {
    if (!chunk.includes(EICAR)) continue
    service.account.remove(file, nowMs, service.police.scaled(service.readings().listingLagMs))
    throw new Refusal('Virus found: Eicar-Test-Signature', 200)
  }
  service.scans.set(file.id, nowMs)
  return success(service, {})
}

function dateFilter(request: JsonObject): (file: FileRecord) => boolean {
  const afterMs = moment(request, 'sent_after') ?? Number.NEGATIVE_INFINITY
  const beforeMs = moment(request, 'sent_before') ?? Number.POSITIVE_INFINITY
  // Answers give whole seconds, so that a limit takes in the whole second it names.
  return ({ storedMs }) => storedMs >= afterMs && Math.floor(storedMs / 1000) * 1000 <= beforeMs
}

function moment(request: JsonObject, name: string): number | undefined {
  const text = filledField(request, name)
  if (text === undefined) return undefined
  const momentMs = parseFrenchTime(text)
  if (momentMs === undefined) throw new Refusal(`Bad parameter ${name}: YYYY-MM-DD HH:MM:SS is needed`, 400)
  return momentMs
}
