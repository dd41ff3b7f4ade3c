import type { Clock, Tree } from '@guichet/core'
import type { Catalogue, HostFor } from '../catalogue/catalogue.ts'
import type { Destruction, Doomed } from '../destruction.ts'
import type { Caller, Gate } from '../gate.ts'
import type { Trash } from '../trash/trash.ts'
import { createFileChanges, type FileChangesService } from './file-changes.ts'
import { createFolderChanges, type FolderChanges } from './folder-changes.ts'
import { createChangeSender } from './sender.ts'

/**
 * Everything that changes folders and files upstream, with the tree kept true.
 *
 * A thing outside the key's root is `not-found`; a missing verb is `forbidden`; both before anything is sent.
 * When an answer is lost, what is known of the folders concerned is doubted, so that the next question finds out.
 */
export interface Changes extends FolderChanges, FileChangesService {
  /** Before several removals that belong together, or one that comes later: whoever has to agree is asked once. */
  prepareRemoval(caller: Caller, doomed: Doomed): Promise<void>
}

export function createChanges(options: {
  readonly tree: Tree
  readonly catalogue: Catalogue
  readonly host: HostFor
  readonly gate: Gate
  readonly destruction: Destruction
  readonly trash: Pick<Trash, 'take'>
  readonly clock: Clock
}): Changes {
  const sender = createChangeSender(options)
  const folders = createFolderChanges({ ...options, sender })
  const files = createFileChanges({ ...options, sender })
  return {
    ...folders,
    moveFiles: (...wish) => files.moveFiles(...wish),
    renameFiles: (...wish) => files.renameFiles(...wish),
    copyFiles: (...wish) => files.copyFiles(...wish),
    copyForeign: (...wish) => files.copyForeign(...wish),
    removeFiles: (...wish) => files.removeFiles(...wish),
    changeFiles: (...wish) => files.changeFiles(...wish),
    scanFile: (...wish) => files.scanFile(...wish),
    prepareRemoval: (...wish) => options.destruction.prepare(...wish),
  }
}
