import {
  type FileNode,
  type FolderId,
  type FolderNode,
  findFileLink,
  findPublicFolder,
  GatewayError,
  parseFileId,
  parseFolderId,
  parsePath,
  ROOT,
} from '@guichet/core'
import { type Catalogue, isFolder, noFile } from './catalogue.ts'
import type { Changes } from './changes.ts'
import type { Caller } from './gate.ts'

/**
 * Finds what a person names: `/folder/file`, `folder:123`, `file:id`, or a link of 1fichier.
 * Rejects with `not-found` for what the key cannot see, and with `invalid` for what is no name of anything.
 */
export async function findNode(
  catalogue: Catalogue,
  caller: Caller,
  at: string,
): Promise<FolderNode | FileNode> {
  if (at.startsWith('/') || at === '') return catalogue.resolve(caller, parsePath(at))
  const [, kind, id = ''] = /^(folder|file):(.+)$/.exec(at) ?? []
  if (kind === 'folder') return catalogue.folder(caller, parseFolderId(id))
  if (kind === 'file') return catalogue.file(caller, parseFileId(id))
  const link = findFileLink(at)
  if (link === undefined) throw notAPlace(at)
  const file = await catalogue.file(caller, link.id)
  if (file.link.domain !== link.domain) throw noFile(link.id)
  return file
}

export async function findFolder(catalogue: Catalogue, caller: Caller, at: string): Promise<FolderNode> {
  const node = await findNode(catalogue, caller, at)
  if (isFolder(node)) return node
  throw new GatewayError('invalid', `${at} is a file, not a folder`, { hint: 'name the folder it is in' })
}

export async function findFile(catalogue: Catalogue, caller: Caller, at: string): Promise<FileNode> {
  const node = await findNode(catalogue, caller, at)
  if (!isFolder(node)) return node
  throw new GatewayError('invalid', `${at} is a folder, not a file`, { hint: 'name a file inside it' })
}

/** The folder at a path, with what is missing of it made on the way. */
export async function makePath(
  catalogue: Catalogue,
  changes: Changes,
  caller: Caller,
  parts: readonly string[],
): Promise<FolderNode> {
  let folder = await catalogue.folder(caller, ROOT)
  for (const name of parts) {
    const { folders } = await catalogue.list(caller, folder.id)
    folder =
      folders.find((child) => child.name === name) ??
      (await makeOrTake(catalogue, changes, caller, folder.id, name))
  }
  return folder
}

/** Two requests may need the same folder at one time: whoever comes second takes the first one's. */
async function makeOrTake(
  catalogue: Catalogue,
  changes: Changes,
  caller: Caller,
  parent: FolderId,
  name: string,
): Promise<FolderNode> {
  try {
    return await changes.makeFolder(caller, parent, name)
  } catch (failure) {
    const there = (await catalogue.list(caller, parent)).folders.find((child) => child.name === name)
    if (there !== undefined && GatewayError.from(failure).code === 'conflict') return there
    throw failure
  }
}

function notAPlace(at: string): GatewayError {
  const what = JSON.stringify(at.slice(0, 100))
  if (findPublicFolder(at) !== undefined) {
    return new GatewayError('invalid', `${what} is somebody's public folder, not one of this account`, {
      hint: 'name your own folders by path, as in /folder',
    })
  }
  return new GatewayError('invalid', `${what} names no file or folder`, {
    hint: 'write a path from the root (/folder/file), a link (https://1fichier.com/?…) or folder:ID',
  })
}
