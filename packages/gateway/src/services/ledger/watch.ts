import {
  type Clock,
  type FactStore,
  GatewayError,
  type KeptCheckpoint,
  type LedgerBook,
  MINUTE_MS,
  SECOND_MS,
  type Witness,
} from '@guichet/core'
import type { Log } from '../../log.ts'
import { verifyLedger } from './verify.ts'

/** Why the ledger is not trusted, and what the owner can do. */
export interface Distrust {
  /** `ledger-cut`, `ledger-rewritten` … */
  readonly alarm: string
  readonly message: string
  readonly hint?: string
}

/**
 *   unchecked ──the keyholder signs──▶ witnessed
 *       │                                 │
 *       └──────────▶ distrusted ◀─────────┘     until the gateway is started again
 */
export interface LedgerWatch extends AsyncDisposable {
  readonly distrust: Distrust | undefined
  /** What is to be refused with while the ledger is not trusted. */
  refusal(): GatewayError | undefined
  /** As `refusal`, but thrown, and only once the keyholder has seen the ledger: for what leaves with the API key. */
  requireWitness(): Promise<void>
}

/** A checkpoint is kept in the database after so many new entries, or for any new entry after so long. */
export const KEEP_AFTER: { readonly entries: number; readonly ms: number } = {
  entries: 1_000,
  ms: 5 * MINUTE_MS,
}
/**
 * How often the keyholder is shown what is new: an old database that is put back goes unnoticed only if it lacks no more
 * than the entries of this time. Each showing syncs one small file.
 */
export const SHOW_EVERY_MS: number = 2 * SECOND_MS
/** Between two pages of the walk, so that it takes no part of a core from those who wait. */
const WALK_PAUSE_MS = 10

/** By this fact `guichet ledger accept` says up to which entry the owner takes the ledger as it is. */
export const ACCEPTED_FACT = 'ledger-accepted'

export interface LedgerWatchOptions {
  readonly book: LedgerBook
  readonly facts: FactStore
  readonly witness: Witness
  readonly clock: Clock
  readonly log: Log
}

/**
 * Shows the ledger to the keyholder, keeps some of the checkpoints that it signs, and goes over all entries once.
 * Resolves after the first showing: a ledger that is not the one the keyholder knows is known to be wrong by then,
 * unless the keyholder is sealed. Disposing of it makes a last checkpoint.
 */
export async function watchLedger(options: LedgerWatchOptions): Promise<LedgerWatch> {
  const watch = new KeptWatch(options)
  await watch.show()
  watch.begin()
  return watch
}

class KeptWatch implements LedgerWatch {
  readonly #options: LedgerWatchOptions
  readonly #stop = new AbortController()
  #distrust: Distrust | undefined
  /** How many entries the keyholder has seen. */
  #shown: number | undefined
  #kept = { size: 0, atMs: 0 }
  /** Why the last showing came to nothing. */
  #unshown: GatewayError | undefined
  #showing: Promise<void> | undefined
  #work: readonly Promise<void>[] = []

  constructor(options: LedgerWatchOptions) {
    this.#options = options
  }

  get distrust(): Distrust | undefined {
    return this.#distrust
  }

  refusal(): GatewayError | undefined {
    if (this.#distrust === undefined) return undefined
    const { alarm, message, hint } = this.#distrust
    return new GatewayError('unavailable', `the ledger is not trusted, so nothing is done: ${message}`, {
      hint,
      facts: { alarm, sent: false },
    })
  }

  async requireWitness(): Promise<void> {
    if (this.#shown === undefined && this.#distrust === undefined) await this.show()
    const refusal = this.refusal() ?? (this.#shown === undefined ? this.#unshown : undefined)
    if (refusal !== undefined) throw refusal
  }

  begin(): void {
    // Both end by the abort of their sleep.
    this.#work = [this.#tend(), this.#walk()].map((work) => work.catch((failure) => this.#failed(failure)))
  }

  /** One showing at a time. */
  show(wish?: 'keep'): Promise<void> {
    this.#showing ??= this.#show(wish).finally(() => {
      this.#showing = undefined
    })
    return this.#showing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#work)
    const { size } = await this.#options.book.head()
    if (this.#distrust === undefined && size !== this.#kept.size) await this.show('keep')
  }

  async #show(wish: 'keep' | undefined): Promise<void> {
    const { book, witness, clock, log } = this.#options
    try {
      const { size: known } = await witness.witnessed()
      const head = await book.head()
      const last = await book.lastCheckpoint()
      const proof = known <= head.size ? await book.proof(known, head.size) : []
      const { note, verifierKey } = await witness.signCheckpoint({ ...head, proof, last: last?.note })
      const checkpoint: KeptCheckpoint = { size: head.size, atMs: clock.nowMs(), note, verifierKey }
      if (head.size > 0 && (wish === 'keep' || this.#isToBeKept(checkpoint))) {
        await book.keepCheckpoint(checkpoint)
        this.#kept = checkpoint
      }
      this.#shown = head.size
    } catch (failure) {
      this.#unshown = GatewayError.from(failure)
      const { code, message, facts } = this.#unshown
      const { alarm } = facts
      if (code === 'corrupt' || code === 'invalid')
        this.#raise(typeof alarm === 'string' ? alarm : 'ledger-damaged', this.#unshown)
      // A sealed keyholder signs nothing, and a full disk takes nothing: the next turn tries again.
      else if (code !== 'sealed') log.warn({ code, message }, 'the ledger has no new checkpoint')
    }
  }

  async #tend(): Promise<void> {
    const { book, clock } = this.#options
    while (this.#distrust === undefined) {
      await clock.sleep(SHOW_EVERY_MS, this.#stop.signal)
      const { size } = await book.head()
      if (size !== this.#shown || this.#isToBeKept({ size, atMs: clock.nowMs() })) await this.show()
    }
  }

  /** The first of a run is, too. */
  #isToBeKept({ size, atMs }: Pick<KeptCheckpoint, 'size' | 'atMs'>): boolean {
    const more = size - this.#kept.size
    const passedMs = atMs - this.#kept.atMs
    // A clock that was set back makes one checkpoint more.
    return more >= KEEP_AFTER.entries || (more > 0 && (passedMs >= KEEP_AFTER.ms || passedMs < 0))
  }

  /** Over all entries, in pieces, beside the work of the gateway. */
  async #walk(): Promise<void> {
    const { book, clock, log } = this.#options
    const { size: until } = await book.head()
    const accepted = Math.min(await this.#accepted(), until)
    const { problem } = await verifyLedger({
      source: book,
      from: await book.edge(accepted),
      until,
      pause: () => clock.sleep(WALK_PAUSE_MS, this.#stop.signal),
    })
    if (problem === undefined) return log.debug({ size: until }, 'the ledger is whole')
    const { kind, message } = problem
    this.#raise(`ledger-${kind}`, {
      message,
      hint: 'see `guichet ledger verify`; to go on with the ledger as it is, stop the gateway and `guichet ledger accept`',
    })
  }

  async #accepted(): Promise<number> {
    const fact = await this.#options.facts.get(ACCEPTED_FACT)
    const { value } = fact ?? {}
    return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0
  }

  #failed(failure: unknown): void {
    if (this.#stop.signal.aborted) return
    // A ledger that cannot be read is no ledger that can be trusted.
    this.#raise('ledger-unreadable', GatewayError.from(failure))
  }

  #raise(alarm: string, { message, hint }: Pick<GatewayError, 'message' | 'hint'>): void {
    if (this.#distrust !== undefined) return
    this.#distrust = { alarm, message, ...(hint !== undefined && { hint }) }
    this.#options.log.error(
      this.#distrust,
      'the ledger is not trusted: nothing is served until the owner has looked',
    )
  }
}
