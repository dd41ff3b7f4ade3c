import type { ErrorCode } from './errors.ts'
import type { FileId, FolderId, KeyId, TransferId } from './ids.ts'
import type { FileLink } from './links.ts'

/**
 * One upload under way: content that we took from a client and owe to 1fichier.
 *
 *     spooled ──▶ sending ──302──▶ reporting ──▶ stored
 *        ▲           │                │
 *        │           ▼                │
 *        └─absent── doubtful ◀────────┘ no report        any of them ──▶ failed
 *                    │
 *                    └──found by a listing──▶ stored
 *
 * `spooled` is on disk, fsynced.
 * `doubtful` means the request may have arrived: absence must be proven by a listing before a resend.
 * After a 302 nothing is sent again, unless a report has come that leaves the file out.
 */
export type TransferState =
  | { readonly kind: 'spooled' }
  | { readonly kind: 'sending'; readonly node: string; readonly uploadId: string; readonly startedMs: number }
  | { readonly kind: 'reporting'; readonly node: string; readonly xid: string; readonly startedMs: number }
  | {
      readonly kind: 'doubtful'
      readonly node: string
      readonly xid: string
      readonly startedMs: number
      readonly sinceMs: number
      /** 1fichier answered with its 302, and no report has said which files it keeps. */
      readonly isTaken: boolean
    }
  | { readonly kind: 'stored'; readonly link: FileLink; readonly storedMs: number }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string; readonly failedMs: number }

export interface Transfer {
  readonly id: TransferId
  /** The client's upload this belongs to: several files of one request share it. */
  readonly upload: string
  readonly key: KeyId | 'owner'
  readonly folder: FolderId
  readonly name: string
  readonly sizeBytes: number
  readonly whirlpool: string
  readonly attempts: number
  readonly createdMs: number
  /** Has a client been told of the result, or seen the file in a listing? */
  readonly isClaimed: boolean
  readonly state: TransferState
}

/**
 * The journal of transfers. A write that has resolved survives `kill -9` and power loss.
 * Calls may overlap; writes of one transfer must not.
 */
export interface TransferJournal {
  add(transfers: readonly Transfer[]): Promise<void>
  get(id: TransferId): Promise<Transfer | undefined>
  byUpload(upload: string): Promise<readonly Transfer[]>
  /** Everything that is neither stored nor failed, oldest first. */
  unfinished(): Promise<readonly Transfer[]>
  /** Moves transfers to a new state together, all or none. */
  advance(
    changes: readonly {
      readonly id: TransferId
      readonly state: TransferState
      readonly attempts?: number
    }[],
  ): Promise<void>
  /** A client knows of these now. */
  claim(ids: readonly TransferId[]): Promise<void>
  /** The same content for the same place by the same key, of which no client knows yet: what a repeated upload may adopt. */
  unclaimed(
    like: Pick<Transfer, 'key' | 'folder' | 'name' | 'sizeBytes' | 'whirlpool'>,
  ): Promise<Transfer | undefined>
  /**
   * Gives a transfer to another upload: that of the client which sent the same content again.
   * `undefined`, and nothing is changed, where the transfer is unknown, claimed or failed at that moment.
   */
  adopt(id: TransferId, upload: string): Promise<Transfer | undefined>
  /** The transfer that was stored as this file, as long as it is not pruned. */
  storedAs(file: FileId): Promise<Transfer | undefined>
  /** Files of these folders have been shown to a client: stored transfers there count as claimed. */
  claimFolder(folder: FolderId): Promise<void>
  /** Forgets what ended before a moment. */
  prune(endedBeforeMs: number): Promise<number>
  counts(): Promise<Readonly<Record<TransferState['kind'], number>>>
}
