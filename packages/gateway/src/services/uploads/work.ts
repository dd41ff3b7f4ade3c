import type {
  Clock,
  FileHost,
  FolderId,
  GatewayError,
  KeyId,
  Transfer,
  TransferId,
  TransferJournal,
  Tree,
} from '@guichet/core'
import type { Log } from '../../log.ts'
import type { UploaderLimits } from './limits.ts'
import type { UploadProgress } from './progress.ts'
import type { UploadReach } from './reach.ts'

/** In whose name, and how urgently, the uploader uses the account. */
export interface UploadCaller {
  readonly key: KeyId | 'owner'
  readonly priority: 'write' | 'sync'
}

/** What the uploader needs of the spool. */
export interface UploadContent {
  open(id: TransferId): AsyncIterable<Uint8Array>
  sizeBytes(id: TransferId): Promise<number | undefined>
  remove(id: TransferId): Promise<void>
  ids(): Promise<readonly TransferId[]>
  sweep(keep: ReadonlySet<TransferId>): Promise<number>
}

/** What sending and following share. */
export interface UploadWork {
  readonly host: (caller: UploadCaller) => FileHost
  readonly tree: Tree
  readonly journal: TransferJournal
  readonly content: UploadContent
  readonly reaches: UploadReach
  readonly clock: Clock
  readonly limits: UploaderLimits
  readonly log: Log | undefined
  readonly progress: UploadProgress
  /** How often content of a transfer arrived damaged, as far as this process knows. */
  readonly damaged: Map<TransferId, number>
  /** Ends every wait and every question. */
  readonly stop: AbortSignal
  /** Ends requests that carry content too. */
  readonly cut: AbortSignal
  /** They wait to be sent again, in groups of `groupMax` at the most. */
  putBack(transfers: readonly Transfer[], groupMax: number): void
  /** Their names are free for others. */
  release(transfers: readonly Transfer[]): void
  /** A request was refused for a reason that holds for the next one too: none is begun for a while. */
  pause(error: GatewayError): void
  /** 1fichier refuses the account. */
  refused(error: GatewayError): void
  /** The last question was answered badly or not at all, or `undefined`: rightly again. For those who wait and wonder. */
  trouble(error: GatewayError | undefined): void
  /** A report came: whatever was refused before it, the account is not, unless an upload node says so. */
  reported(): void
}

/** The files of one request, from the moment it may have arrived until the last one's fate is known. */
export interface Batch {
  readonly node: string
  readonly xid: string
  readonly folder: FolderId
  readonly startedMs: number
  /** Was it cut by an end of ours, gateway or keyholder? Then its files are not to blame, and no attempt is counted. */
  readonly isCutByUs: boolean
  /** Was it answered with a 302, and no report has come yet? Then nothing of it is sent again. */
  isTaken: boolean
  /** Those whose fate is open. */
  left: readonly Transfer[]
}
