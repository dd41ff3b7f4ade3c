import type { Transfer, TransferId } from '@guichet/core'
import { doubt } from './send.ts'
import type { Batch, UploadWork } from './work.ts'

/** What an earlier process left. */
export interface Left {
  /** To be sent. */
  readonly waiting: readonly Transfer[]
  /** Requests that may have arrived. */
  readonly batches: readonly { readonly batch: Batch; readonly stage: 'reporting' | 'doubtful' }[]
}

/**
 * Reads the journal after a start, and removes content that nobody owes any more.
 * What was `sending` may have arrived: it becomes `doubtful`. What waits without its content has failed.
 */
export async function takeUp(work: UploadWork): Promise<Left> {
  const unfinished = await work.journal.unfinished()
  await work.content.sweep(new Set([...unfinished.map(({ id }) => id), ...(await untold(work, unfinished))]))
  const waiting: Transfer[] = []
  const lost: Transfer[] = []
  for (const transfer of unfinished) {
    if (transfer.state.kind !== 'spooled') continue
    const isThere = (await work.content.sizeBytes(transfer.id)) === transfer.sizeBytes
    if (isThere) waiting.push(transfer)
    else lost.push(transfer)
  }
  if (lost.length > 0) await work.progress.fail(lost, 'corrupt', 'its content is not in the spool any more')
  const batches: { batch: Batch; stage: 'reporting' | 'doubtful' }[] = []
  for (const batch of batchesOf(unfinished)) {
    const kind = batch.left[0]?.state.kind
    if (kind === 'sending') batch.left = await doubt(work, batch)
    batches.push({ batch, stage: kind === 'reporting' ? 'reporting' : 'doubtful' })
  }
  return { waiting, batches }
}

/** Failed transfers whose client was not told yet: their content is kept. */
async function untold(work: UploadWork, unfinished: readonly Transfer[]): Promise<readonly TransferId[]> {
  const known = new Set(unfinished.map(({ id }) => id))
  const ids: TransferId[] = []
  for (const id of await work.content.ids()) {
    const transfer = known.has(id) ? undefined : await work.journal.get(id)
    if (transfer?.state.kind === 'failed' && !transfer.isClaimed) ids.push(id)
  }
  return ids
}

/** The requests that were under way, from what the journal says of their files. */
function batchesOf(unfinished: readonly Transfer[]): readonly Batch[] {
  const batches = new Map<string, Batch>()
  for (const transfer of unfinished) {
    const { state, folder } = transfer
    if (state.kind !== 'sending' && state.kind !== 'reporting' && state.kind !== 'doubtful') continue
    const { node, startedMs } = state
    const xid = state.kind === 'sending' ? state.uploadId : state.xid
    const isTaken = state.kind === 'doubtful' ? state.isTaken : state.kind === 'reporting'
    const name = `${state.kind} ${node} ${xid} ${folder} ${startedMs} ${isTaken}`
    const batch = batches.get(name) ?? { node, xid, folder, startedMs, isCutByUs: true, isTaken, left: [] }
    batch.left = [...batch.left, transfer]
    batches.set(name, batch)
  }
  return [...batches.values()]
}
