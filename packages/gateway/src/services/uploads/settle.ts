import { type FileEntry, type FileLink, GatewayError, type StoredFile, type Transfer } from '@guichet/core'
import type { Pair } from './match.ts'
import { sendAgain } from './send.ts'
import type { Batch, UploadWork } from './work.ts'

/**
 * Stored and verified. First the tree, then the journal, then the spool: killed in between,
 * the next start finds the report or the file again, and repeats what can be repeated.
 */
export async function keep(
  work: UploadWork,
  batch: Batch,
  pairs: readonly Pair<StoredFile>[],
): Promise<void> {
  if (pairs.length === 0) return
  const storedMs = work.clock.nowMs()
  for (const { transfer, file } of pairs) {
    await work.tree.addFile(transfer.folder, entryOf(transfer, file, storedMs), storedMs)
  }
  const stored = await work.progress.move(
    pairs.map(({ transfer, file }) => ({ transfer, state: { kind: 'stored', link: file.link, storedMs } })),
  )
  settled(work, batch, stored)
  for (const { id } of stored) {
    work.damaged.delete(id)
    await removeContent(work, id)
  }
}

/** Content that arrived damaged is removed, and goes again. */
export async function replace(
  work: UploadWork,
  batch: Batch,
  pairs: readonly Pair<StoredFile>[],
): Promise<void> {
  if (pairs.length === 0) return
  const transfers = pairs.map((pair) => pair.transfer)
  const links = pairs.map((pair) => pair.file.link)
  work.log?.warn({ transfers: transfers.map(({ id }) => id) }, 'content arrived damaged and is removed')
  await removeFiles(work, transfers[0]?.key ?? 'owner', links)
  for (const { id } of transfers) work.damaged.set(id, (work.damaged.get(id) ?? 0) + 1)
  const isSpent = ({ id }: Transfer): boolean => (work.damaged.get(id) ?? 0) > work.limits.corruptMax
  const spent = transfers.filter(isSpent)
  if (spent.length > 0) {
    const times = work.limits.corruptMax + 1
    for (const { id } of spent) work.damaged.delete(id)
    await work.progress.fail(spent, 'corrupt', `1fichier stored other content than was sent, ${times} times`)
  }
  const again = transfers.filter((transfer) => !isSpent(transfer))
  settled(work, batch, transfers)
  await sendAgain(work, again, work.limits.filesMax, '1fichier stored other content than was sent')
}

async function removeFiles(
  work: UploadWork,
  key: Transfer['key'],
  links: readonly FileLink[],
): Promise<void> {
  try {
    await work.host({ key, priority: 'write' }).removeFiles(links, { signal: work.stop })
  } catch (failure) {
    // Removed before a restart, or by somebody else: that is what was wanted.
    if (GatewayError.from(failure).code !== 'not-found') throw failure
  }
}

export function settled(work: UploadWork, batch: Batch, transfers: readonly Transfer[]): void {
  const ids = new Set(transfers.map((transfer) => transfer.id))
  batch.left = batch.left.filter((transfer) => !ids.has(transfer.id))
  work.release(transfers)
}

async function removeContent(work: UploadWork, id: Transfer['id']): Promise<void> {
  try {
    await work.content.remove(id)
  } catch (failure) {
    // The next start sweeps what is left; the file itself is stored.
    work.log?.warn({ transfer: id, cause: String(failure) }, 'content could not be removed from the spool')
  }
}

function entryOf(transfer: Transfer, file: StoredFile, storedMs: number): FileEntry {
  return {
    link: file.link,
    name: file.name,
    sizeBytes: transfer.sizeBytes,
    dateMs: storedMs,
    whirlpool: transfer.whirlpool,
    contentType: undefined,
    hasPassword: false,
    isRestricted: false,
    usesCdn: false,
  }
}
