import {
  type ErrorCode,
  GatewayError,
  type Transfer,
  type UploadFile,
  type UploadReceipt,
  type UploadTarget,
} from '@guichet/core'
import type { Batch, UploadWork } from './work.ts'

/** What came of one request. */
export type Sent =
  | { readonly kind: 'accepted' | 'doubtful'; readonly batch: Batch }
  /** Nothing was left to send, or not one file of it is stored; those that may go again are back in the queue. */
  | { readonly kind: 'nothing' }

/** Sends files of one folder in one request. Rejects only when the uploader stops in the middle of it. */
export async function sendBatch(
  work: UploadWork,
  target: UploadTarget,
  waiting: readonly Transfer[],
): Promise<Sent> {
  const present = await withinReach(work, await findContent(work, waiting))
  const first = present[0]
  if (first === undefined) return { kind: 'nothing' }
  const startedMs = work.clock.nowMs()
  const { node, id } = target
  const sending = await work.progress.move(
    present.map((transfer) => ({ transfer, state: { kind: 'sending', node, uploadId: id, startedMs } })),
  )
  const { folder } = first
  const batch: Batch = { node, xid: id, folder, startedMs, isCutByUs: false, isTaken: false, left: sending }
  const answer = await attempt(work, target, sending)
  if (answer instanceof GatewayError) {
    work.log?.warn({ code: answer.code, node, files: sending.length, ...answer.facts }, answer.message)
    if (isCertainlyNotStored(answer)) {
      await handleRefusal(work, sending, answer)
      return { kind: 'nothing' }
    }
    work.pause(answer)
    const isCutByUs = answer.code === 'sealed'
    return { kind: 'doubtful', batch: { ...batch, isCutByUs, left: await doubt(work, batch) } }
  }
  const { xid, node: reporter } = answer
  const left = await work.progress.move(
    sending.map((transfer) => ({ transfer, state: { kind: 'reporting', node: reporter, xid, startedMs } })),
  )
  return { kind: 'accepted', batch: { ...batch, node: reporter, xid, isTaken: true, left } }
}

/** Whether the files of a batch are stored is to be proven. */
export async function doubt(work: UploadWork, batch: Batch): Promise<readonly Transfer[]> {
  const { node, xid, startedMs, isTaken } = batch
  const state = { kind: 'doubtful', node, xid, startedMs, sinceMs: work.clock.nowMs(), isTaken } as const
  return await work.progress.move(batch.left.map((transfer) => ({ transfer, state })))
}

/** Back to the queue with one attempt more, or failed after the last one. */
export async function sendAgain(
  work: UploadWork,
  transfers: readonly Transfer[],
  groupMax: number,
  why: string,
): Promise<void> {
  if (transfers.length === 0) return
  const isSpent = (transfer: Transfer): boolean => transfer.attempts + 1 >= work.limits.attemptsMax
  const spent = transfers.filter(isSpent)
  const again = await work.progress.move(
    transfers
      .filter((transfer) => !isSpent(transfer))
      .map((transfer) => ({ transfer, state: { kind: 'spooled' }, attempts: transfer.attempts + 1 })),
  )
  work.putBack(again, groupMax)
  if (spent.length === 0) return
  await work.progress.fail(spent, 'upstream-down', `${why}, ${work.limits.attemptsMax} times`)
  work.release(spent)
}

/** Back to the queue; what happened says nothing about the files. */
export async function sendUncounted(
  work: UploadWork,
  transfers: readonly Transfer[],
  groupMax: number,
): Promise<void> {
  const again = await work.progress.move(
    transfers.map((transfer) => ({ transfer, state: { kind: 'spooled' } })),
  )
  work.putBack(again, groupMax)
}

/** Those whose content is there. While the disk cannot tell, all of them wait on: what is journaled is owed. */
async function findContent(work: UploadWork, waiting: readonly Transfer[]): Promise<readonly Transfer[]> {
  const present: Transfer[] = []
  try {
    for (const transfer of waiting) {
      if ((await work.content.sizeBytes(transfer.id)) === transfer.sizeBytes) present.push(transfer)
    }
  } catch (failure) {
    work.pause(GatewayError.from(failure))
    work.putBack(waiting, waiting.length)
    return []
  }
  return await dropOthers(work, waiting, present, 'corrupt', 'its content is not in the spool any more')
}

async function withinReach(work: UploadWork, waiting: readonly Transfer[]): Promise<readonly Transfer[]> {
  const inside: Transfer[] = []
  for (const transfer of waiting) if (await work.reaches(transfer)) inside.push(transfer)
  // The words for a folder that is gone: to its key, one that has left its root is nothing else.
  const why = `there is no folder ${waiting[0]?.folder} any more`
  return await dropOthers(work, waiting, inside, 'not-found', why)
}

async function dropOthers(
  work: UploadWork,
  all: readonly Transfer[],
  kept: readonly Transfer[],
  code: ErrorCode,
  why: string,
): Promise<readonly Transfer[]> {
  const others = all.filter((transfer) => !kept.includes(transfer))
  if (others.length > 0) {
    await work.progress.fail(others, code, why)
    work.release(others)
  }
  return kept
}

/** The receipt of the 302, or why there is none. */
async function attempt(
  work: UploadWork,
  target: UploadTarget,
  transfers: readonly Transfer[],
): Promise<UploadReceipt | GatewayError> {
  try {
    return await upload(work, target, transfers)
  } catch (failure) {
    // Cut by our own stop: the journal says `sending`, and the next start takes it up from there.
    if (work.cut.aborted) throw failure
    return GatewayError.from(failure)
  }
}

async function upload(
  work: UploadWork,
  target: UploadTarget,
  transfers: readonly Transfer[],
): Promise<UploadReceipt> {
  const stalled = new AbortController()
  const over = new AbortController()
  let movedBytes = 0
  const files: readonly UploadFile[] = transfers.map(({ id, name, sizeBytes }) => ({
    name,
    sizeBytes,
    async *open() {
      for await (const chunk of work.content.open(id)) {
        movedBytes += chunk.byteLength
        yield chunk
      }
    },
  }))
  const watch = async (): Promise<void> => {
    for (let beforeBytes = -1; beforeBytes !== movedBytes; ) {
      beforeBytes = movedBytes
      await work.clock.sleep(work.limits.stallMs, over.signal)
    }
    stalled.abort(new GatewayError('upstream-down', `the upload node ${target.node} takes nothing any more`))
  }
  // The watch ends with the request, by the abort of its sleep.
  watch().catch(() => {})
  try {
    const { key, folder } = transfers[0] ?? raiseEmpty()
    const signal = AbortSignal.any([work.cut, stalled.signal])
    return await work.host({ key, priority: 'write' }).upload(target, folder, files, { signal })
  } finally {
    over.abort()
  }
}

async function handleRefusal(
  work: UploadWork,
  transfers: readonly Transfer[],
  error: GatewayError,
): Promise<void> {
  const half = Math.ceil(transfers.length / 2)
  switch (error.code) {
    case 'invalid':
    case 'not-found':
    case 'too-large':
    case 'conflict':
    case 'file-refused':
      if (transfers.length === 1) {
        await work.progress.fail(transfers, error.code, error.message)
        work.release(transfers)
        return
      }
      // One of them is refused and the answer does not say which: smaller groups find it.
      await sendUncounted(work, transfers, half)
      return
    case 'upstream-changed':
    case 'internal':
    case 'corrupt':
      work.pause(error)
      await sendAgain(work, transfers, half, error.message)
      return
    default:
      // Locks, outages and refusals of the account say nothing about the files.
      work.pause(error)
      await sendUncounted(work, transfers, transfers.length)
  }
}

function isCertainlyNotStored(error: GatewayError): boolean {
  return error.facts['sent'] === false || error.facts['stored'] === false
}

function raiseEmpty(): never {
  throw new GatewayError('internal', 'an upload without files')
}
