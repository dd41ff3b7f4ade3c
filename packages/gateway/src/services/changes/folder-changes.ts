import {
  type Clock,
  type FolderId,
  type FolderNode,
  type FolderSharing,
  GatewayError,
  parseName,
  ROOT,
  type Tree,
} from '@guichet/core'
import type { Catalogue } from '../catalogue/catalogue.ts'
import { noFolder } from '../catalogue/missing.ts'
import type { Destruction } from '../destruction.ts'
import type { Caller, Gate } from '../gate.ts'
import { type ChangeSender, parsePassword, type Touch } from './sender.ts'

export interface FolderChanges {
  /** Rejects with `conflict` (facts `folderId`) when a folder of that name is there. */
  makeFolder(caller: Caller, parent: FolderId, name: string): Promise<FolderNode>
  /** A new name, a new place, or both; nothing at all when it is there already. */
  moveFolder(caller: Caller, id: FolderId, to: FolderId, name: string | undefined): Promise<FolderNode>
  /** Rejects with `conflict` when it is not empty. */
  removeFolder(caller: Caller, id: FolderId): Promise<void>
  /** The public address, when the folder has one after it. */
  shareFolder(caller: Caller, id: FolderId, sharing: FolderSharing): Promise<string | undefined>
}

export interface FolderChangesOptions {
  readonly tree: Tree
  readonly catalogue: Catalogue
  readonly gate: Gate
  readonly sender: ChangeSender
  readonly destruction: Destruction
  readonly clock: Clock
}

export function createFolderChanges(options: FolderChangesOptions): FolderChanges {
  const { tree, catalogue, gate, sender, destruction, clock } = options

  async function isTaken(caller: Caller, parent: FolderId, name: string): Promise<FolderNode | undefined> {
    return (await catalogue.list(caller, parent)).folders.find((folder) => folder.name === name)
  }

  async function requireFree(caller: Caller, parent: FolderId, name: string): Promise<void> {
    const there = await isTaken(caller, parent, name)
    if (there === undefined) return
    throw new GatewayError(
      'conflict',
      `a folder named "${name}" is already in ${await catalogue.pathOf(parent)}`,
      {
        hint: 'choose another name, or use the folder that is there',
        facts: { folderId: there.id },
      },
    )
  }

  async function refuseCycle(id: FolderId, to: FolderId): Promise<void> {
    const chain = (await tree.ancestry(to)) ?? []
    if (!chain.some((folder) => folder.id === id)) return
    throw new GatewayError('conflict', 'a folder cannot be moved into itself', {
      hint: 'choose a folder outside of it',
    })
  }

  async function folderNow(id: FolderId): Promise<FolderNode> {
    const folder = await tree.folder(id)
    if (folder !== undefined) return folder
    throw noFolder(id)
  }

  return {
    async makeFolder(caller, parent, name) {
      parseName(name)
      await catalogue.requireInside(caller, parent)
      await gate.permit(caller, 'mkdir', `${await catalogue.pathOf(parent)}/${name}`)
      // What 1fichier does with a second folder of one name is unknown (wire.md §15), so it is never asked for.
      await requireFree(caller, parent, name)
      const id = await sender.send(caller, touchOf(parent), (host) => host.makeFolder(name, parent, caller))
      const nowMs = clock.nowMs()
      const isNew = (await tree.folder(id)) === undefined
      await tree.addFolder({ id, parent, name }, nowMs)
      if (isNew) await tree.markListed(id, nowMs)
      return folderNow(id)
    },

    async moveFolder(caller, id, to, name) {
      const { parent, name: formerName } = await catalogue.requireInside(caller, id)
      refuseRoots(caller, id)
      const isRenamed = name !== undefined && parseName(name) !== formerName
      const isMoved = to !== parent
      await catalogue.requireInside(caller, to)
      const target = await catalogue.pathOf(id)
      if (isRenamed) await gate.permit(caller, 'rename', target)
      if (isMoved || !isRenamed) await gate.permit(caller, 'move', target)
      if (isMoved) await refuseCycle(id, to)
      if (isMoved || isRenamed) await requireFree(caller, to, name ?? formerName)
      const touch = {
        reach: { folders: [id, to] },
        folders: parent === undefined ? [to] : [parent, to],
        folder: id,
      }

      const rename = async (at: FolderId | undefined): Promise<void> => {
        if (!isRenamed) return
        await sender.send(caller, touch, (host) => host.renameFolder(id, name, at, caller))
        await tree.renameFolder(id, name, clock.nowMs())
      }
      const move = async (): Promise<void> => {
        if (!isMoved) return
        await sender.send(caller, touch, (host) => host.moveFolder(id, to, caller))
        await tree.moveFolder(id, to, clock.nowMs())
      }
      // With `rename`, 1fichier ignores the destination (wire.md §5.3), so these are two calls. The name comes first,
      // unless it is taken where the folder still is.
      const isInTheWay =
        isRenamed && isMoved && parent !== undefined && (await isTaken(caller, parent, name)) !== undefined
      if (isInTheWay) {
        await requireFree(caller, to, formerName)
        await move()
        await rename(to)
      } else {
        await rename(parent)
        await move()
      }
      return folderNow(id)
    },

    async removeFolder(caller, id) {
      const folder = await catalogue.requireInside(caller, id)
      refuseRoots(caller, id)
      const target = await catalogue.pathOf(id)
      await gate.permit(caller, 'delete', target)
      const { folders, files } = await catalogue.list(caller, id)
      if (folders.length + files.length > 0) {
        throw new GatewayError('conflict', `the folder ${target} is not empty`, {
          hint: `remove what is in it first, or use \`guichet rm -r ${target}\``,
          facts: { folders: folders.length, files: files.length },
        })
      }
      const above = folder.parent === undefined ? [] : [folder.parent]
      await destruction.run(caller, { files: [], folders: [folder], target }, (attempt) =>
        attempt(1, async () => {
          await sender.send(caller, touchOf(id, ...above), (host) => host.removeFolder(id, caller))
          return 1
        }),
      )
      await tree.removeFolder(id, clock.nowMs())
    },

    async shareFolder(caller, id, sharing) {
      parsePassword(sharing.pass)
      if (Object.keys(sharing).length === 0) {
        throw new GatewayError('invalid', 'there is nothing to change about the sharing of the folder', {
          hint: 'say whether it is public, its password, or with whom to share it',
        })
      }
      await catalogue.requireInside(caller, id)
      const target = await catalogue.pathOf(id)
      await gate.permit(caller, 'share', target)
      if (sharing.pass !== undefined) await gate.permit(caller, 'password', target)
      const url = await sender.send(caller, touchOf(id), (host) => host.shareFolder(id, sharing, caller))
      // The public address stands in the folder's listing.
      await catalogue.doubt(id)
      return url
    },
  }
}

function touchOf(id: FolderId, ...others: readonly FolderId[]): Touch {
  return { reach: { folders: [id] }, folders: [id, ...others], folder: id }
}

function refuseRoots(caller: Caller, id: FolderId): void {
  if (id !== ROOT && id !== caller.principal.root) return
  throw new GatewayError('invalid', 'the root folder cannot be moved, renamed or removed', {
    hint:
      id === ROOT ? 'name a folder inside it' : 'the folder a key is confined to is not its own to change',
  })
}
