import type { Budgets, Meter } from '../budgets/budgets.ts'
import type { Uploads } from './uploads.ts'

/** The same uploads, with what comes in counted against the sender's budgets: the bytes that came, whatever becomes of them. */
export function meterUploads(uploads: Uploads, budgets: Budgets): MeteredUploads {
  return {
    receive: async (caller, folder, file, content, signal) => {
      const use = { caller, verb: 'upload', target: file.name } as const
      const { sizeBytes } = file
      // A size that is known is reserved at once, so that what does not fit is refused before its first byte.
      const meter =
        sizeBytes === undefined
          ? await budgets.meter(use, 'up')
          : await announcedMeter(budgets, use, sizeBytes)
      try {
        const { key } = caller.principal
        return await uploads.receive({ key }, folder, file, metered(content, meter), signal)
      } finally {
        meter.end()
      }
    },
    commit: (...wish) => uploads.commit(...wish),
    discard: (...wish) => uploads.discard(...wish),
    whenStored: (...wish) => uploads.whenStored(...wish),
    find: (...wish) => uploads.find(...wish),
    told: (...wish) => uploads.told(...wish),
    unfinished: () => uploads.unfinished(),
    counts: () => uploads.counts(),
    refusalOf: (transfer) => uploads.refusalOf(transfer),
    trouble: () => uploads.trouble(),
  }
}

type Receive = Parameters<Uploads['receive']>

/** What doors may use: nothing comes in uncounted. */
export interface MeteredUploads extends Omit<Uploads, 'receive'> {
  /** As `Uploads.receive`; rejects with `over-budget`, too. */
  receive(
    caller: Parameters<Budgets['reserve']>[0]['caller'],
    folder: Receive[1],
    file: Receive[2],
    content: Receive[3],
    signal?: Receive[4],
  ): ReturnType<Uploads['receive']>
}

async function announcedMeter(
  budgets: Budgets,
  use: Parameters<Budgets['reserve']>[0],
  sizeBytes: number,
): Promise<Meter> {
  const reservation = await budgets.reserve(use, { up: sizeBytes })
  let came = 0
  return {
    take: async (bytes) => {
      came += bytes
    },
    end: () => reservation.settle({ up: came }),
  }
}

async function* metered(content: AsyncIterable<Uint8Array>, meter: Meter): AsyncGenerator<Uint8Array> {
  for await (const chunk of content) {
    await meter.take(chunk.length)
    yield chunk
  }
}
