import { frenchTime } from '../french-time.ts'
import { randomShareId } from '../random.ts'
import { LISTING_RESULTS_MAX } from '../rules/rules.ts'
import type { Service } from '../service.ts'
import { type FileRecord, type FolderRecord, type GroupShare, newFolder, ROOT_ID } from '../state/records.ts'
import type { ApiCall, JsonObject } from '../transport/call.ts'
import { json, Refusal, type Reply } from '../transport/reply.ts'
import { passField } from './chattr.ts'
import { fileEntry, knownFolder, listField, success, writableFolder } from './entries.ts'
import {
  filledField,
  flagField,
  isObject,
  neededNumber,
  neededText,
  numberField,
  textField,
} from './fields.ts'
import { cutListing } from './files.ts'
import { BAD_FILENAME, isGoodFolderName } from './names.ts'

export async function listFolder(service: Service, { json: request }: ApiCall): Promise<Reply> {
  const folder = folderIn(service, request)
  const { account } = service
  const readings = service.readings()
  const folders = [...account.tree.foldersIn(folder.id)]
  if (folders.length > LISTING_RESULTS_MAX && readings.overLimit === 'error') {
    throw new Refusal('Too many results #375', 403)
  }
  const shown = folders.slice(0, LISTING_RESULTS_MAX)
  const share = account.shareOver(folder.id)
  const wantsFiles = flagField(request, 'files') === 1
  const room = LISTING_RESULTS_MAX - shown.length
  const whole = { files: 0, sizeBytes: 0 }
  // Counted as they pass: a folder may have a million.
  const isCounted = ({ sizeBytes }: FileRecord): boolean => {
    whole.files += 1
    whole.sizeBytes += sizeBytes
    return wantsFiles
  }
  const seen = account.lag.seen(account.tree.filesIn(folder.id), folder.id, service.timers.nowMs())
  const slice = cutListing(service, seen, isCounted, room, 'to the end').files
  const items = await Promise.all(slice.map((file) => fileEntry(service, file, share?.hideLinks === 1)))
  return success(service, {
    folder_id: folder.id,
    name: folder.name,
    size: whole.files === 0 ? null : whole.sizeBytes,
    files: wantsFiles && readings.truncatedFiles === 'returned' ? slice.length : whole.files,
    ...(folder.id === ROOT_ID ? {} : { create_date: frenchTime(folder.createdMs) }),
    ...sharing(folder),
    ...(share === null ? {} : { user: share.email, rw: share.rw, hide_links: share.hideLinks }),
    ...listField(readings, 'sub_folders', shown.map(subFolder)),
    ...(wantsFiles ? listField(readings, 'items', items) : {}),
  })
}

function subFolder(folder: FolderRecord): JsonObject {
  return {
    id: folder.id,
    name: folder.name,
    create_date: frenchTime(folder.createdMs),
    pass: folder.sharePass === '' ? 0 : 1,
    ...(folder.shareId === '' ? {} : { shared: shareLink(folder) }),
  }
}

function sharing(folder: FolderRecord): JsonObject {
  return {
    ...(folder.shareId === '' ? {} : { shared: shareLink(folder), pass: folder.sharePass === '' ? 0 : 1 }),
    ...(folder.shares.length === 0 ? {} : { shares: folder.shares }),
  }
}

function shareLink(folder: FolderRecord): string {
  return `https://1fichier.com/dir/${folder.shareId}`
}

export function makeFolder(service: Service, { json: request }: ApiCall): Reply {
  const parent = writableFolder(
    service,
    numberField(request, 'folder_id') ?? ROOT_ID,
    textField(request, 'sharing_user'),
  )
  const name = neededText(request, 'name')
  const readings = service.readings()
  if (!isGoodFolderName(name, readings)) throw new Refusal(BAD_FILENAME, readings.folderRefusalStatus)
  const twin = service.account.tree.foldersIn(parent.id).find((folder) => folder.name === name)
  // What the service says to an existing name is in no source (wire.md §15, unknown 2).
  if (twin && readings.mkdirExisting === 'error') {
    throw new Refusal('Folder already exists #330', readings.folderRefusalStatus)
  }
  if (twin && readings.mkdirExisting === 'error-with-id') {
    const refused = { status: 'KO', message: 'Folder already exists #330', folder_id: twin.id, name }
    return json(refused, readings.folderRefusalStatus)
  }
  if (twin && readings.mkdirExisting === 'same-id') {
    return success(service, { folder_id: twin.id, name, message: 'Folder already exists' })
  }
  const { tree } = service.account
  const folder = newFolder(tree.newFolderId(), parent.id, name, service.timers.nowMs())
  tree.saveFolder(folder)
  return success(service, { folder_id: folder.id, name, message: 'Folder created' })
}

export function moveFolder(service: Service, { json: request }: ApiCall): Reply {
  const folder = ownFolder(service, neededNumber(request, 'folder_id'))
  const rename = filledField(request, 'rename')
  const readings = service.readings()
  if (rename !== undefined && !isGoodFolderName(rename, readings)) {
    throw new Refusal(BAD_FILENAME, readings.folderRefusalStatus)
  }
  const parentId = destination(service, request, folder, rename !== undefined)
  if (service.account.lineage(parentId).some(({ id }) => id === folder.id)) {
    throw new Refusal('A folder cannot be moved into itself #331', readings.folderRefusalStatus)
  }
  const name = rename ?? folder.name
  if (parentId === folder.parentId && name === folder.name) {
    throw new Refusal('No changes requested #332', readings.folderRefusalStatus)
  }
  service.account.tree.saveFolder({ ...folder, parentId, name })
  return success(service, { message: 'Folder moved', old_name: folder.name, new_name: name })
}

function destination(service: Service, request: JsonObject, folder: FolderRecord, renames: boolean): number {
  const readings = service.readings()
  if (renames && readings.folderMoveRename === 'rename-only') return folder.parentId
  const wanted = numberField(request, 'destination_folder_id')
  if (wanted !== undefined)
    return writableFolder(service, wanted, filledField(request, 'destination_user')).id
  if (!renames || readings.absentDestination === 'root') return ROOT_ID
  return folder.parentId
}

export function removeFolder(service: Service, { json: request }: ApiCall): Reply {
  const folder = ownFolder(service, neededNumber(request, 'folder_id'))
  const { tree } = service.account
  const holdsFolder = tree.foldersIn(folder.id).next().done === false
  const holdsFile = tree.filesIn(folder.id).next().done === false
  // The words of this refusal are in no source (wire.md §5.4).
  if (holdsFolder || holdsFile)
    throw new Refusal('Folder not empty #333', service.readings().folderRefusalStatus)
  tree.dropFolder(folder.id)
  return success(service, { message: 'Folder removed' })
}

export function shareFolder(service: Service, { json: request }: ApiCall): Reply {
  const folder = ownFolder(service, neededNumber(request, 'folder_id'))
  const share = flagField(request, 'share')
  const pass = passField(request)
  const shares = groupShares(request)
  const shareId = share === 0 ? '' : folder.shareId
  const after: FolderRecord = {
    ...folder,
    shareId: share === 1 && shareId === '' ? randomShareId(service.random) : shareId,
    sharePass: share === 0 ? '' : (pass ?? folder.sharePass),
    shares: shares ?? folder.shares,
  }
  service.account.tree.saveFolder(after)
  return success(service, {
    message: 'Folder updated',
    ...(after.shareId === '' ? {} : { url: shareLink(after) }),
  })
}

/** `[]` or 0 removes all; absent leaves them. */
function groupShares(request: JsonObject): GroupShare[] | undefined {
  const value = request['shares']
  if (value === undefined || value === null) return undefined
  if (!Array.isArray(value)) return []
  return value.filter(isObject).map((entry) => {
    const hideLinks = flagField(entry, 'hide_links') ?? 0
    const rw = hideLinks === 1 ? 0 : (flagField(entry, 'rw') ?? 0)
    return { email: neededText(entry, 'email'), rw, hide_links: hideLinks }
  })
}

function folderIn(service: Service, request: JsonObject): FolderRecord {
  const folderId = numberField(request, 'folder_id') ?? ROOT_ID
  return knownFolder(service, folderId, textField(request, 'sharing_user'))
}

/** A folder that may be changed: not the root, and not in somebody's read-only share. */
function ownFolder(service: Service, folderId: number): FolderRecord {
  const folder = knownFolder(service, folderId)
  const isRoot = folder.id === ROOT_ID || folder.sharedBy !== null
  if (isRoot || !service.account.mayWrite(folder.id)) throw new Refusal('Resource not allowed #631', 403)
  return folder
}
