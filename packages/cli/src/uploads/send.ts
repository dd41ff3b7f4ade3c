import { open } from 'node:fs/promises'
import { type ErrorCode, GatewayError, isErrorCode, SECOND_MS } from '@guichet/core'
import type { ApiTransfer } from '@guichet/sdk'
import { foreseen } from '../failures.ts'
import { inParallel } from '../parallel.ts'
import { type Patience, withPatience } from '../patience.ts'
import { pathInside } from '../places.ts'
import { countText, printable } from '../print.ts'
import { type Progress, tellWaiting } from '../progress.ts'
import type { Session } from '../session.ts'
import { createWhirlpool } from '../whirlpool.ts'
import type { Batch, Send } from './plan.ts'

export interface Sent {
  readonly source: string
  readonly path: string
  readonly sizeBytes: number
  readonly whirlpool: string
  readonly transfer: string
  readonly link?: string
}

export interface Outcome {
  readonly stored: Sent[]
  readonly failed: { readonly source: string; readonly path: string; readonly error: GatewayError }[]
}

const PARALLEL_PUTS = 8
/** So many transfers may be under way before we wait for the oldest. */
const OUTSTANDING_MAX = 1_000
const POLL_MS = 500
const POLLS_PER_NOTICE = 4
/** What lasts no longer is not worth a line. */
const POLLS_OF_TROUBLE = 20
const PUT_ATTEMPTS_MAX = 5
const POLL_ATTEMPTS_MAX = 8

/**
 * Puts every batch into the gateway's spool and waits until 1fichier has it all.
 * A file that fails is reported; the others go on. Rejects only when cancelled.
 */
export async function sendBatches(
  session: Session,
  batches: readonly Batch[],
  progress: Progress,
): Promise<Outcome> {
  const outcome: Outcome = { stored: [], failed: [] }
  const total = batches.reduce((sum, batch) => sum + batch.sends.length, 0)
  const sender: Sender = { session, progress, outcome, spooled: [], told: new Set(), total, isGone: false }
  try {
    for (const batch of batches) {
      await spoolBatch(sender, batch)
      await settle(sender, OUTSTANDING_MAX)
    }
    await settle(sender, 0)
    return outcome
  } catch (failure) {
    tellSpooled(sender)
    throw failure
  }
}

/** What the gateway has taken needs us no more. */
function tellSpooled({ session, spooled }: Sender): void {
  if (spooled.length === 0) return
  session.print.note(
    `the gateway has ${countText(spooled.length, 'file')} more in its spool and goes on with them by itself`,
  )
}

/** Whoever waits is told what for, also where no bar is shown; once for each reason. */
function tellTrouble({ session, progress, told }: Sender, reason: string): void {
  progress.tell(reason)
  if (progress.isVisible || told.has(reason)) return
  told.add(reason)
  session.print.note(
    `waiting: ${printable(reason)}\nthe gateway has the files and goes on by itself, also when this command is stopped`,
  )
}

interface Sender {
  readonly session: Session
  readonly progress: Progress
  readonly outcome: Outcome
  /** What the gateway has taken and 1fichier perhaps not yet, oldest first. */
  readonly spooled: Sent[]
  /** Reasons for waiting that a person has been told. */
  readonly told: Set<string>
  readonly total: number
  /** The gateway did not answer for as long as it is waited for: for the other files it is not waited for again. */
  isGone: boolean
}

/**
 * All but the last new file of a folder say that more follows, so that the gateway sends them together.
 * A replacement is answered only when it is stored, so it must not wait for others to follow.
 */
async function spoolBatch(sender: Sender, batch: Batch): Promise<void> {
  const fresh = batch.sends.filter((send) => !send.replaces)
  const replacing = batch.sends.filter((send) => send.replaces)
  const last = fresh.at(-1)
  await inParallel(fresh.slice(0, -1), PARALLEL_PUTS, (send) => spool(sender, batch.folder, send, true))
  if (last !== undefined) await spool(sender, batch.folder, last, false)
  await inParallel(replacing, PARALLEL_PUTS, (send) => spool(sender, batch.folder, send, false))
}

async function spool(sender: Sender, folder: string, send: Send, more: boolean): Promise<void> {
  const path = pathInside(folder, send.name)
  const { shown } = send.source
  await collectFailure(sender, { source: shown, path }, async () => {
    const sent = await withPatience(patienceOf(sender, PUT_ATTEMPTS_MAX), () =>
      spoolOnce(sender, path, send, more),
    )
    sender.spooled.push(sent)
  })
}

async function spoolOnce(sender: Sender, path: string, send: Send, more: boolean): Promise<Sent> {
  const { session, progress } = sender
  const { sizeBytes, shown } = send.source
  const hash = createWhirlpool()
  let sentBytes = 0
  const content = readExactly(send.source.path, sizeBytes, (chunk) => {
    hash.update(chunk)
    sentBytes += chunk.byteLength
    progress.add(chunk.byteLength)
  })
  try {
    const { guichet } = session.connect()
    const options = { sizeBytes, more, overwrite: send.replaces, wait: false, signal: session.stop }
    const stored = await guichet.put(path, content, options)
    const whirlpool = hash.digest('hex')
    if (stored.whirlpool !== whirlpool) {
      throw new GatewayError('corrupt', `${JSON.stringify(shown)} arrived at the gateway changed`, {
        hint: 'remove it from the account and send it again',
      })
    }
    const link = stored.file === undefined ? {} : { link: stored.file.link }
    return { source: shown, path, sizeBytes, whirlpool, transfer: stored.transfer, ...link }
  } catch (failure) {
    progress.add(-sentBytes)
    throw failure
  }
}

/** Waits for the oldest until no more than so many are under way. */
async function settle(sender: Sender, outstandingMax: number): Promise<void> {
  const { session, progress, outcome, spooled } = sender
  while (spooled.length > outstandingMax) {
    const [next] = spooled
    if (next === undefined) return
    await collectFailure(sender, next, async () => {
      const link = next.link ?? (await waitUntilStored(sender, next)).link
      outcome.stored.push({ ...next, ...(link === undefined ? {} : { link }) })
    })
    spooled.shift()
    progress.tell(`${outcome.stored.length} of ${sender.total} stored`)
    session.stop.throwIfAborted()
  }
}

async function waitUntilStored(sender: Sender, sent: Sent): Promise<ApiTransfer> {
  const { session, progress } = sender
  const { guichet } = session.connect()
  let troubled = 0
  for (let polls = 0; ; polls += 1) {
    if (polls % POLLS_PER_NOTICE === POLLS_PER_NOTICE - 1) await tellWaiting(session, progress)
    const transfer = await ask(sender, () => guichet.transfer(sent.transfer, { signal: session.stop }))
    if (transfer.state === 'stored') return transfer
    if (transfer.state === 'failed') {
      throw new GatewayError(codeOf(transfer), transfer.problem ?? '1fichier did not take it', {
        hint: '`guichet status` tells how the gateway is; send it again when the reason is gone',
      })
    }
    if (transfer.problem !== undefined) {
      throw new GatewayError(codeOf(transfer), transfer.problem, {
        hint: 'the gateway keeps the file; mend the account, then `guichet resume` sends it',
      })
    }
    troubled = transfer.waitsFor === undefined ? 0 : troubled + 1
    if (transfer.waitsFor !== undefined && troubled >= POLLS_OF_TROUBLE)
      tellTrouble(sender, transfer.waitsFor)
    await session.world.clock.sleep(POLL_MS, session.stop)
  }
}

async function ask(sender: Sender, question: () => Promise<ApiTransfer>): Promise<ApiTransfer> {
  try {
    const answer = await withPatience(patienceOf(sender, sender.isGone ? 1 : POLL_ATTEMPTS_MAX), question)
    sender.isGone = false
    return answer
  } catch (failure) {
    sender.isGone = GatewayError.from(failure).code === 'unavailable'
    throw failure
  }
}

function codeOf({ problemCode = '' }: ApiTransfer): ErrorCode {
  return isErrorCode(problemCode) ? problemCode : 'internal'
}

function patienceOf(sender: Sender, attemptsMax: number): Patience {
  const { session, progress } = sender
  return {
    clock: session.world.clock,
    signal: session.stop,
    attemptsMax,
    onWait: (error, waitMs) => progress.tell(`${error.message}; again in ${Math.ceil(waitMs / SECOND_MS)} s`),
  }
}

async function collectFailure(
  sender: Sender,
  file: { readonly source: string; readonly path: string },
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work()
  } catch (failure) {
    const error = foreseen(failure)
    if (error.code === 'cancelled') throw error
    sender.outcome.failed.push({ source: file.source, path: file.path, error })
  }
}

/** The first `sizeBytes` bytes of a file, so that one that grows meanwhile still has the length that was announced. */
async function* readExactly(
  path: string,
  sizeBytes: number,
  onChunk: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  await using handle = await open(path, 'r')
  for await (const chunk of handle.createReadStream({
    end: sizeBytes - 1,
    highWaterMark: 256 * 1024,
    autoClose: false,
  })) {
    onChunk(chunk)
    yield chunk
  }
}
