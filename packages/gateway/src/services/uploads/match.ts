import type { FileEntry, StoredFile, Transfer } from '@guichet/core'

/** One of our transfers and the file it became. */
export interface Pair<File> {
  readonly transfer: Transfer
  readonly file: File
}

/** What a report says of the files that we sent. */
export interface Verified {
  readonly stored: readonly Pair<StoredFile>[]
  /** Not the content that was sent. */
  readonly corrupt: readonly Pair<StoredFile>[]
  /** Not in the report, or without a checksum to go by. */
  readonly missing: readonly Transfer[]
}

/**
 * Compares a report with what was sent, by name, size and Whirlpool.
 * A file under another name counts as ours when its content is: 1fichier may write a name differently.
 */
export function verifyReport(sent: readonly Transfer[], reported: readonly StoredFile[]): Verified {
  const left = new Set(reported)
  const pairs: Pair<StoredFile>[] = []
  const unnamed: Transfer[] = []
  for (const transfer of sent) {
    const named = [...left].filter((file) => file.name === transfer.name)
    const file = named.find((candidate) => isContentOf(transfer, candidate)) ?? named[0]
    if (file === undefined) unnamed.push(transfer)
    else pairs.push({ transfer, file })
    if (file !== undefined) left.delete(file)
  }
  const missing: Transfer[] = []
  for (const transfer of unnamed) {
    const file = [...left].find((candidate) => isContentOf(transfer, candidate))
    if (file === undefined) missing.push(transfer)
    else pairs.push({ transfer, file })
    if (file !== undefined) left.delete(file)
  }
  const isUnproven = ({ transfer, file }: Pair<StoredFile>): boolean =>
    file.whirlpool === undefined && file.sizeBytes === transfer.sizeBytes
  return {
    stored: pairs.filter(({ transfer, file }) => isContentOf(transfer, file)),
    corrupt: pairs.filter((pair) => !isContentOf(pair.transfer, pair.file) && !isUnproven(pair)),
    missing: [...missing, ...pairs.filter(isUnproven).map((pair) => pair.transfer)],
  }
}

/**
 * The files of a listing that may be a transfer's: same name and size, not older than the sending, and no other content.
 * Those that show the right checksum come first; one that shows none yet is there, and is not proven.
 * A name is the same in whichever Unicode form it comes back: whether 1fichier keeps it is open (wire.md §15, unknown 13).
 */
export function candidatesFor(
  transfer: Transfer,
  listed: readonly FileEntry[],
  sentAfterMs: number,
): readonly FileEntry[] {
  const name = transfer.name.normalize()
  const alike = listed.filter(
    (file) =>
      file.name.normalize() === name && file.sizeBytes === transfer.sizeBytes && file.dateMs >= sentAfterMs,
  )
  return [
    ...alike.filter((file) => file.whirlpool === transfer.whirlpool),
    ...alike.filter((file) => file.whirlpool === undefined),
  ]
}

function isContentOf(transfer: Transfer, file: StoredFile): boolean {
  return file.sizeBytes === transfer.sizeBytes && file.whirlpool === transfer.whirlpool
}
