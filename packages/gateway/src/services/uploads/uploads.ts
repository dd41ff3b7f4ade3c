import type {
  Clock,
  FolderId,
  GatewayError,
  KeyId,
  Transfer,
  TransferId,
  TransferJournal,
  TransferState,
  Tree,
} from '@guichet/core'
import type { UploadNews } from './progress.ts'

/** What doors call to bring content into the account. */
export interface Uploads {
  /**
   * Takes the content of one file into the spool;
   * nothing is acknowledged before it is on disk. What is received is not journaled yet: `commit` or `discard` it.
   * Rejects with `invalid`, `too-large` and `disk-full` before the first byte where that can be known,
   * with `corrupt` when the content is not the promised one, with `unavailable` when too much waits already.
   */
  receive(
    who: { readonly key: KeyId | 'owner' },
    folder: FolderId,
    file: Announced,
    content: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<Received>
  /**
   * All files of one client upload are here, for one folder: journals them together and lets the uploader go.
   * `more`: other files for this folder follow at once.
   * Content that a client sends again because it lost the answer is given the transfer that it has already.
   * On failure nothing of it stays.
   */
  commit(
    upload: string,
    received: readonly Received[],
    options: { readonly more: boolean },
  ): Promise<readonly Transfer[]>
  discard(received: readonly Received[]): Promise<void>
  /**
   * Resolves when every transfer of the upload is stored, rejects with the first failure; claims them.
   * Rejects with `account-refused` while 1fichier refuses the account: the content is kept and goes later,
   * and a client that sends it again is given the same transfer. Rejects with `not-found` for an unknown upload.
   */
  whenStored(upload: string, signal?: AbortSignal): Promise<readonly Transfer[]>
  find(id: TransferId): Promise<Transfer | undefined>
  /** The client that sent it has been told how it stands: what failed counts as claimed, and its content is given up. */
  told(transfer: Transfer): Promise<void>
  /** Everything that is neither stored nor failed, oldest first. */
  unfinished(): Promise<readonly Transfer[]>
  counts(): Promise<Readonly<Record<TransferState['kind'], number>>>
  /** Why a transfer does not get on until a person acts: 1fichier refuses the account. Its content is kept and goes later. */
  refusalOf(transfer: Transfer): GatewayError | undefined
  /** Why transfers do not get on for now, when that needs nobody: 1fichier does not answer, the disk fails. */
  trouble(): GatewayError | undefined
}

/** What a client says of a file before its content comes. */
export interface Announced {
  readonly name: string
  readonly sizeBytes?: number | undefined
  readonly expectWhirlpool?: string | undefined
}

/** Content that is in the spool and not in the journal yet. */
export interface Received {
  readonly id: TransferId
  readonly key: KeyId | 'owner'
  readonly folder: FolderId
  readonly name: string
  readonly sizeBytes: number
  readonly whirlpool: string
}

/** What it needs of the place where content is kept until it is stored. */
export interface UploadSpool {
  receive(
    id: TransferId,
    content: AsyncIterable<Uint8Array>,
    options: {
      readonly sizeBytes?: number | undefined
      readonly hasher: UploadHasher
      readonly signal?: AbortSignal | undefined
    },
  ): Promise<{ readonly sizeBytes: number; readonly whirlpool: string }>
  remove(id: TransferId): Promise<void>
}

export interface UploadHasher {
  update(chunk: Uint8Array): Promise<void>
  digest(): Promise<string>
  abandon(): void
}

/** What it needs of the uploader. */
export interface UploadSender {
  offer(transfers: readonly Transfer[], options: { readonly more: boolean }): void
  watch(listener: (news: UploadNews) => void): Disposable
  refusal(): GatewayError | undefined
  trouble(): GatewayError | undefined
  status(): { readonly isFull: boolean }
}

export interface UploadsOptions {
  readonly journal: TransferJournal
  readonly tree: Tree
  readonly spool: UploadSpool
  readonly hashers: { whirlpool(): UploadHasher }
  readonly uploader: UploadSender
  readonly clock: Clock
  readonly random: (count: number) => Uint8Array
}
