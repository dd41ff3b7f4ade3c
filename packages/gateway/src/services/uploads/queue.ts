import type { FolderId, KeyId, Transfer, TransferId } from '@guichet/core'
import type { UploaderLimits } from './limits.ts'

/** How long to wait for company: after the last arrival, and while more was announced. */
export interface Linger {
  readonly alone: number
  readonly more: number
}

/** Which folder to serve, or how long until there is one; no time at all: until something changes. */
export type Next =
  | { readonly kind: 'ready'; readonly folder: FolderId; readonly key: KeyId | 'owner' }
  | { readonly kind: 'wait'; readonly waitMs: number | undefined }

/**
 * What waits to be sent, by folder, and which of it goes together. No clock, no I/O.
 *
 * A name of a folder is under way once at a time: what 1fichier then shows under it can be told apart.
 */
export class UploadQueue {
  readonly #limits: UploaderLimits
  readonly #linger: Linger
  readonly #folders = new Map<FolderId, WaitingFolder>()
  /** Names under way. */
  readonly #busy = new Map<string, TransferId>()
  /** Big files under way. */
  readonly #big = new Set<TransferId>()
  #turns = 0

  constructor(limits: UploaderLimits, linger: Linger) {
    this.#limits = limits
    this.#linger = linger
  }

  get size(): number {
    return this.#folders.values().reduce((sum, folder) => sum + folder.entries.length, 0)
  }

  offer(transfers: readonly Transfer[], options: { readonly more: boolean }, nowMs: number): void {
    for (const transfer of transfers) {
      const folder = this.#folder(transfer.folder, nowMs)
      folder.entries.push({ transfer, groupMax: this.#limits.filesMax })
      folder.bytes += transfer.sizeBytes
      folder.isUrgent ||= this.#isBig(transfer)
      folder.lastMs = nowMs
      folder.more = options.more
    }
  }

  /** Puts back what was taken: it goes again without lingering, in groups of `groupMax` at the most. */
  putBack(transfers: readonly Transfer[], groupMax: number, nowMs: number): void {
    this.finish(transfers)
    for (const transfer of transfers.toReversed()) {
      const folder = this.#folder(transfer.folder, nowMs)
      folder.entries.unshift({ transfer, groupMax: Math.max(1, groupMax) })
      folder.bytes += transfer.sizeBytes
      folder.isUrgent = true
    }
  }

  /** Holds the names of transfers that are under way already. */
  hold(transfers: readonly Transfer[]): void {
    for (const transfer of transfers) this.#busy.set(nameOf(transfer), transfer.id)
  }

  /** The names are free again. */
  finish(transfers: readonly Transfer[]): void {
    for (const transfer of transfers) {
      if (this.#busy.get(nameOf(transfer)) === transfer.id) this.#busy.delete(nameOf(transfer))
      this.#big.delete(transfer.id)
    }
  }

  /** Of the folders that are due the one that has waited longest for its turn; those in `asking` have theirs. */
  next(nowMs: number, asking: ReadonlySet<FolderId>): Next {
    let best: WaitingFolder | undefined
    let waitMs: number | undefined
    for (const folder of this.#folders.values()) {
      if (asking.has(folder.id)) continue
      // What seems to come from the future came before somebody set the clock back.
      folder.firstMs = Math.min(folder.firstMs, nowMs)
      folder.lastMs = Math.min(folder.lastMs, nowMs)
      const folderWaitMs = this.#dueMs(folder) - nowMs
      if (folderWaitMs > 0) {
        waitMs = Math.min(waitMs ?? folderWaitMs, folderWaitMs)
      } else if (
        folder.entries.some((entry) => this.#mayGo(entry)) &&
        (best === undefined || folder.turn < best.turn)
      ) {
        best = folder
      }
    }
    const first = best?.entries.find((entry) => this.#mayGo(entry))
    if (best === undefined || first === undefined) return { kind: 'wait', waitMs }
    return { kind: 'ready', folder: best.id, key: first.transfer.key }
  }

  /** The files of one request, oldest first; none when all of the folder's names are under way. */
  take(id: FolderId, nowMs: number): readonly Transfer[] {
    const folder = this.#folders.get(id)
    if (folder === undefined) return []
    const taken = this.#choose(folder)
    if (taken.length === 0) return []
    this.hold(taken)
    for (const transfer of taken) if (this.#isBig(transfer)) this.#big.add(transfer.id)
    this.#drop(folder, taken, nowMs)
    return taken
  }

  /** Everything that waits for a folder. */
  takeAll(id: FolderId): readonly Transfer[] {
    const transfers = this.#folders.get(id)?.entries.map((entry) => entry.transfer) ?? []
    this.#folders.delete(id)
    return transfers
  }

  #choose(folder: WaitingFolder): readonly Transfer[] {
    const chosen: Transfer[] = []
    const names = new Set<string>()
    let bytes = 0
    let countMax = this.#limits.filesMax
    for (const entry of folder.entries) {
      const { transfer } = entry
      if (!this.#mayGo(entry) || names.has(transfer.name)) continue
      if (this.#isBig(transfer)) {
        if (chosen.length === 0) return [transfer]
        continue
      }
      const groupMax = Math.min(countMax, entry.groupMax)
      if (chosen.length >= groupMax || bytes + transfer.sizeBytes > this.#limits.bytesMax) break
      countMax = groupMax
      chosen.push(transfer)
      names.add(transfer.name)
      bytes += transfer.sizeBytes
    }
    return chosen
  }

  #drop(folder: WaitingFolder, taken: readonly Transfer[], nowMs: number): void {
    const ids = new Set(taken.map((transfer) => transfer.id))
    folder.entries = folder.entries.filter((entry) => !ids.has(entry.transfer.id))
    folder.bytes = folder.entries.reduce((sum, entry) => sum + entry.transfer.sizeBytes, 0)
    folder.firstMs = nowMs
    folder.lastMs = nowMs
    folder.isUrgent = false
    folder.turn = this.#nextTurn()
    if (folder.entries.length === 0) this.#folders.delete(folder.id)
  }

  #dueMs(folder: WaitingFolder): number {
    const { filesMax, bytesMax } = this.#limits
    if (folder.isUrgent || folder.entries.length >= filesMax || folder.bytes >= bytesMax) return 0
    const { alone, more } = this.#linger
    return folder.more
      ? Math.min(folder.lastMs + more, folder.firstMs + 6 * more)
      : Math.min(folder.lastMs + alone, folder.firstMs + more)
  }

  /** One place stays free of big files, so that small ones need not wait for hours. */
  #mayGo({ transfer }: Waiting): boolean {
    if (this.#busy.has(nameOf(transfer))) return false
    return !this.#isBig(transfer) || this.#big.size < Math.max(1, this.#limits.inFlightMax - 1)
  }

  #nextTurn(): number {
    this.#turns += 1
    return this.#turns
  }

  #isBig(transfer: Transfer): boolean {
    return transfer.sizeBytes > this.#limits.aloneBytes
  }

  #folder(id: FolderId, nowMs: number): WaitingFolder {
    const known = this.#folders.get(id)
    if (known !== undefined) return known
    const folder: WaitingFolder = {
      id,
      entries: [],
      bytes: 0,
      firstMs: nowMs,
      lastMs: nowMs,
      more: false,
      isUrgent: false,
      turn: this.#nextTurn(),
    }
    this.#folders.set(id, folder)
    return folder
  }
}

interface Waiting {
  readonly transfer: Transfer
  /** In how big a company it may go: smaller after a request with it was refused as a whole. */
  readonly groupMax: number
}

interface WaitingFolder {
  readonly id: FolderId
  entries: Waiting[]
  bytes: number
  firstMs: number
  lastMs: number
  more: boolean
  /** Something in it need not linger. */
  isUrgent: boolean
  turn: number
}

function nameOf(transfer: Transfer): string {
  return `${transfer.folder}/${transfer.name}`
}
