import type { Journal, JournalEntry } from './journal.ts'
import type { FileRecord } from './records.ts'

//   received ──▶ stored      by end.pl, or by itself after the delay
/** One upload request that was answered with a redirect to end.pl. */
export interface UploadRecord {
  readonly xid: string
  readonly files: readonly FileRecord[]
  /** 1 when it went to the "incoming" folder of a user. */
  readonly incoming: 0 | 1
  readonly receivedMs: number
  readonly stored: boolean
}

/** Puts a file into the account. */
export type Store = (file: FileRecord) => void

/** Uploads between the redirect and the listing. */
export class UploadDesk {
  readonly #journal: Journal
  readonly #uploads = new Map<string, UploadRecord>()

  constructor(journal: Journal) {
    this.#journal = journal
  }

  replay(entry: JournalEntry): void {
    if (entry.is === 'upload') this.#uploads.set(entry.upload.xid, entry.upload)
  }

  receive(upload: UploadRecord): void {
    this.#put(upload)
  }

  /** Stores what end.pl was asked for and gives its report; undefined when nothing is known under that XID. */
  reach(xid: string, lifetimeMs: number, nowMs: number, store: Store): UploadRecord | undefined {
    const upload = this.#uploads.get(xid)
    if (!upload || nowMs - upload.receivedMs > lifetimeMs) return undefined
    return upload.stored ? upload : this.#store(upload, store)
  }

  /** Stores what has waited too long for somebody to reach end.pl, and forgets what end.pl no longer knows. */
  settle(storeDelayMs: number, lifetimeMs: number, nowMs: number, store: Store): void {
    for (const upload of this.#uploads.values()) {
      const ageMs = nowMs - upload.receivedMs
      if (!upload.stored && ageMs >= storeDelayMs) this.#store(upload, store)
      if (ageMs > Math.max(storeDelayMs, lifetimeMs)) this.#uploads.delete(upload.xid)
    }
  }

  #store(upload: UploadRecord, store: Store): UploadRecord {
    for (const file of upload.files) store(file)
    const stored = { ...upload, stored: true }
    this.#put(stored)
    return stored
  }

  #put(upload: UploadRecord): void {
    this.#uploads.set(upload.xid, upload)
    this.#journal.append({ is: 'upload', upload })
  }
}
