import type { FileId, FolderId } from './ids.ts'
import type { FileLink } from './links.ts'

/**
 * 1fichier as the rest of Guichet sees it. `fichier` implements it over the wire.
 *
 * Promises of every method: one call upstream at the most (`upload` apart: one request), no waiting for limits,
 * no retry, no clock. Rejects with a `GatewayError`: `locked`, `paced` (never from here), `account-refused`,
 * `file-refused`, `not-found`, `conflict`, `upstream-down`, `upstream-changed`, `sealed`, `cancelled`.
 * Names are as 1fichier has them; times are milliseconds since the epoch, parsed from French local time.
 */
export interface FileHost {
  /** The folder with its sub-folders *and* its files, one call (folder/ls.cgi with `files: 1`). */
  listFolder(folder: FolderId, call: HostCall): Promise<FolderListing>
  /** The files of one folder, or of the whole account, optionally between two moments (file/ls.cgi). */
  listFiles(scope: FolderId | 'all', window: DateWindow, call: HostCall): Promise<readonly FileEntry[]>
  fileInfo(link: FileLink, options: { readonly pass?: string }, call: HostCall): Promise<FileDetails>

  makeFolder(name: string, parent: FolderId, call: HostCall): Promise<FolderId>
  /**
   * `parent`, the folder it is in, keeps it there where 1fichier takes an absent destination for the root
   * (wire.md §15.3); it is absent only for a folder met by its id alone.
   */
  renameFolder(folder: FolderId, name: string, parent: FolderId | undefined, call: HostCall): Promise<void>
  moveFolder(folder: FolderId, to: FolderId, call: HostCall): Promise<void>
  /** Rejects with `conflict` when the folder is not empty. */
  removeFolder(folder: FolderId, call: HostCall): Promise<void>
  /** The public address, when the folder has one after the call. */
  shareFolder(folder: FolderId, sharing: FolderSharing, call: HostCall): Promise<string | undefined>

  /** The links after the move, in the order asked; `rename` only for a single file. */
  moveFiles(
    links: readonly FileLink[],
    to: FolderId,
    rename: string | undefined,
    call: HostCall,
  ): Promise<readonly FileLink[]>
  /** The links after the renaming, in the order asked. */
  renameFiles(renames: readonly FileRename[], call: HostCall): Promise<readonly FileLink[]>
  /** The links of the copies, in the order asked; sources may belong to other people. */
  copyFiles(
    links: readonly FileLink[],
    to: FolderId,
    options: CopyOptions,
    call: HostCall,
  ): Promise<readonly FileLink[]>
  /** Removes for good: 1fichier has no trash. Resolves with how many were removed. */
  removeFiles(links: readonly FileLink[], call: HostCall): Promise<number>
  changeFiles(links: readonly FileLink[], changes: FileChanges, call: HostCall): Promise<void>
  /** A file with a virus is deleted by 1fichier. */
  scanFile(link: FileLink, call: HostCall): Promise<ScanResult>

  uploadTarget(call: HostCall): Promise<UploadTarget>
  /** One multipart request with an exact length; resolves with the report's id once the node has said 302. */
  upload(
    target: UploadTarget,
    folder: FolderId,
    files: readonly UploadFile[],
    call: HostCall,
  ): Promise<UploadReceipt>
  /** What became of an upload. `pending` while the node is at work; storing begins when this is first asked. */
  uploadReport(receipt: UploadReceipt, call: HostCall): Promise<UploadReport>

  downloadToken(link: FileLink, options: TokenOptions, call: HostCall): Promise<URL>
  /**
   * The bytes behind a direct link, from `offset` on, as many as the node sends.
   * Rejects with `not-found` when the link has expired or answers with a page instead of the file.
   */
  openDirect(url: URL, range: ByteRange | undefined, call: HostCall): Promise<DirectContent>

  account(call: HostCall): Promise<Account>
  changeAccount(changes: AccountChanges, call: HostCall): Promise<void>

  readonly remote: RemoteUploads
  readonly ftp: FtpUsers
  readonly vouchers: Vouchers

  /** Somebody's public folder; needs no key. */
  publicFolder(
    id: string,
    options: { readonly pass?: string },
    call: HostCall,
  ): Promise<readonly PublicFile[]>
  /** What is behind up to 100 links; needs no key, deprecated by 1fichier. */
  checkLinks(links: readonly FileLink[], call: HostCall): Promise<readonly LinkState[]>
}

export interface HostCall {
  readonly signal?: AbortSignal | undefined
}

export interface FileEntry {
  readonly link: FileLink
  readonly name: string
  readonly sizeBytes: number
  readonly dateMs: number
  /** Whirlpool, 128 lower-case hexadecimal digits; absent while 1fichier has not computed it. */
  readonly whirlpool: string | undefined
  readonly contentType: string | undefined
  readonly hasPassword: boolean
  readonly isRestricted: boolean
  readonly usesCdn: boolean
}

export interface FolderEntry {
  readonly id: FolderId
  readonly name: string
  readonly createdMs: number | undefined
  readonly hasPassword: boolean
}

export interface FolderListing {
  readonly id: FolderId
  readonly name: string
  readonly folders: readonly FolderEntry[]
  readonly files: readonly FileEntry[]
  /** How many files 1fichier says there are; more than `files` holds when the listing was cut (`isCutListing`). */
  readonly fileCount: number | undefined
  readonly publicUrl: string | undefined
}

export interface FileDetails extends FileEntry {
  readonly folder: FolderId | undefined
  /** `/a/b`, without the name. */
  readonly path: string | undefined
  readonly description: string | undefined
  readonly isInline: boolean
  readonly withoutTls: boolean
  readonly access: FileAccess | undefined
}

export interface FileAccess {
  readonly addresses?: readonly string[]
  readonly countries?: readonly string[]
  readonly emails?: readonly string[]
  readonly premiumOnly?: boolean
}

export interface DateWindow {
  readonly sentAfterMs?: number
  readonly sentBeforeMs?: number
}

export interface FolderSharing {
  readonly public?: boolean
  /** At least 6 characters; `''` removes it. */
  readonly pass?: string
  readonly users?: readonly {
    readonly email: string
    readonly mayWrite: boolean
    readonly hideLinks: boolean
  }[]
}

export interface FileRename {
  readonly link: FileLink
  readonly name: string
}

export interface CopyOptions {
  readonly rename?: string | undefined
  readonly pass?: string | undefined
}

export interface FileChanges {
  readonly name?: string
  readonly description?: string
  /** At least 6 characters; `''` removes it. */
  readonly pass?: string
  readonly withoutTls?: boolean
  readonly inline?: boolean
  readonly cdn?: boolean
  /** An empty object removes every restriction. */
  readonly access?: FileAccess
}

export type ScanResult =
  | { readonly kind: 'clean'; readonly cachedSinceMs: number | undefined }
  | { readonly kind: 'infected'; readonly message: string }

/** Where to send one upload; good for one request, soon stale. */
export interface UploadTarget {
  /** A bare host name under 1fichier.com. */
  readonly node: string
  /** At most 10 characters of `[A-Za-z0-9]`. */
  readonly id: string
}

export interface UploadFile {
  readonly name: string
  readonly sizeBytes: number
  /** Opens the content anew; the client reads it once and closes it by leaving the loop. */
  open(): AsyncIterable<Uint8Array>
}

export interface UploadReceipt {
  readonly node: string
  readonly xid: string
}

export type UploadReport =
  | { readonly kind: 'pending' }
  /** Stored, but for nobody: whether the account has the files too, only a listing tells. */
  | { readonly kind: 'ownerless' }
  | { readonly kind: 'stored'; readonly files: readonly StoredFile[] }

export interface StoredFile {
  readonly link: FileLink
  readonly name: string
  readonly sizeBytes: number
  readonly whirlpool: string | undefined
}

export interface TokenOptions {
  readonly pass?: string | undefined
  readonly inline?: boolean | undefined
  /** Spends CDN credits. */
  readonly cdn?: boolean | undefined
}

/** `endByte` is the last byte wanted, inclusive; absent: to the end. */
export interface ByteRange {
  readonly startByte: number
  readonly endByte?: number | undefined
}

export interface DirectContent {
  /** The first byte of `body` within the file. */
  readonly startByte: number
  /** How many bytes `body` promises. */
  readonly lengthBytes: number
  /** The size of the whole file. */
  readonly sizeBytes: number
  readonly contentType: string | undefined
  readonly body: AsyncIterable<Uint8Array>
}

export interface Account {
  readonly email: string | undefined
  readonly offer: 'free' | 'premium' | 'access' | 'gold' | 'unknown'
  readonly subscriptionEndMs: number | undefined
  readonly cdnCreditsGb: number | undefined
  readonly hotBytes: number | undefined
  readonly coldBytes: number | undefined
  readonly availableBytes: number | undefined
  readonly availableColdBytes: number | undefined
  readonly isOverQuota: boolean
  readonly isUploadForbidden: boolean
  /** The answer as 1fichier gave it, for clients that speak its shapes. */
  readonly raw: Readonly<Record<string, unknown>>
}

/** Settings by 1fichier's own names (wire.md §9). */
export type AccountChanges = Readonly<Record<string, number | string>>

export interface RemoteUploads {
  start(
    urls: readonly URL[],
    folder: FolderId,
    headers: Readonly<Record<string, string>>,
    call: HostCall,
  ): Promise<number>
  list(call: HostCall): Promise<readonly RemoteUpload[]>
  info(id: number, call: HostCall): Promise<RemoteUploadDetails>
}

export interface RemoteUpload {
  readonly id: number
  readonly requestedMs: number | undefined
  /** Absent while it waits. */
  readonly executedMs: number | undefined
}

export interface RemoteUploadDetails extends RemoteUpload {
  readonly urls: readonly string[]
  readonly results: readonly {
    readonly url: string
    readonly link: string | undefined
    readonly problem: string | undefined
  }[]
}

export interface FtpUsers {
  /** Takes in what was uploaded by FTP; needed in manual mode. */
  process(call: HostCall): Promise<void>
  list(call: HostCall): Promise<readonly Readonly<Record<string, unknown>>[]>
  add(
    user: { readonly name: string; readonly pass: string; readonly folder?: FolderId },
    call: HostCall,
  ): Promise<void>
  remove(name: string, call: HostCall): Promise<void>
}

export interface Vouchers {
  list(call: HostCall): Promise<readonly { readonly voucher: string; readonly service: string }[]>
  check(voucher: string, call: HostCall): Promise<string>
  use(voucher: string, email: string, call: HostCall): Promise<void>
}

export interface PublicFile {
  readonly link: string
  readonly name: string
  readonly sizeBytes: number
  readonly hasPassword: boolean
  readonly isRestricted: boolean
}

export interface LinkState {
  readonly id: FileId
  readonly state: 'found' | 'not-found' | 'bad-link' | 'private'
  readonly name: string | undefined
  readonly sizeBytes: number | undefined
}
