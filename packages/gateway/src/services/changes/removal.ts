import { type FileNode, type FolderNode, GatewayError } from '@guichet/core'
import { type Catalogue, isFolder } from '../catalogue/catalogue.ts'
import type { Caller } from '../gate.ts'
import type { Changes } from './changes.ts'

/** What a removal would take away: files first, then folders from the deepest up. */
export interface RemovalPlan {
  readonly files: readonly FileNode[]
  readonly folders: readonly FolderNode[]
}

/** A plan of more than these is not made: it would be hours of work, and nobody could look it over. */
const NODES_MAX = 200_000

/** Looks at all that is below the given things; folders that are not known yet are listed. */
export async function planRemoval(
  catalogue: Catalogue,
  caller: Caller,
  nodes: readonly (FolderNode | FileNode)[],
  isRecursive: boolean,
): Promise<RemovalPlan> {
  const files = new Map<string, FileNode>()
  const folders = new Map<number, FolderNode>()
  const waiting: FolderNode[] = []
  for (const node of nodes) {
    if (isFolder(node)) waiting.push(node)
    else files.set(node.link.id, node)
  }
  if (waiting.length > 0 && !isRecursive) {
    throw new GatewayError('invalid', `"${waiting[0]?.name}" is a folder`, {
      hint: 'add -r to remove it with all that is in it',
    })
  }
  for (let folder = waiting.shift(); folder !== undefined; folder = waiting.shift()) {
    if (folders.has(folder.id)) continue
    folders.set(folder.id, folder)
    const view = await catalogue.list(caller, folder.id)
    for (const file of view.files) files.set(file.link.id, file)
    for (const child of view.folders) waiting.push(child)
    if (files.size + folders.size + waiting.length > NODES_MAX) {
      throw new GatewayError('too-large', `there are more than ${NODES_MAX} files and folders to remove`, {
        hint: 'remove some of the folders inside first',
      })
    }
  }
  return { files: [...files.values()], folders: [...folders.values()].reverse() }
}

/** Files go in as few calls as 1fichier takes, folders one by one as it demands. */
export async function removeAll(changes: Changes, caller: Caller, plan: RemovalPlan): Promise<void> {
  await changes.prepareRemoval(caller, { ...plan, target: 'a removal' })
  if (plan.files.length > 0) {
    const removed = await changes.removeFiles(caller, plan.files)
    if (removed < plan.files.length) {
      throw new GatewayError('conflict', `1fichier removed ${removed} of ${plan.files.length} files`, {
        hint: 'list the folder again and repeat for what is left',
      })
    }
  }
  for (const folder of plan.folders) await changes.removeFolder(caller, folder.id)
}
