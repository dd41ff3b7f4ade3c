import { type Clock, type FolderId, type FolderNode, GatewayError, type Tree } from '@guichet/core'
import type { Log } from '../../log.ts'
import type { Caller, Gate } from '../gate.ts'
import type { Priority } from '../scheduler/scheduler.ts'
import { singleFlight } from '../single-flight.ts'
import type { HostFor } from './catalogue.ts'
import { Refreshes } from './refreshes.ts'

/** How many folders with a lost answer are told apart; with more, each counts as doubtful. */
const DOUBTS_MAX = 10_000

export interface ListingsOptions {
  readonly tree: Tree
  readonly host: HostFor
  readonly gate: Gate
  readonly clock: Clock
  readonly log: Log
  /** For so long a listing is taken for true; older ones are answered and refreshed behind. */
  readonly freshMs: number
}

/** Brings listings of 1fichier into the tree: identical questions in one call, old ones behind the answer. */
export class Listings {
  readonly #tree: Tree
  readonly #host: HostFor
  readonly #gate: Gate
  readonly #clock: Clock
  readonly #log: Log
  readonly #freshMs: number
  readonly #flights = singleFlight<void>()
  readonly #refreshes = new Refreshes()
  /** The number of the last doubt about each folder. */
  readonly #doubts = new Map<FolderId, number>()
  /** How many files there are where the last listing was cut. The tree never takes one for complete: it is asked anew. */
  readonly #cut = new Map<FolderId, number>()
  #lastDoubt = 0
  /** Folders without a number of their own have this one. */
  #commonDoubt = 0

  constructor(options: ListingsOptions) {
    this.#tree = options.tree
    this.#host = options.host
    this.#gate = options.gate
    this.#clock = options.clock
    this.#log = options.log
    this.#freshMs = options.freshMs
  }

  /** Resolves when the tree has what 1fichier lists of the folder. Rejects as the call does. */
  async fetch(caller: Caller, id: FolderId): Promise<void> {
    this.#refreshes.withdraw(id)
    await this.#ask(caller, id, 'interactive')
  }

  /** An old listing is answered from, and taken anew behind the answer. */
  refreshBehind(caller: Caller, { id, listedMs }: FolderNode): void {
    if (!this.#isOld(listedMs)) return
    const behind: Caller = { ...caller, signal: undefined, patienceMs: undefined }
    this.#refreshes.offer(id, async () => {
      try {
        const known = await this.#tree.folder(id)
        if (known !== undefined && this.#isOld(known.listedMs)) await this.#ask(behind, id, 'scan')
        return true
      } catch (failure) {
        // Nobody waits for this refresh; the next question tries again.
        const { code } = GatewayError.from(failure)
        this.#log.warn({ folder: id, code }, 'a refresh in the background failed')
        return code === 'not-found'
      }
    })
  }

  /** What is known of a folder may be wrong: the next question asks 1fichier, and no call under way answers it. */
  async doubt(id: FolderId): Promise<void> {
    this.#lastDoubt += 1
    if (this.#doubts.size >= DOUBTS_MAX) {
      this.#doubts.clear()
      this.#commonDoubt = this.#lastDoubt
    }
    this.#doubts.set(id, this.#lastDoubt)
    await this.#tree.forgetListing(id)
  }

  /** How many files there are in a folder whose last listing was cut, else zero. */
  countOf(id: FolderId): number {
    return this.#cut.get(id) ?? 0
  }

  #ask(caller: Caller, id: FolderId, priority: Priority): Promise<void> {
    const doubt = this.#doubtOf(id)
    return this.#flights(`folder:${id}:${doubt}`, caller.signal, async (signal) => {
      // A key that may not list needs listings all the same: for paths, and for names that are taken.
      await this.#gate.note(caller, 'list', `folder ${id} at 1fichier`)
      const askedMs = this.#clock.nowMs()
      try {
        const listing = await this.#host({ ...caller, signal }, priority).listFolder(id, { signal })
        const count = listing.fileCount ?? 0
        if (count > listing.files.length) this.#cut.set(id, count)
        else this.#cut.delete(id)
        await this.#tree.applyListing(listing, askedMs, this.#clock.nowMs())
        // Asked before a write whose answer was lost: it may show the folder as it was before.
        if (this.#doubtOf(id) !== doubt) await this.#tree.forgetListing(id)
      } catch (failure) {
        if (failure instanceof GatewayError && failure.code === 'not-found') await this.#tree.forgetFolder(id)
        throw failure
      }
    })
  }

  #doubtOf(id: FolderId): number {
    return this.#doubts.get(id) ?? this.#commonDoubt
  }

  #isOld(listedMs = 0): boolean {
    const ageMs = this.#clock.nowMs() - listedMs
    // A listing from the future was taken before somebody set the clock back: nobody knows how old it is.
    return ageMs > this.#freshMs || ageMs < 0
  }
}
