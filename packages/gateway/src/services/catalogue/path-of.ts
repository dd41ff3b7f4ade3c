import { type FolderId, pathText, type Tree } from '@guichet/core'

/** The path of a folder, as far as we know it. */
export async function pathOfFolder(tree: Pick<Tree, 'ancestry'>, id: FolderId): Promise<string> {
  const chain = await tree.ancestry(id)
  return chain === undefined ? `folder:${id}` : pathText(chain.slice(1).map((folder) => folder.name))
}
