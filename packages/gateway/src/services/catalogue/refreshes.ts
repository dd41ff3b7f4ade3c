import type { FolderId } from '@guichet/core'

/** Above so many, others do not wait: the next question for such a folder brings it back. */
const WAITING_MAX = 10_000

/** Asks for one folder; resolves with false when the next one would end the same way. Never rejects. */
export type Refresh = () => Promise<boolean>

/**
 * Refreshes that nobody waits for, one at a time.
 *
 * However many folders are old, they take one place in the line to 1fichier.
 * Whoever wants one of them at once takes it out, and asks in their own name and priority.
 */
export class Refreshes {
  readonly #waiting = new Map<FolderId, Refresh>()
  #isBusy = false

  offer(folder: FolderId, refresh: Refresh): void {
    if (this.#waiting.has(folder) || this.#waiting.size >= WAITING_MAX) return
    this.#waiting.set(folder, refresh)
    if (!this.#isBusy) void this.#run()
  }

  withdraw(folder: FolderId): void {
    this.#waiting.delete(folder)
  }

  async #run(): Promise<void> {
    this.#isBusy = true
    // What is added meanwhile comes after the others.
    for (const [folder, refresh] of this.#waiting) {
      this.#waiting.delete(folder)
      if (!(await refresh())) this.#waiting.clear()
    }
    this.#isBusy = false
  }
}
