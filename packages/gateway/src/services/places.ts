import {
  type FileLink,
  type FileNode,
  type FolderId,
  type FolderNode,
  findFileLink,
  findPublicFolder,
  GatewayError,
  linkText,
  parseFileId,
  parseFolderId,
  parsePath,
  pathText,
  ROOT,
} from '@guichet/core'
import { type Catalogue, isFolder } from './catalogue/catalogue.ts'
import { noFile } from './catalogue/missing.ts'
import type { Changes } from './changes/changes.ts'
import type { Foreign } from './foreign.ts'
import type { Caller } from './gate.ts'

/** What it takes to find a thing by any of its names. */
export interface Places {
  readonly catalogue: Catalogue
  /** For links that the tree does not know. */
  readonly foreign: Foreign
}

/** What a link is looked up for: the key needs this verb for the question. */
type Purpose = 'stat' | 'download'

/**
 * Finds what a person names: `/folder/file`, `folder:123`, `file:id`, or a link of 1fichier.
 * A link that the tree does not know costs one call, which says in which folder of the account it is.
 * Rejects with `not-found` for what the key cannot see or is not of this account, and with `invalid` for what is no
 * name of anything.
 */
export async function findNode(
  { catalogue, foreign }: Places,
  caller: Caller,
  at: string,
): Promise<FolderNode | FileNode> {
  const link = findLink(at)
  if (link === undefined) return findNamed(catalogue, caller, at)
  const file = await findLinked(catalogue, foreign, caller, link, 'stat')
  if ('folder' in file && (await catalogue.holds(file))) return file
  throw new GatewayError('not-found', `${linkText(link)} is no file of this account`, {
    hint: '`guichet get` and `guichet cp` take links of anybody',
  })
}

/** As `findNode`, and other people's files by their links. Those are in no folder of ours, and `catalogue` holds none of them. */
export async function findReadable(
  { catalogue, foreign }: Places,
  caller: Caller,
  at: string,
  purpose: Purpose,
): Promise<FolderNode | FileNode> {
  const link = findLink(at)
  return link === undefined
    ? findNamed(catalogue, caller, at)
    : findLinked(catalogue, foreign, caller, link, purpose)
}

/** As `findNode`, and a link that the tree does not know as it is, without a call: 1fichier copies anybody's files. */
export async function findSource(
  { catalogue }: Places,
  caller: Caller,
  at: string,
): Promise<FolderNode | FileNode | FileLink> {
  const link = findLink(at)
  if (link === undefined) return findNamed(catalogue, caller, at)
  return (await findKnown(catalogue, caller, link)) ?? link
}

export async function findFolder(places: Places, caller: Caller, at: string): Promise<FolderNode> {
  const node = await findNode(places, caller, at)
  if (isFolder(node)) return node
  throw new GatewayError('invalid', `${at} is a file, not a folder`, { hint: 'name the folder it is in' })
}

export async function findFile(places: Places, caller: Caller, at: string): Promise<FileNode> {
  return requireFile(await findNode(places, caller, at), at)
}

export function requireFile(node: FolderNode | FileNode, at: string): FileNode {
  if (!isFolder(node)) return node
  throw new GatewayError('invalid', `${at} is a folder, not a file`, { hint: 'name a file inside it' })
}

function findLink(at: string): FileLink | undefined {
  return /^(?:\/|folder:|file:|$)/.test(at) ? undefined : findFileLink(at)
}

async function findNamed(catalogue: Catalogue, caller: Caller, at: string): Promise<FolderNode | FileNode> {
  if (at.startsWith('/') || at === '') return catalogue.resolve(caller, parsePath(at))
  const [, kind, id = ''] = /^(folder|file):(.+)$/.exec(at) ?? []
  if (kind === 'folder') return catalogue.folder(caller, parseFolderId(id))
  if (kind === 'file') return catalogue.file(caller, parseFileId(id))
  throw notAPlace(at)
}

/** The file of the tree that a link names; `undefined` where the tree knows none, and the key may ask further. */
async function findKnown(
  catalogue: Catalogue,
  caller: Caller,
  link: FileLink,
): Promise<FileNode | undefined> {
  const known = await catalogue.file(caller, link.id).catch((failure: unknown) => {
    // For a confined key there is no difference between what is outside and what is nowhere, and nobody is asked.
    const isUnknown = GatewayError.from(failure).code === 'not-found'
    if (!isUnknown || caller.principal.root !== ROOT) throw failure
    return undefined
  })
  if (known !== undefined && known.link.domain !== link.domain) throw noFile(link.id)
  return known
}

async function findLinked(
  catalogue: Catalogue,
  foreign: Foreign,
  caller: Caller,
  link: FileLink,
  purpose: Purpose,
): Promise<FileNode> {
  const known = await findKnown(catalogue, caller, link)
  if (known !== undefined) return known
  const details = await foreign.details(caller, link, undefined, purpose)
  const file: FileNode = { ...details, folder: details.folder ?? ROOT }
  if (details.folder === undefined || details.folder === ROOT) return file
  // It is ours, in a folder that was never listed, or not since it came there.
  await catalogue.list(caller, details.folder)
  if (!(await catalogue.holds(file))) await catalogue.list(caller, details.folder, 'refresh')
  return (await catalogue.holds(file)) ? catalogue.file(caller, link.id) : file
}

/** The folder at a path, with what is missing of it made on the way. */
export async function makePath(
  catalogue: Catalogue,
  changes: Changes,
  caller: Caller,
  parts: readonly string[],
): Promise<FolderNode> {
  let folder = await catalogue.folder(caller, ROOT)
  for (const [depth, name] of parts.entries()) {
    const { folders, files } = await catalogue.list(caller, folder.id)
    const there = folders.find((child) => child.name === name)
    if (there === undefined) refuseFile(files, parts.slice(0, depth + 1))
    folder = there ?? (await makeOrTake(catalogue, changes, caller, folder.id, name))
  }
  return folder
}

/** 1fichier would make a folder beside a file of its name, and the path would no longer mean the file. */
export function refuseFile(files: readonly FileNode[], parts: readonly string[]): void {
  if (!files.some((file) => file.name === parts.at(-1))) return
  throw new GatewayError('conflict', `${pathText(parts)} is a file, not a folder`, {
    hint: 'choose another name',
  })
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
