import type { Clock, FactStore, FileHost, GatewayError, Transfer, TransferJournal, Tree } from '@guichet/core'
import type { Log } from '../../log.ts'
import type { UploaderLimits } from './limits.ts'
import type { UploadNews } from './progress.ts'
import type { Linger } from './queue.ts'
import type { UploadReach } from './reach.ts'
import type { UploadCaller, UploadContent } from './work.ts'

/**
 * Sends what is journaled to 1fichier: what waits for one folder together in one request, at most two at a time.
 *
 * Nothing is sent before `recover` has resolved. Disposing takes nothing new, lets requests under way end for a while,
 * and leaves the rest to the journal.
 */
export interface Uploader extends AsyncDisposable {
  /**
   * Takes up what an earlier process left, and removes content from the spool that nobody owes any more.
   * Call it once, before content is taken in.
   */
  recover(): Promise<void>
  /** Transfers that are journaled as `spooled`; `more`: others for this folder follow at once. */
  offer(transfers: readonly Transfer[], options: { readonly more: boolean }): void
  /** Hears of each state after it is journaled. */
  watch(listener: (news: UploadNews) => void): Disposable
  /** Why 1fichier refuses the account, while it does. */
  refusal(): GatewayError | undefined
  /** What keeps transfers from getting on for now; it needs nobody. */
  trouble(): GatewayError | undefined
  /** A person has mended the account: tries again at once. */
  resume(): void
  status(): UploaderStatus
}

export interface UploaderStatus {
  readonly waiting: number
  /** Requests under way, and requests whose outcome is open. */
  readonly sending: number
  readonly following: number
  readonly isFull: boolean
  /** When the next try is, after a failure. */
  readonly pausedUntilMs: number | undefined
}

export interface UploaderOptions {
  /** Paced: waits for 1fichier's limits by itself, and refuses by itself while the account is refused. */
  readonly host: (caller: UploadCaller) => FileHost
  readonly tree: Tree
  readonly journal: TransferJournal
  readonly facts: FactStore
  readonly spool: UploadContent
  readonly reaches: UploadReach
  readonly clock: Clock
  readonly log?: Log | undefined
  readonly lingerMs: Linger
  readonly limits?: Partial<UploaderLimits> | undefined
}
