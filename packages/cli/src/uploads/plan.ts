import { GatewayError } from '@guichet/core'
import type { ApiFile } from '@guichet/sdk'
import type { Refused, Source } from './sources.ts'

/** What is in a folder of the destination before anything is sent. */
export interface RemoteFolder {
  readonly files: readonly ApiFile[]
  readonly folderNames: ReadonlySet<string>
}

/** Files for one folder that go in one request to 1fichier. */
export interface Batch {
  readonly folder: string
  readonly sends: readonly Send[]
}

export interface Send {
  readonly source: Source
  readonly name: string
  readonly replaces: boolean
}

export type Decision =
  | { readonly kind: 'send'; readonly replaces: boolean }
  | { readonly kind: 'skip' }
  | { readonly kind: 'refuse'; readonly refused: Refused }

/** One request of 1fichier takes 500 files (wire.md §3). */
export const FILES_PER_BATCH_MAX = 500

/** Which files of a folder could be the one that is to be sent; their content decides. */
export function sameSized(source: Source, name: string, remote: RemoteFolder): readonly ApiFile[] {
  return remote.files.filter((file) => file.name === name && file.sizeBytes === source.sizeBytes)
}

/** Nothing is written twice, and nothing replaced unasked. `whirlpool` is needed only where `sameSized` finds something. */
export function decide(
  source: Source,
  name: string,
  remote: RemoteFolder,
  whirlpool: string | undefined,
  overwrite: boolean,
): Decision {
  const twins = remote.files.filter((file) => file.name === name)
  const taken = twins.length > 0
  const isThere = sameSized(source, name, remote).some((file) => file.whirlpool === whirlpool)
  // An overwrite that was broken off leaves the old file beside the new one; the path may still mean the old.
  const isAll = !overwrite || twins.every((file) => file.whirlpool === whirlpool)
  if (whirlpool !== undefined && isThere && isAll) return { kind: 'skip' }
  if (!taken || overwrite) return { kind: 'send', replaces: taken }
  const error = new GatewayError(
    'conflict',
    `another file of the name ${JSON.stringify(name)} is there already`,
    {
      hint: 'give --overwrite to replace it',
    },
  )
  return { kind: 'refuse', refused: { source: source.shown, error } }
}

/** Sends by folder, in the order given, at most 500 in a batch. */
export function planBatches(sends: readonly (Send & { readonly folder: string })[]): readonly Batch[] {
  const byFolder = Map.groupBy(sends, (send) => send.folder)
  return [...byFolder].flatMap(([folder, all]) => {
    const batches: Batch[] = []
    for (let start = 0; start < all.length; start += FILES_PER_BATCH_MAX) {
      batches.push({ folder, sends: all.slice(start, start + FILES_PER_BATCH_MAX) })
    }
    return batches
  })
}
