import type { FileId, FolderId, KeyId } from './ids.ts'
import type { FileLink } from './links.ts'

/** What a key deletes is moved into a folder outside its root, and deleted when it has been there for so long. */
export interface TrashRule {
  readonly folder: FolderId
  /** Where that folder was when the key was made, for people. */
  readonly path: string
  readonly keepMs: number
}

/** A file that a key has deleted, and that is still there. */
export interface TrashedFile {
  readonly link: FileLink
  readonly name: string
  readonly sizeBytes: number
  readonly key: KeyId | 'owner'
  readonly from: FolderId
  readonly fromPath: string
  /** The folder of that day. */
  readonly to: FolderId
  readonly trashedMs: number
  /** From then on it is deleted. */
  readonly dueMs: number
  /** `moving`: whether 1fichier has moved it is not known. */
  readonly state: 'moving' | 'kept'
}

/** The journal of the trash: on disk before a file is moved. */
export interface TrashStore {
  /** Takes the place of what is known of the same files. */
  put(files: readonly TrashedFile[]): Promise<void>
  drop(ids: readonly FileId[]): Promise<void>
  /** The oldest first. */
  list(): Promise<readonly TrashedFile[]>
}
