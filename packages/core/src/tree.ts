import { MINUTE_MS } from './clock.ts'
import type { FileEntry, FolderListing } from './host.ts'
import type { FileId, FolderId } from './ids.ts'

/**
 * Our own copy of the account's folders and files.
 *
 * Kept true by our own writes, at once, and by listings. Every answer is a copy: changing it changes nothing.
 * Two entries of one folder may have the same name, as at 1fichier; they are told apart by id.
 * Rejects with `internal` when the store fails; an unknown thing is `undefined`, never an error.
 */
export interface Tree {
  folder(id: FolderId): Promise<FolderNode | undefined>
  /** What is known to be inside; complete only if the folder's `listedMs` is set. Ordered by name, then id. */
  children(id: FolderId): Promise<Children>
  file(id: FileId): Promise<FileNode | undefined>
  /** From the root down to the folder itself; `undefined` where the chain is not known up to the root. */
  ancestry(id: FolderId): Promise<readonly FolderNode[] | undefined>

  /**
   * Takes in a listing that was asked for at `askedMs`.
   * What we wrote ourselves shortly before or since wins over it (`reconcile`).
   */
  applyListing(listing: FolderListing, askedMs: number, nowMs: number): Promise<void>

  /** Our own writes. `ownMs` is the moment 1fichier said yes. */
  addFolder(
    folder: { readonly id: FolderId; readonly parent: FolderId; readonly name: string },
    ownMs: number,
  ): Promise<void>
  renameFolder(id: FolderId, name: string, ownMs: number): Promise<void>
  moveFolder(id: FolderId, to: FolderId, ownMs: number): Promise<void>
  /** Removes it with everything below it. */
  removeFolder(id: FolderId, ownMs: number): Promise<void>
  addFile(folder: FolderId, entry: FileEntry, ownMs: number): Promise<void>
  renameFile(id: FileId, name: string, ownMs: number): Promise<void>
  /** `newId` where 1fichier gave the file a new link. */
  moveFile(id: FileId, to: FolderId, newId: FileId, ownMs: number): Promise<void>
  removeFile(id: FileId, ownMs: number): Promise<void>

  /** A thing that 1fichier says is gone: drops it, and what is known of its folder is no longer complete. */
  forgetFile(id: FileId): Promise<void>
  forgetFolder(id: FolderId): Promise<void>
  /** All of the folder's content is known at this moment: it was just made, and is empty. */
  markListed(id: FolderId, atMs: number): Promise<void>
  /** The next question for this folder asks upstream. */
  forgetListing(id: FolderId): Promise<void>
  counts(): Promise<{ readonly folders: number; readonly files: number }>
}

export interface FolderNode {
  readonly id: FolderId
  /** Absent for the root, and for a folder met by its id alone. */
  readonly parent: FolderId | undefined
  readonly name: string
  readonly createdMs: number | undefined
  readonly hasPassword: boolean
  /** When all of its content was last known to be so; absent: never. */
  readonly listedMs: number | undefined
  readonly publicUrl: string | undefined
}

export interface FileNode extends FileEntry {
  readonly folder: FolderId
}

export interface Children {
  readonly folders: readonly FolderNode[]
  readonly files: readonly FileNode[]
}

/** A listing of 1fichier has at most so many results, sub-folders and files together (wire.md §3). */
export const LISTING_RESULTS_MAX = 5_000

/**
 * May the folder hold more than the listing shows? Then nothing is known to be absent from it.
 * How 1fichier tells of a cut is open (wire.md §15, unknown 6), and of sub-folders it gives no number at all:
 * a listing that is full counts as cut.
 */
export function isCutListing({ folders, files, fileCount = 0 }: FolderListing): boolean {
  return fileCount > files.length || folders.length + files.length >= LISTING_RESULTS_MAX
}

/**
 * Listings lag behind writes: a removed file can still be shown for a while, a new one not yet (wire.md §4.5, §15).
 * For this long after an own write, our word counts more than a listing's.
 */
export const OWN_WRITE_GRACE_MS: number = 10 * MINUTE_MS

/** Does an own write count more than a listing that was asked for at `askedMs`? */
export function ownWriteWins(
  ownMs: number | undefined,
  askedMs: number,
  graceMs: number = OWN_WRITE_GRACE_MS,
): boolean {
  return ownMs !== undefined && ownMs > askedMs - graceMs
}

/** Something of a folder that we know, as `reconcile` needs it. */
export interface Known<Id> {
  readonly id: Id
  /** When we wrote it ourselves; absent: learned from a listing. */
  readonly ownMs: number | undefined
}

/** What a listing changes: ids to take from it, and ids to drop. */
export interface Reconciled<Id> {
  readonly take: readonly Id[]
  readonly drop: readonly Id[]
}

/**
 * Decides between what we know of a folder and what a listing says.
 *
 * - `known`: what we hold in this folder.
 * - `elsewhere`: own-write time of things the listing shows which we hold in another folder.
 * - `removed`: own-write time of things we removed.
 * - An own write younger than `graceMs` at the moment the listing was asked for wins.
 */
export function reconcile<Id>(
  listed: readonly Id[],
  known: readonly Known<Id>[],
  removed: ReadonlyMap<Id, number>,
  elsewhere: ReadonlyMap<Id, number | undefined>,
  askedMs: number,
  graceMs: number = OWN_WRITE_GRACE_MS,
): Reconciled<Id> {
  const isOurs = (ownMs: number | undefined): boolean => ownWriteWins(ownMs, askedMs, graceMs)
  const inListing = new Set(listed)
  const ownHere = new Set(known.filter((entry) => isOurs(entry.ownMs)).map((entry) => entry.id))
  const take = listed.filter(
    (id) => !ownHere.has(id) && !isOurs(removed.get(id)) && !isOurs(elsewhere.get(id)),
  )
  const drop = known
    .filter((entry) => !inListing.has(entry.id) && !ownHere.has(entry.id))
    .map((entry) => entry.id)
  return { take, drop }
}
