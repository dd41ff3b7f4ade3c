import { randomFileId } from '../random.ts'
import type { Service } from '../service.ts'
import type { FileRecord } from '../state/records.ts'
import type { ApiCall } from '../transport/call.ts'
import { Refusal, type Reply } from '../transport/reply.ts'
import { accessToFile } from './access.ts'
import { fileBehind, linkOf, success, writableFolder } from './entries.ts'
import {
  filledField,
  neededLinks,
  neededNumber,
  neededObjects,
  neededText,
  numberField,
  textField,
} from './fields.ts'
import { BAD_FILENAME, isGoodFileName } from './names.ts'

export function removeFiles(service: Service, { json: request }: ApiCall): Reply {
  const removed = neededObjects(request, 'files').flatMap((entry) => {
    const url = neededText(entry, 'url')
    const file = fileBehind(service, url)
    if (!file || !mayRemove(service, file, textField(entry, 'code'))) return []
    service.account.remove(file, service.timers.nowMs(), lagOf(service))
    return [url]
  })
  // No source shows the answer when nothing was removed; rename.cgi gives the pattern.
  if (removed.length === 0) throw new Refusal('No file has been removed #314', 200)
  return success(service, { removed: removed.length, urls: removed })
}

function mayRemove({ account }: Service, file: FileRecord, code: string | undefined): boolean {
  if (account.owns(file)) return account.mayWrite(file.folderId)
  return file.removalCode !== '' && code === file.removalCode
}

export function moveFiles(service: Service, { json: request }: ApiCall): Reply {
  const links = neededLinks(request, 'urls')
  const folder = writableFolder(
    service,
    neededNumber(request, 'destination_folder_id'),
    filledField(request, 'destination_user'),
  )
  const rename = newName(service, request, links)
  const moved = links.flatMap((link) => {
    const file = writableFile(service, link)
    // A move inside one folder does nothing, and the same name is no new name (wire.md §4.6).
    if (!file || file.folderId === folder.id || file.name === rename) return []
    return [linkOf(relocate(service, file, { folderId: folder.id, name: rename ?? file.name }))]
  })
  if (moved.length === 0) throw new Refusal('No file has been moved #313', 200)
  return success(service, {
    moved: moved.length,
    urls: moved,
    ...(rename === undefined ? {} : { filename: rename }),
  })
}

export function renameFiles(service: Service, { json: request }: ApiCall): Reply {
  const wishes = neededObjects(request, 'urls').map((entry) => ({
    url: neededText(entry, 'url'),
    filename: neededText(entry, 'filename'),
  }))
  if (wishes.some(({ filename }) => !isGoodFileName(filename, service.readings()))) {
    throw new Refusal(BAD_FILENAME, 200)
  }
  const renamed = wishes.flatMap(({ url, filename }) => {
    const file = writableFile(service, url)
    if (!file || file.name === filename) return []
    const after = relocate(service, file, { name: filename })
    return [{ url: linkOf(after), old_filename: file.name, new_filename: filename }]
  })
  if (renamed.length === 0) throw new Refusal('No file has been renamed #312', 200)
  return success(service, { renamed: renamed.length, urls: renamed })
}

function relocate(service: Service, file: FileRecord, changes: Partial<FileRecord>): FileRecord {
  const id = service.readings().linkAfterMove === 'new' ? freshFileId(service) : file.id
  const after = { ...file, ...changes, id }
  service.account.place(after, file, service.timers.nowMs(), lagOf(service))
  return after
}

export function copyFiles(service: Service, { json: request, ip }: ApiCall): Reply {
  const links = neededLinks(request, 'urls')
  const folder = writableFolder(
    service,
    numberField(request, 'folder_id') ?? 0,
    filledField(request, 'sharing_user'),
  )
  const rename = newName(service, request, links)
  const pass = filledField(request, 'pass')
  const sources = links.map((link) => accessToFile(service, fileBehind(service, link), pass, ip))
  const nowMs = service.timers.nowMs()
  const copies = sources.map((source) => {
    const copy = {
      ...source,
      id: freshFileId(service),
      folderId: folder.id,
      name: rename ?? source.name,
      storedMs: nowMs,
      pass: '',
      acl: null,
      removalCode: '',
      description: '',
    }
    service.account.place(copy, undefined, nowMs, lagOf(service))
    return { from_url: linkOf(source), to_url: linkOf(copy) }
  })
  return success(service, {
    copied: copies.length,
    urls: copies,
    ...(rename === undefined ? {} : { filename: rename }),
  })
}

/** `rename` of a request for one file; refused as file/cp refuses it (wire.md §4.8). */
function newName(service: Service, request: ApiCall['json'], links: readonly string[]): string | undefined {
  const rename = filledField(request, 'rename')
  if (rename === undefined) return undefined
  if (links.length > 1) throw new Refusal('Only one file can be renamed #315', 200)
  if (!isGoodFileName(rename, service.readings())) throw new Refusal(BAD_FILENAME, 200)
  return rename
}

export function writableFile(service: Service, link: string): FileRecord | undefined {
  const file = fileBehind(service, link)
  return file && service.account.mayWrite(file.folderId) ? file : undefined
}

export function freshFileId(service: Pick<Service, 'random' | 'account'>): string {
  const id = randomFileId(service.random)
  return service.account.tree.file(id) ? freshFileId(service) : id
}

export function lagOf(service: Service): number {
  return service.police.scaled(service.readings().listingLagMs)
}

/** Puts a file that has just come into its folder, where listings notice it after their lag. */
export function storeFile(service: Service, file: FileRecord): void {
  service.account.place(file, undefined, service.timers.nowMs(), lagOf(service))
}
