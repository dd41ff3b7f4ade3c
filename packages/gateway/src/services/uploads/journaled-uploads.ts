import {
  type FolderId,
  GatewayError,
  type KeyId,
  parseName,
  type Transfer,
  type TransferId,
  type TransferState,
} from '@guichet/core'
import {
  createTransferId,
  limited,
  outcomeOf,
  raiseUnknown,
  requireSize,
  requireWhirlpool,
  tooManyWaiting,
} from './rules.ts'

import type { Announced, Received, Uploads, UploadsOptions } from './uploads.ts'

/** How many uploads that lost a transfer to a repetition are remembered. */
const REHOMED_MAX = 10_000

export function createUploads(options: UploadsOptions): Uploads {
  return new JournaledUploads(options)
}

class JournaledUploads implements Uploads {
  readonly #options: UploadsOptions
  /** Transfers that went to another upload while the client of the first one may still ask for them. */
  readonly #rehomed = new Map<string, readonly TransferId[]>()

  constructor(options: UploadsOptions) {
    this.#options = options
  }

  async receive(
    who: { readonly key: KeyId | 'owner' },
    folder: FolderId,
    file: Announced,
    content: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<Received> {
    const name = parseName(file.name)
    if (file.sizeBytes !== undefined) requireSize(name, file.sizeBytes)
    if (this.#options.uploader.status().isFull) throw tooManyWaiting()
    const { spool, hashers, random } = this.#options
    const id = createTransferId(random)
    const { sizeBytes, whirlpool } = await spool.receive(id, limited(name, content), {
      sizeBytes: file.sizeBytes,
      hasher: hashers.whirlpool(),
      signal,
    })
    const received: Received = { id, key: who.key, folder, name, sizeBytes, whirlpool }
    try {
      requireSize(name, sizeBytes)
      requireWhirlpool(name, whirlpool, file.expectWhirlpool)
    } catch (failure) {
      await this.discard([received])
      throw failure
    }
    return received
  }

  async commit(
    upload: string,
    received: readonly Received[],
    options: { readonly more: boolean },
  ): Promise<readonly Transfer[]> {
    const { journal, uploader, clock } = this.#options
    const transfers: Transfer[] = []
    const fresh: Transfer[] = []
    try {
      for (const one of received) {
        const adopted = await this.#adopt(upload, one)
        const transfer = adopted ?? transferOf(upload, one, clock.nowMs())
        transfers.push(transfer)
        if (adopted === undefined) fresh.push(transfer)
      }
      if (fresh.length > 0) await journal.add(fresh)
    } catch (failure) {
      await this.discard(received)
      throw GatewayError.from(failure)
    }
    uploader.offer(fresh, options)
    const kept = new Set(fresh.map(({ id }) => id))
    await this.#drop(received.map(({ id }) => id).filter((id) => !kept.has(id)))
    return transfers
  }

  async discard(received: readonly Received[]): Promise<void> {
    const { journal, spool } = this.#options
    // What an earlier commit journaled is owed, whoever discards it.
    for (const { id } of received) if ((await journal.get(id)) === undefined) await spool.remove(id)
  }

  async whenStored(upload: string, signal?: AbortSignal): Promise<readonly Transfer[]> {
    const { journal, uploader } = this.#options
    const known = new Map<TransferId, Transfer>()
    const heard = new Set<TransferId>()
    const hear = (transfer: Transfer): void => {
      if (!known.has(transfer.id)) return
      heard.add(transfer.id)
      known.set(transfer.id, transfer)
    }
    let wake: () => void = () => {}
    // Listens before it looks, so that nothing happens unheard in between.
    using _ = uploader.watch((news) => {
      if (news.kind === 'moved') for (const transfer of news.transfers) hear(transfer)
      wake()
    })
    const onAbort = (): void => wake()
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      for (const transfer of await this.#transfersOf(upload)) known.set(transfer.id, transfer)
      for (const id of [...known.keys()]) {
        const transfer = (await journal.get(id)) ?? raiseUnknown(upload)
        // What was heard meanwhile is newer than what was read.
        if (!heard.has(id)) known.set(id, transfer)
      }
      if (known.size === 0) raiseUnknown(upload)
      while (true) {
        if (signal?.aborted) throw GatewayError.from(signal.reason)
        const outcome = outcomeOf([...known.values()], uploader.refusal())
        if (outcome === 'stored') return await this.#claim([...known.keys()])
        if (outcome !== 'open') return await this.#raise(outcome, [...known.values()])
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  async find(id: TransferId): Promise<Transfer | undefined> {
    return await this.#options.journal.get(id)
  }

  async told(transfer: Transfer): Promise<void> {
    if (transfer.state.kind === 'failed' && !transfer.isClaimed) await this.#giveUp([transfer.id])
  }

  async unfinished(): Promise<readonly Transfer[]> {
    return await this.#options.journal.unfinished()
  }

  async counts(): Promise<Readonly<Record<TransferState['kind'], number>>> {
    return await this.#options.journal.counts()
  }

  refusalOf(transfer: Transfer): GatewayError | undefined {
    const outcome = outcomeOf([transfer], this.#options.uploader.refusal())
    return outcome instanceof GatewayError && transfer.state.kind !== 'failed' ? outcome : undefined
  }

  trouble(): GatewayError | undefined {
    return this.#options.uploader.trouble()
  }

  /**
   * The transfer of an earlier upload with this content for this place, of which no client was told.
   * One that was told of is never taken: a client that replaces a file sends the new one and then removes the old,
   * and with one transfer for both it would remove the only copy.
   */
  async #adopt(upload: string, received: Received): Promise<Transfer | undefined> {
    const { journal, tree } = this.#options
    const { key, folder, name, sizeBytes, whirlpool } = received
    const former = await journal.unclaimed({ key, folder, name, sizeBytes, whirlpool })
    if (former === undefined || former.upload === upload || former.state.kind === 'failed') return undefined
    if (former.state.kind === 'stored') {
      // What was moved, renamed or removed since does not stand for a new file.
      const file = await tree.file(former.state.link.id)
      if (file?.folder !== folder || file.name !== name) return undefined
    }
    const adopted = await journal.adopt(former.id, upload)
    if (adopted !== undefined) this.#remember(former)
    return adopted
  }

  #remember({ upload, id }: Transfer): void {
    this.#rehomed.set(upload, [...(this.#rehomed.get(upload) ?? []), id])
    const [oldest] = this.#rehomed.keys()
    if (this.#rehomed.size > REHOMED_MAX && oldest !== undefined) this.#rehomed.delete(oldest)
  }

  async #transfersOf(upload: string): Promise<readonly Transfer[]> {
    const { journal } = this.#options
    const rehomed = await Promise.all((this.#rehomed.get(upload) ?? []).map((id) => journal.get(id)))
    return [...(await journal.byUpload(upload)), ...rehomed.filter((transfer) => transfer !== undefined)]
  }

  async #claim(ids: readonly TransferId[]): Promise<readonly Transfer[]> {
    const { journal } = this.#options
    await journal.claim(ids)
    const claimed = await Promise.all(ids.map((id) => journal.get(id)))
    return claimed.filter((transfer) => transfer !== undefined)
  }

  /** Content that nobody needs; should it resist, the next start sweeps it. */
  async #drop(ids: readonly TransferId[]): Promise<void> {
    await Promise.allSettled(ids.map((id) => this.#options.spool.remove(id)))
  }

  /**
   * The client is told: of what failed it has the content itself, and ours is given up.
   * What was stored stays unclaimed, so that the client may send all of it again.
   */
  async #raise(error: GatewayError, transfers: readonly Transfer[]): Promise<never> {
    const failed = transfers.filter(({ state }) => state.kind === 'failed').map(({ id }) => id)
    if (failed.length > 0) await this.#giveUp(failed)
    throw error
  }

  async #giveUp(ids: readonly TransferId[]): Promise<void> {
    await this.#options.journal.claim(ids)
    await this.#drop(ids)
  }
}

function transferOf(upload: string, received: Received, createdMs: number): Transfer {
  return { ...received, upload, attempts: 0, createdMs, isClaimed: false, state: { kind: 'spooled' } }
}
