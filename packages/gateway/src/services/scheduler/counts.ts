import { type Clock, type Endpoint, type FactStore, SECOND_MS, type Unpaced } from '@guichet/core'

const FACT = 'upstream-calls'
const SAVE_EVERY_MS = SECOND_MS

/** How often 1fichier was called since the home was made, by endpoint. Written at most once a second. */
export class CallCounts {
  readonly #calls: Map<string, number>
  readonly #facts: FactStore
  readonly #clock: Clock
  readonly #closed = new AbortController()
  #locksMet: number
  #isSaving = false
  #isSaved = true

  static async load(facts: FactStore, clock: Clock): Promise<CallCounts> {
    return new CallCounts(facts, clock, (await facts.get(FACT))?.value)
  }

  private constructor(facts: FactStore, clock: Clock, saved: unknown) {
    this.#facts = facts
    this.#clock = clock
    const { calls, locksMet } = (saved ?? {}) as {
      readonly calls?: Record<string, number>
      readonly locksMet?: number
    }
    this.#calls = new Map(Object.entries(calls ?? {}))
    this.#locksMet = locksMet ?? 0
  }

  count(name: Endpoint | Unpaced): void {
    this.#calls.set(name, (this.#calls.get(name) ?? 0) + 1)
    this.#saveSoon()
  }

  countLock(): void {
    this.#locksMet += 1
    this.#saveSoon()
  }

  totals(): {
    readonly calls: Readonly<Record<string, number>>
    readonly total: number
    readonly locksMet: number
  } {
    const total = [...this.#calls.values()].reduce((sum, calls) => sum + calls, 0)
    return { calls: Object.fromEntries(this.#calls), total, locksMet: this.#locksMet }
  }

  async close(): Promise<void> {
    this.#closed.abort()
    await this.#save()
  }

  #saveSoon(): void {
    this.#isSaved = false
    if (this.#isSaving || this.#closed.signal.aborted) return
    this.#isSaving = true
    this.#clock
      .sleep(SAVE_EVERY_MS, this.#closed.signal)
      .then(() => this.#save())
      .catch(() => {
        // Closed, and `close` saves; or the store failed, and the next count tries again: figures stop no call.
      })
      .finally(() => {
        this.#isSaving = false
        if (!this.#isSaved) this.#saveSoon()
      })
  }

  async #save(): Promise<void> {
    if (this.#isSaved) return
    this.#isSaved = true
    const { calls, locksMet } = this.totals()
    try {
      await this.#facts.put(FACT, { calls, locksMet }, this.#clock.nowMs())
    } catch (failure) {
      this.#isSaved = false
      throw failure
    }
  }
}
