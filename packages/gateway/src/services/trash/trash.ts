import type { FileNode, TrashedFile } from '@guichet/core'
import type { Attempt } from '../destruction.ts'
import type { Caller } from '../gate.ts'

/**
 * Where the deletions of some keys go: into a folder outside their root, from which the owner can take things back.
 *
 * Every move is journaled before it is sent. What a crash leaves open is found out by a listing, and nothing is ever
 * deleted that is not seen in the trash right before.
 */
export interface Trash {
  /** Moves files of the caller's into its trash; gives back how many. Each call is an attempt. */
  take(caller: Caller, files: readonly FileNode[], attempt: Attempt): Promise<number>
  /** Only for the owner, as what follows. */
  list(caller: Caller): Promise<readonly TrashedFile[]>
  /** Moves files back where they were, making folders that are gone; rejects with `not-found` for an unknown id. */
  restore(caller: Caller, ids: readonly string[]): Promise<readonly TrashedFile[]>
  /** Deletes for good: all of it, or what is due. Gives back what was deleted. */
  empty(caller: Caller, what: 'all' | 'due'): Promise<readonly TrashedFile[]>
  /** Finds out what is open, and deletes what is due: for housekeeping. */
  tidy(): Promise<void>
}
