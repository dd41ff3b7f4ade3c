import { type FolderId, type KeyStore, ROOT, type Transfer, type Tree } from '@guichet/core'

/** Whether the folder of a transfer is still inside the root of its key. */
export type UploadReach = (transfer: Pick<Transfer, 'key' | 'folder'>) => Promise<boolean>

/**
 * Content may wait for hours until 1fichier takes it, and its folder may be moved out of the key's root meanwhile.
 * A folder of which nobody knows any more whether it is inside counts as outside: its content is acknowledged to nobody
 * yet, and whoever sent it is told.
 */
export function createUploadReach(options: { readonly keys: KeyStore; readonly tree: Tree }): UploadReach {
  const { keys, tree } = options
  return async ({ key, folder }) => {
    const root = key === 'owner' ? ROOT : (await keys.byId(key))?.root
    if (root === undefined || root === ROOT) return true
    return isBelow(tree, folder, root)
  }
}

/** Goes up as far as the root; what is above it does not matter. */
async function isBelow(tree: Tree, folder: FolderId, root: FolderId): Promise<boolean> {
  const seen = new Set<FolderId>()
  for (let at: FolderId | undefined = folder; at !== undefined && !seen.has(at); ) {
    if (at === root) return (await tree.folder(root)) !== undefined
    seen.add(at)
    at = (await tree.folder(at))?.parent
  }
  return false
}
