//   waiting ──▶ done      when its time has come
export interface RemoteJob {
  readonly id: number
  readonly urls: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly folderId: number
  readonly requestedMs: number
  readonly executedMs: number | null
  readonly results: readonly RemoteResult[]
}

export interface RemoteResult {
  readonly status: 'OK' | 'KO'
  readonly url: string
  readonly download_link: string
  readonly message: string
}

export interface FtpUser {
  readonly user: string
  readonly pass: string
  readonly folderId: number
}

export interface Voucher {
  readonly voucher: string
  readonly service: string
}

/** What an account has besides folders and files. Small, and therefore journaled as a whole. */
export interface Belongings {
  readonly remoteJobs: readonly RemoteJob[]
  readonly ftpUsers: readonly FtpUser[]
  readonly vouchers: readonly Voucher[]
  readonly subscriptionEndMs: number
}
