import {
  type FileHost,
  type FolderEntry,
  type FolderId,
  type FolderListing,
  type FolderSharing,
  GatewayError,
  type HostCall,
  isUpstreamHost,
  parseName,
  ROOT,
} from '@guichet/core'
import { refusalOf } from './answers.ts'
import { callApi, type Wire } from './call.ts'
import { entryOf } from './entries.ts'
import type { Fields } from './fields.ts'
import { parsePass } from './passwords.ts'
import { findRefusal } from './refusals.ts'

type FolderCalls = Pick<
  FileHost,
  'listFolder' | 'makeFolder' | 'renameFolder' | 'moveFolder' | 'removeFolder' | 'shareFolder'
>

/** `/v1/folder/*.cgi` (wire.md §5). */
export function folderCalls(wire: Wire): FolderCalls {
  return {
    async listFolder(folder, call) {
      return listingOf(await callApi(wire, 'folder/ls', { folder_id: folder, files: 1 }, call), folder)
    },

    makeFolder: (name, parent, call) => makeFolder(wire, name, parent, call),

    // Renaming and moving are two calls. With `rename` the destination is ignored, or it is not and an absent one may
    // be the root (wire.md §15.3): the folder's own parent is right in every reading, and what rclone sends.
    async renameFolder(folder, name, parent, call) {
      refuseRoot(folder, 'renamed')
      const fields = { folder_id: folder, destination_folder_id: parent, rename: parseName(name) }
      await callApi(wire, 'folder/mv', fields, call)
    },

    async moveFolder(folder, to, call) {
      refuseRoot(folder, 'moved')
      await callApi(wire, 'folder/mv', { folder_id: folder, destination_folder_id: to }, call)
    },

    async removeFolder(folder, call) {
      refuseRoot(folder, 'removed')
      await callApi(wire, 'folder/rm', { folder_id: folder }, call)
    },

    async shareFolder(folder, sharing, call) {
      return publicUrlOf(await callApi(wire, 'folder/share', sharingFields(folder, sharing), call), 'url')
    },
  }
}

async function makeFolder(wire: Wire, name: string, parent: FolderId, call: HostCall): Promise<FolderId> {
  const reply = await callApi(wire, 'folder/mkdir', { name: parseName(name), folder_id: parent }, call)
  const message = reply.words('message')
  const id = reply.findFolder('folder_id')
  // An OK that says "already exists" hands out somebody else's folder, which is no new one (wire.md §5.2).
  if (findRefusal(message, 'message')?.id === 'exists') {
    throw refusalOf({ place: 'folder/mkdir', status: 200, headers: {} }, message, 'message', {
      ...(id === undefined || id === ROOT ? {} : { folderId: id }),
    })
  }
  // 0 would be the root: what a client reads out of a refusal that it does not look at (wire.md §5.2).
  return id === undefined || id === ROOT ? reply.refuse('"folder_id" is not the id of a new folder') : id
}

function listingOf(reply: Fields, asked: FolderId): FolderListing {
  const id = reply.findFolder('folder_id') ?? asked
  if (id !== asked) reply.refuse(`answers for folder ${id} where ${asked} was asked for`)
  return {
    id,
    name: reply.text('name'),
    folders: reply.objects('sub_folders').map(folderOf),
    files: reply.objects('items').map(entryOf),
    fileCount: reply.findCount('files'),
    publicUrl: publicUrlOf(reply, 'shared'),
  }
}

function folderOf(item: Fields): FolderEntry {
  const id = item.count('id') as FolderId
  if (id === ROOT) item.refuse('"id" is 0, the root, which is in no folder')
  return {
    id,
    name: item.text('name'),
    createdMs: item.findMoment('create_date'),
    hasPassword: item.flag('pass'),
  }
}

function sharingFields(folder: FolderId, sharing: FolderSharing): Readonly<Record<string, unknown>> {
  return {
    folder_id: folder,
    share: sharing.public === undefined ? undefined : sharing.public ? 1 : 0,
    pass: parsePass(sharing.pass),
    shares: sharing.users?.map(({ email, mayWrite, hideLinks }) => ({
      email,
      // Hidden links imply reading only (wire.md §5.5).
      rw: mayWrite && !hideLinks ? 1 : 0,
      hide_links: hideLinks ? 1 : 0,
    })),
  }
}

/** Only an address of 1fichier is one; 0, `""` and `null` say that there is none. */
function publicUrlOf(reply: Fields, name: string): string | undefined {
  const value = reply.find(name)
  if (typeof value !== 'string' || !URL.canParse(value)) return undefined
  return isUpstreamHost(new URL(value).hostname) ? value : undefined
}

function refuseRoot(folder: FolderId, done: string): void {
  if (folder !== ROOT) return
  throw new GatewayError('invalid', `the root folder cannot be ${done}`, {
    hint: 'name a folder below the root',
  })
}
