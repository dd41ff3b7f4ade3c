import { type BudgetStore, GatewayError, type Spend, type SpendBook } from '@guichet/core'

/**
 * What is used up, in memory, and a mark of it on disk that is never lower.
 *
 * The mark is written up to a hundredth of a budget ahead, so that most uses of a large budget cost no write. After a
 * crash the mark is what counts; when the gateway stops in good order, it is brought down to the truth.
 */
export class OpenSpendBook implements AsyncDisposable {
  readonly #store: BudgetStore
  readonly #spends: Map<string, Spend>
  readonly #marks: Map<string, Spend>
  /** Written by the next transaction; the uses of one turn of the event loop share it. */
  #due = new Map<string, Spend>()
  #writing: Promise<void> | undefined

  constructor(store: BudgetStore, loaded: SpendBook) {
    this.#store = store
    this.#spends = new Map(loaded)
    this.#marks = new Map(loaded)
  }

  /** As it is at this moment; what is read and changed in one turn of the event loop is one step. */
  get spends(): SpendBook {
    return this.#spends
  }

  /** Counts at once; resolves when the disk has it, or a mark above it. `maxOf` is the limit of a counter. */
  async raise(changed: ReadonlyMap<string, Spend>, maxOf: (name: string) => number): Promise<void> {
    let isDue = false
    for (const [name, spend] of changed) {
      this.#spends.set(name, spend)
      if (spend.startMs === 0 || covers(this.#marks.get(name), spend)) continue
      const max = maxOf(name)
      const amount = Math.min(max, spend.amount + Math.floor(max / AHEAD))
      const due = this.#due.get(name)
      if (!covers(due, spend)) this.#due.set(name, { startMs: spend.startMs, amount })
      isDue = true
    }
    if (isDue) await this.#write()
  }

  /** Takes effect at once, and needs no disk: a mark that is too high is only too careful. */
  lower(changed: ReadonlyMap<string, Spend>): void {
    for (const [name, spend] of changed) this.#spends.set(name, spend)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing
    const exact = [...this.#spends].filter(([name, { startMs, amount }]) => {
      const mark = this.#marks.get(name)
      return startMs !== 0 && (mark?.startMs !== startMs || mark.amount !== amount)
    })
    await this.#store.save(new Map(exact))
  }

  #write(): Promise<void> {
    this.#writing ??= new Promise<void>((resolve, reject) => {
      setImmediate(() => {
        const due = this.#due
        this.#due = new Map()
        this.#writing = undefined
        this.#store.save(due).then(() => {
          for (const [name, mark] of due)
            if (!covers(this.#marks.get(name), mark)) this.#marks.set(name, mark)
          resolve()
        }, reject)
      })
    })
    return this.#writing
  }
}

/** A mark is written this part of its budget ahead. */
const AHEAD = 100

function covers(mark: Spend | undefined, spend: Spend): boolean {
  return mark !== undefined && mark.startMs === spend.startMs && mark.amount >= spend.amount
}

export function notWritten(cause: unknown): GatewayError {
  const isFull = GatewayError.from(cause).code === 'disk-full'
  return new GatewayError(
    isFull ? 'disk-full' : 'unavailable',
    `what is used up cannot be written${isFull ? ' to the full disk' : ''}, so nothing is done`,
    { hint: 'free some space, or look for the fault of the disk, where the data directory is', cause },
  )
}
