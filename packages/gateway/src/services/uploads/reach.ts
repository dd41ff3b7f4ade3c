import { type KeyStore, ROOT, type Transfer, type Tree } from '@guichet/core'

/** Whether the folder of a transfer is still inside the root of its key. */
export type UploadReach = (transfer: Pick<Transfer, 'key' | 'folder'>) => Promise<boolean>

/**
 * Content may wait for hours until 1fichier takes it, and its folder may be moved out of the key's root meanwhile.
 * A folder whose way up is not known tells nothing: what was taken in for it stays owed.
 */
export function createUploadReach(options: { readonly keys: KeyStore; readonly tree: Tree }): UploadReach {
  const { keys, tree } = options
  return async ({ key, folder }) => {
    const root = key === 'owner' ? ROOT : (await keys.byId(key))?.root
    if (root === undefined || root === ROOT) return true
    const way = await tree.ancestry(folder)
    return way === undefined || way.some(({ id }) => id === root)
  }
}
