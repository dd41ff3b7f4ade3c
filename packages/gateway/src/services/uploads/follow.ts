import {
  DAY_MS,
  type FileEntry,
  type FileHost,
  type FileId,
  type FolderListing,
  GatewayError,
  isCutListing,
  type StoredFile,
  type Transfer,
} from '@guichet/core'
import { type Growth, growingMs } from './limits.ts'
import { candidatesFor, type Pair, verifyReport } from './match.ts'
import { doubt, sendAgain, sendUncounted } from './send.ts'
import { keep, replace, settled } from './settle.ts'
import type { Batch, UploadWork } from './work.ts'

/** An id that the node does not know is a 404 each time, and many of those are punished (wire.md §3). */
const UNKNOWN_MAX = 3

/**
 * Follows a request until the fate of each of its files is known: stored and verified, to be sent again, or failed.
 * Sends nothing. Rejects only when the uploader stops; the journal then says where to go on.
 */
export async function follow(work: UploadWork, batch: Batch, stage: 'reporting' | 'doubtful'): Promise<void> {
  if (stage === 'reporting') {
    const { reportForMs, report } = work.limits
    await pollReport(work, batch, reportForMs, report)
    if (batch.left.length > 0) batch.left = await doubt(work, batch)
  }
  if (batch.left.length > 0) await prove(work, batch)
}

/**
 * Asks for the report until it has come or the time is over. Asking costs nothing, and storing begins when it is asked.
 * What it says of our files is carried out; those it does not name stay in `batch.left`.
 */
async function pollReport(work: UploadWork, batch: Batch, forMs: number, growth: Growth): Promise<void> {
  const { clock, stop } = work
  let untilMs = clock.nowMs() + forMs
  let unknown = 0
  for (let asked = 0; ; asked += 1) {
    const outcome = await takeReport(work, batch)
    if (outcome === 'unknown') unknown += 1
    // A clock that is set back makes the time longer by its length at the most, not by the step.
    untilMs = Math.min(untilMs, clock.nowMs() + forMs)
    const leftMs = untilMs - clock.nowMs()
    // Scaled limits have broken milliseconds; less than one is no time to wait for.
    if (outcome === 'done' || unknown >= UNKNOWN_MAX || leftMs < 1) return
    await clock.sleep(Math.min(growingMs(growth, asked), leftMs), stop)
  }
}

/** `done` once the whole report is carried out; `unknown` when the node knows of no such upload of the account's. */
async function takeReport(work: UploadWork, batch: Batch): Promise<'done' | 'pending' | 'unknown'> {
  const { node, xid } = batch
  const key = batch.left[0]?.key ?? 'owner'
  try {
    const host = work.host({ key, priority: 'write' })
    const report = await host.uploadReport({ node, xid }, { signal: work.stop })
    work.trouble(undefined)
    if (report.kind === 'pending' || (report.kind === 'stored' && report.files.length === 0)) return 'pending'
    batch.isTaken = false
    if (report.kind === 'ownerless') {
      work.log?.warn({ node, xid }, 'the files were stored for no account: 1fichier may not know the API key')
      return 'unknown'
    }
    const verified = verifyReport(batch.left, await notTaken(work, report.files))
    await keep(work, batch, verified.stored)
    await replace(work, batch, verified.corrupt)
    work.reported()
    return 'done'
  } catch (failure) {
    throwIfStopping(work)
    // A report that cannot be had, or a bad copy that cannot be removed yet: the next round asks again.
    const error = GatewayError.from(failure)
    if (error.code === 'account-refused') work.refused(error)
    if (error.code !== 'not-found') work.trouble(error)
    work.log?.debug({ code: error.code, node, xid }, `no report: ${error.message}`)
    return error.code === 'not-found' ? 'unknown' : 'pending'
  }
}

/**
 * A report is read again when it left something open, and then it shows files that other transfers have become.
 * Whatever their content, they stand for no second transfer.
 */
async function notTaken(work: UploadWork, files: readonly StoredFile[]): Promise<readonly StoredFile[]> {
  const free: StoredFile[] = []
  for (const file of files) {
    if ((await work.journal.storedAs(file.link.id)) === undefined) free.push(file)
  }
  return free
}

/**
 * Without a report, only listings can tell. One that comes too early does not show what is stored,
 * so that absence is believed after two looks in a row; what is shown without a checksum is looked at until it has one,
 * and what 1fichier has taken until it is shown.
 */
async function prove(work: UploadWork, batch: Batch): Promise<void> {
  let missed: readonly Transfer[] = []
  for (let look = 1; batch.left.length > 0; look += 1) {
    await settle(work, batch, look)
    if (batch.left.length === 0) return
    const listed = await lookInto(work, batch)
    if (listed === undefined) {
      await work.progress.fail(batch.left, 'not-found', 'its folder was removed while it was sent')
      settled(work, batch, batch.left)
      return
    }
    const { stored, unproven } = await findStored(work, batch, listed)
    await keep(work, batch, stored)
    const absent = batch.left.filter((transfer) => !unproven.includes(transfer))
    await sendAbsent(
      work,
      batch,
      absent.filter((transfer) => missed.includes(transfer)),
    )
    missed = absent
    if (look >= work.limits.unprovenLooksMax) await giveUp(work, batch)
  }
}

/** Asks for the report while the listing may still be too early. */
async function settle(work: UploadWork, batch: Batch, look: number): Promise<void> {
  const { clock, limits } = work
  const bytes = batch.left.reduce((sum, transfer) => sum + transfer.sizeBytes, 0)
  const firstMs = limits.settleMs + Math.ceil(bytes / limits.settleBytesPerMs)
  // From the third look on, only checksums are waited for.
  const settleMs = look <= 2 ? firstMs : Math.max(firstMs, limits.retry.longestMs)
  const dueMs = clock.nowMs() + settleMs
  await pollReport(work, batch, settleMs, limits.retry)
  if (batch.left.length > 0) await clock.sleep(Math.min(settleMs, dueMs - clock.nowMs()), work.stop)
}

async function sendAbsent(work: UploadWork, batch: Batch, absent: readonly Transfer[]): Promise<void> {
  if (absent.length === 0 || batch.isTaken) return
  batch.left = batch.left.filter((transfer) => !absent.includes(transfer))
  if (batch.isCutByUs) await sendUncounted(work, absent, work.limits.filesMax)
  // Perhaps it refused so many at once in words that nobody has seen: wire.md §15 has 500 files a request, and 100.
  else await sendAgain(work, absent, Math.ceil(absent.length / 2), '1fichier did not store it')
}

/** What is there must not be sent again, and what nobody can compare must not be called stored. */
async function giveUp(work: UploadWork, batch: Batch): Promise<void> {
  if (batch.left.length === 0) return
  const why = batch.isTaken
    ? '1fichier took it, and shows it neither in a report nor with its checksum in its folder'
    : '1fichier has a file of this name and size, and shows no checksum to compare it with'
  await work.progress.fail(batch.left, 'upstream-changed', why)
  settled(work, batch, batch.left)
}

/** The files of the batch's folder as 1fichier shows them; `undefined` when there is no such folder. */
async function lookInto(work: UploadWork, batch: Batch): Promise<readonly FileEntry[] | undefined> {
  const key = batch.left[0]?.key ?? 'owner'
  for (let failures = 0; ; failures += 1) {
    try {
      const listed = await list(work, batch, work.host({ key, priority: 'sync' }))
      work.trouble(undefined)
      return listed
    } catch (failure) {
      throwIfStopping(work)
      const error = GatewayError.from(failure)
      if (error.code === 'not-found') return undefined
      if (error.code === 'account-refused') work.refused(error)
      work.trouble(error)
      work.log?.warn({ code: error.code, folder: batch.folder }, `no listing: ${error.message}`)
      const waitMs = Math.max(growingMs(work.limits.retry, failures), error.retryAfterMs ?? 0)
      await work.clock.sleep(waitMs, work.stop)
    }
  }
}

async function list(work: UploadWork, batch: Batch, host: FileHost): Promise<readonly FileEntry[]> {
  const askedMs = work.clock.nowMs()
  const listing = await wholeListing(batch, host, work.stop)
  if (listing !== undefined) {
    await work.tree.applyListing(listing, askedMs, work.clock.nowMs())
    return listing.files
  }
  const sentAfterMs = oldestMs(work, batch)
  return await host.listFiles(batch.folder, { sentAfterMs }, { signal: work.stop })
}

/** `undefined` for a folder of more than 5,000 files: its listing is cut, or refused in words that nobody has seen (wire.md §15). */
async function wholeListing(
  batch: Batch,
  host: FileHost,
  signal: AbortSignal,
): Promise<FolderListing | undefined> {
  try {
    const listing = await host.listFolder(batch.folder, { signal })
    return isCutListing(listing) ? undefined : listing
  } catch (failure) {
    // What is new can still be asked for by date; if that is refused as well, it is something else.
    if (GatewayError.from(failure).code !== 'upstream-changed') throw failure
    return undefined
  }
}

/** A file of the listing stands for one transfer only, and not for one that the journal knows as another's. */
async function findStored(
  work: UploadWork,
  batch: Batch,
  listed: readonly FileEntry[],
): Promise<{ readonly stored: readonly Pair<StoredFile>[]; readonly unproven: readonly Transfer[] }> {
  const taken = new Set<FileId>()
  const stored: Pair<StoredFile>[] = []
  const unproven: Transfer[] = []
  const sentAfterMs = oldestMs(work, batch)
  for (const transfer of batch.left) {
    for (const file of candidatesFor(transfer, listed, sentAfterMs)) {
      const other = taken.has(file.link.id) ? undefined : await work.journal.storedAs(file.link.id)
      if (taken.has(file.link.id) || (other !== undefined && other.id !== transfer.id)) continue
      taken.add(file.link.id)
      if (file.whirlpool === undefined) unproven.push(transfer)
      else stored.push({ transfer, file })
      break
    }
  }
  return { stored, unproven }
}

/**
 * No file of the batch is older than this, by 1fichier's clock.
 * Where ours has been set back since the request began, nobody knows by how much it was ahead.
 */
function oldestMs({ clock, limits }: UploadWork, { startedMs }: Batch): number {
  const nowMs = clock.nowMs()
  return nowMs < startedMs ? nowMs - DAY_MS : startedMs - limits.skewMs
}

function throwIfStopping(work: UploadWork): void {
  if (work.stop.aborted) throw work.stop.reason
}
