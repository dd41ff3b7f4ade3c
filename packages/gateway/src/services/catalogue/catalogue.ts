import type { FileEntry, FileHost, FileId, FileNode, FolderId, FolderNode } from '@guichet/core'
import type { Caller } from '../gate.ts'
import type { Principal } from '../principals.ts'
import type { PacedCaller } from '../scheduler/paced-host.ts'
import type { Priority } from '../scheduler/scheduler.ts'

/** Gives the host as one caller may use it: paced, in its priority. */
export type HostFor = (
  caller: Pick<Caller, 'principal' | 'signal' | 'patienceMs'> & Pick<PacedCaller, 'recheck'>,
  priority: Priority,
) => FileHost

/** How a folder stands to the root of a key. */
export type Standing = 'inside' | 'above' | 'outside'

export interface FolderView {
  readonly folder: FolderNode
  readonly folders: readonly FolderNode[]
  readonly files: readonly FileNode[]
  /** False for a folder of which the key sees only the way down. */
  readonly isInside: boolean
  /** How old the answer is. */
  readonly ageMs: number
  /** There is more in it than 1fichier lists of one folder, and than is known. */
  readonly isCut: boolean
}

/** What a call is about, and a key has to see for it. */
export interface Reach {
  readonly folders?: readonly FolderId[]
  readonly files?: readonly FileNode[]
}

/** `asks`: answer from the tree when it is fresh enough; `refresh`: ask 1fichier now, as its rules allow. */
export type Freshness = 'asks' | 'refresh'

/**
 * What a key can see of the tree, asking 1fichier only for what is not known.
 *
 * A key with a root sees that folder and what is below it, and of the folders above only the names on the way down.
 * Everything else rejects with the `not-found` of a thing that never was, without a call and with a line in the ledger:
 * for a confined key there is no difference between what is outside and what is nowhere.
 */
export interface Catalogue {
  list(caller: Caller, id: FolderId, freshness?: Freshness): Promise<FolderView>
  folder(caller: Caller, id: FolderId): Promise<FolderNode>
  file(caller: Caller, id: FileId): Promise<FileNode>
  /** Does the key still see this file, as far as is known? One that is not confined sees every file. */
  sees(principal: Principal, id: FileId): Promise<boolean>
  /** The folder or file at a path; names that are there twice give the first by id. */
  resolve(caller: Caller, parts: readonly string[]): Promise<FolderNode | FileNode>
  /** The path of a folder, from the root. */
  pathOf(id: FolderId): Promise<string>
  standing(principal: Principal, id: FolderId): Promise<Standing>
  /** Rejects with `not-found` unless the key may see at least the name of the folder; asks nothing of 1fichier. */
  requireSeen(caller: Caller, id: FolderId): Promise<void>
  /** Rejects with `not-found` unless the key may see the folder and what is inside it. */
  requireInside(caller: Caller, id: FolderId): Promise<FolderNode>
  /**
   * `requireInside` for all of these, for a call that has waited for its turn meanwhile: what it rejects with is marked
   * as not sent.
   */
  requireStill(caller: Caller, things: Reach): Promise<void>
  /** Every file of the account, by a call each time; only for keys that are not confined. */
  everyFile(caller: Caller): Promise<readonly FileEntry[]>
  /** What is known of a folder may be wrong: the next question for it asks 1fichier, and no call under way answers it. */
  doubt(id: FolderId): Promise<void>
  /** Is it a file of the account, as far as we know? */
  holds(file: FileNode): Promise<boolean>
  /** 1fichier says that there is no such file, or another one: it is dropped, and its folder asked for anew. */
  lost(file: FileNode): Promise<void>
  /** How many questions were answered without a call. */
  saved(): number
}

export function isFolder(node: FolderNode | FileNode): node is FolderNode {
  return !('folder' in node)
}
