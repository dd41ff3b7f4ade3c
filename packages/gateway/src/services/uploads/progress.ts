import type { Clock, ErrorCode, GatewayError, Transfer, TransferJournal, TransferState } from '@guichet/core'
import type { Log } from '../../log.ts'
import { growingMs, type UploaderLimits } from './limits.ts'

/** What listeners hear, after it is in the journal. */
export type UploadNews =
  | { readonly kind: 'moved'; readonly transfers: readonly Transfer[] }
  /** 1fichier refuses the account: what waits keeps waiting, and those who wait for it are told. */
  | { readonly kind: 'refused'; readonly error: GatewayError }

export interface Move {
  readonly transfer: Transfer
  readonly state: TransferState
  readonly attempts?: number
}

/** The states of transfers: first into the journal, then to those who listen. */
export class UploadProgress {
  readonly #journal: TransferJournal
  readonly #clock: Clock
  readonly #limits: UploaderLimits
  readonly #log: Log | undefined
  readonly #stop: AbortSignal
  readonly #listeners = new Set<(news: UploadNews) => void>()

  constructor(options: {
    readonly journal: TransferJournal
    readonly clock: Clock
    readonly limits: UploaderLimits
    readonly log: Log | undefined
    readonly stop: AbortSignal
  }) {
    this.#journal = options.journal
    this.#clock = options.clock
    this.#limits = options.limits
    this.#log = options.log
    this.#stop = options.stop
  }

  watch(listener: (news: UploadNews) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  /** Resolves with the transfers as they are then. Insists until the journal takes it; gives up only at a stop. */
  async move(moves: readonly Move[]): Promise<readonly Transfer[]> {
    if (moves.length === 0) return []
    const changes = moves.map(({ transfer, state, attempts }) => ({
      id: transfer.id,
      state,
      ...(attempts === undefined ? {} : { attempts }),
    }))
    for (let failures = 0; ; failures += 1) {
      try {
        await this.#journal.advance(changes)
        break
      } catch (failure) {
        this.#log?.error({ cause: String(failure) }, 'the journal of transfers takes nothing')
        await this.#clock.sleep(growingMs(this.#limits.retry, failures), this.#stop)
      }
    }
    const transfers = moves.map(({ transfer, state, attempts }) => ({
      ...transfer,
      state,
      attempts: attempts ?? transfer.attempts,
    }))
    this.tell({ kind: 'moved', transfers })
    return transfers
  }

  async fail(transfers: readonly Transfer[], code: ErrorCode, why: string): Promise<void> {
    const failedMs = this.#clock.nowMs()
    this.#log?.warn({ code, transfers: transfers.map((transfer) => transfer.id) }, why)
    await this.move(
      transfers.map((transfer) => ({
        transfer,
        state: { kind: 'failed', code, message: `${JSON.stringify(transfer.name)}: ${why}`, failedMs },
      })),
    )
  }

  tell(news: UploadNews): void {
    for (const listener of this.#listeners) listener(news)
  }
}
