import type { ApprovalRequest, ApprovalRule, Budget, TrashRule } from '@guichet/core'

/**
 * Guichet's own API: routes and shapes, shared by the gateway's door and by every client.
 *
 * All routes stand under `/api/v1`. Requests and answers are JSON, contents apart.
 * A file or folder is named by `at`: a path (`/folder/file`), `folder:123`, a file id's link, or a 1fichier link.
 * A failure is `{ code, message, hint?, retryAfterMs?, requestId }` with the HTTP status of its code.
 */
export const API_PREFIX = '/api/v1'

export interface ApiFolder {
  readonly kind: 'folder'
  readonly id: number
  readonly name: string
  readonly path: string
  readonly createdMs?: number
  readonly publicUrl?: string
}

export interface ApiFile {
  readonly kind: 'file'
  readonly id: string
  readonly name: string
  readonly path: string
  readonly folderId: number
  readonly sizeBytes: number
  readonly dateMs: number
  readonly whirlpool?: string
  readonly contentType?: string
  readonly link: string
  readonly hasPassword: boolean
}

export type ApiNode = ApiFolder | ApiFile

/** `GET /nodes?at=…` (stat) */
export interface ApiStat {
  readonly node: ApiNode
}

/** `GET /children?at=…[&refresh=1]` */
export interface ApiListing {
  readonly folder: ApiFolder
  readonly folders: readonly ApiFolder[]
  readonly files: readonly ApiFile[]
  /** How old the answer is. */
  readonly ageMs: number
  /** There is more in the folder: 1fichier lists 5,000 entries of it at the most, and has no second page. */
  readonly isCut?: boolean
}

/**
 * `PUT /content?at=/folder/name` with the bytes as body, `Content-Length` required.
 * Query: `parents=1` makes missing folders; `more=1` says that other files of the same folder follow at once, so that
 * they can share a request; `overwrite=1` replaces a file of that name (uploads first, removes the old one after).
 * A file of that name with the same content is taken for the answer; with other content it is a `conflict`.
 * Header `x-guichet-whirlpool` (optional): refuse content that differs.
 * Answers 201 when 1fichier has it, verified; 202 with `wait=0` once it is safe in the spool.
 */
export interface ApiStored {
  readonly transfer: string
  readonly state: 'stored' | 'spooled'
  readonly file?: ApiFile
  readonly whirlpool: string
}

/** `GET /content?at=…` streams the bytes; honours `Range`; headers `etag`, `x-guichet-whirlpool`. */

/** `GET /transfers/ID` and `GET /transfers` */
export interface ApiTransfer {
  readonly id: string
  readonly name: string
  readonly folderId: number
  readonly sizeBytes: number
  readonly whirlpool: string
  readonly state: 'spooled' | 'sending' | 'reporting' | 'doubtful' | 'stored' | 'failed'
  readonly attempts: number
  readonly createdMs: number
  readonly link?: string
  /** Why it failed, or, in another state, why it does not get on until a person acts. */
  readonly problem?: string
  /** The code of the problem, as in ApiFailure. */
  readonly problemCode?: string
  /** What keeps it from getting on for now; the gateway goes on by itself. */
  readonly waitsFor?: string
}

/** `POST /folders` → ApiStat */
export interface ApiMakeFolder {
  readonly at: string
  readonly parents?: boolean
}

/** `POST /move` and `POST /copy`: `to` is a folder, or a new name for a single thing. → { nodes: ApiNode[] } */
export interface ApiMove {
  readonly from: readonly string[]
  readonly to: string
}

export interface ApiNodes {
  readonly nodes: readonly ApiNode[]
}

/** `POST /remove` → ApiRemoved. A folder needs `recursive`. `dryRun` only counts. */
export interface ApiRemove {
  readonly at: readonly string[]
  readonly recursive?: boolean
  readonly dryRun?: boolean
}

export interface ApiRemoved {
  readonly files: number
  readonly folders: number
  readonly bytes: number
}

/** `POST /share` (verb share) → { url?: string } */
export interface ApiShare {
  readonly at: string
  readonly public?: boolean
  readonly pass?: string
  readonly users?: readonly {
    readonly email: string
    readonly mayWrite?: boolean
    readonly hideLinks?: boolean
  }[]
}

export interface ApiShared {
  readonly url?: string
}

/** `POST /attributes` (files) → ApiNodes */
export interface ApiAttributes {
  readonly at: readonly string[]
  readonly description?: string
  readonly pass?: string
  readonly inline?: boolean
  readonly withoutTls?: boolean
  readonly cdn?: boolean
  readonly access?: {
    readonly addresses?: readonly string[]
    readonly countries?: readonly string[]
    readonly emails?: readonly string[]
    readonly premiumOnly?: boolean
  }
}

/** `GET /attributes?at=…`: one file/info call. */
export interface ApiDetails {
  readonly node: ApiNode
  readonly description?: string
  readonly inline: boolean
  readonly withoutTls: boolean
  readonly cdn: boolean
  readonly access?: ApiAttributes['access']
}

/** `POST /scan` { at } */
export interface ApiScan {
  readonly result: 'clean' | 'infected'
  readonly message?: string
  readonly cachedSinceMs?: number
}

/** `POST /direct` { at }: the short-lived direct link; verb `direct`. */
export interface ApiDirect {
  readonly url: string
}

/** `POST /tickets` → ApiTicket: a link to one file of the account for whoever has no key; verb `download`. */
export interface ApiIssueTicket {
  readonly at: string
  /** 30 days at the most. */
  readonly forMs: number
  /** Requests for content, also for a part of it. Default: as many as one likes. */
  readonly uses?: number
  /** Blocks of addresses that it can be fetched from. */
  readonly from?: readonly string[]
}

export interface ApiTicket {
  /** From the root of the gateway: `/t/…`. */
  readonly path: string
  readonly untilMs: number
}

/** `POST /remote` { urls, at, headers? } → ApiRemote; `GET /remote` → { remotes }; `GET /remote/ID` → ApiRemote */
export interface ApiRemote {
  readonly id: number
  readonly requestedMs?: number
  readonly executedMs?: number
  readonly urls?: readonly string[]
  readonly results?: readonly { readonly url: string; readonly link?: string; readonly problem?: string }[]
}

/** `GET /account` → cached; the age is shown. */
export interface ApiAccount {
  readonly email?: string
  readonly offer: string
  readonly subscriptionEndMs?: number
  readonly cdnCreditsGb?: number
  readonly hotBytes?: number
  readonly coldBytes?: number
  readonly availableBytes?: number
  readonly availableColdBytes?: number
  readonly isOverQuota: boolean
  readonly isUploadForbidden: boolean
  readonly ageMs: number
}

/**
 * `GET /keys` → { keys }; `POST /keys` → ApiIssuedKey; `GET /keys/ID` → ApiKey; `DELETE /keys/ID` → ApiKey (revoked);
 * `POST /keys/ID/rotate` { overlapMs? } → ApiIssuedKey. ID may be a name. For the owner, and for keys that may issue others.
 */
export interface ApiKey {
  readonly id: string
  readonly name: string
  readonly verbs: readonly string[]
  readonly root: string
  readonly mayTunnel: boolean
  readonly limits: ApiKeyLimits
  /** Of a key with budgets. */
  readonly spends?: readonly ApiSpend[]
  readonly createdMs: number
  readonly expiresMs?: number
  readonly revokedMs?: number
  /** The key that issued it; absent: the owner. */
  readonly parent?: string
  /** Requests that were let in, and the last of them, where a limit counts them. */
  readonly use: { readonly count: number; readonly lastMs?: number }
  /** Seen to be over by itself, for good. */
  readonly ended?: { readonly problem: 'expired' | 'idle'; readonly atMs: number }
}

/** What narrows a key beyond its verbs, its root and its end; what is absent does not. */
export interface ApiKeyLimits {
  /** It is good from this moment on. */
  readonly notBeforeMs?: number | undefined
  /** Unused for so long, it ends for good. */
  readonly idleMs?: number | undefined
  /** So many requests are let in during its whole life. */
  readonly uses?: number | undefined
  /** Blocks of addresses that it may be used from; absent: from everywhere. */
  readonly from?: readonly string[] | undefined
  /** Blocks of addresses that it may not be used from. */
  readonly notFrom?: readonly string[] | undefined
  /** May its holder issue narrower keys? */
  readonly mayIssue?: boolean | undefined
  readonly budgets?: readonly Budget[] | undefined
  /** What it may destroy in a day without a person being asked. */
  readonly approval?: ApprovalRule | undefined
  /** Where its deletions go; set by `trash` of ApiIssueKey. */
  readonly trash?: TrashRule | undefined
}

/** What is used up of one budget in its present window, with what is reserved by what is under way. */
export interface ApiSpend {
  readonly budget: Budget
  readonly used: number
  /** When the window ends and all of it is free again. */
  readonly opensMs?: number
}

export interface ApiIssueKey {
  readonly name: string
  readonly verbs: readonly string[]
  /** A path; the folder must exist. Default: the issuer's own root. */
  readonly root?: string
  /** Default 90 days, or until the issuer ends; 0 is for ever. */
  readonly lifetimeMs?: number
  readonly mayTunnel?: boolean
  readonly limits?: Omit<ApiKeyLimits, 'trash'>
  /** Its deletions become moves into this folder, which is outside its root. Only the owner can give one. */
  readonly trash?: { readonly at: string; readonly keepMs: number }
}

/** `POST /keys` with `wrapMs` → ApiWrappedKey: instead of the text a token that fetches it once, for so long. */
export interface ApiWrappedKey extends ApiKey {
  readonly wrap: { readonly token: string; readonly untilMs: number }
}

/** `POST /unwrap` { token } → ApiUnwrappedKey, without any key; a second use of a token revokes the key. */
export interface ApiUnwrappedKey {
  readonly id: string
  readonly name: string
  readonly key: string
}

/** `POST /explain` → ApiExplanation (owner): what would become of a request. */
export interface ApiQuestion {
  /** The id or name of a key. */
  readonly key: string
  readonly verb: string
  readonly at: string
  readonly from?: string
  /** Default: now. */
  readonly atMs?: number
}

export interface ApiExplanation {
  readonly isAllowed: boolean
  /** The rule that decided; `none` when nothing was against it. */
  readonly rule: string
  readonly why: string
  /** The command that would allow it. */
  readonly remedy?: string
}

/** The only moment at which the text of a key is seen. */
export interface ApiIssuedKey extends ApiKey {
  readonly key: string
}

/** `POST /leaked-keys` { keys: texts } → ApiLeakedKeys, for the owner: each text that opens something is revoked. */
export interface ApiLeakedKeys {
  /** One for each text, in its order; null for a text that opens nothing here. */
  readonly keys: readonly (ApiLeakedKey | null)[]
}

export interface ApiLeakedKey extends ApiKey {
  /** It had been revoked before. */
  readonly wasOver: boolean
}

/** `GET /status` */
export interface ApiStatus {
  readonly version: string
  readonly startedMs: number
  /** `HOST:PORT`, with `https://` before it where it speaks TLS. */
  readonly address: string
  readonly keyholder: {
    readonly state: 'ready' | 'sealed' | 'gone'
    readonly reason?: string
    readonly keyAgeDays?: number
    /** The API key is 90 days old or older: time for `guichet rotate`. */
    readonly rotationDue?: boolean
  }
  readonly scheduler: {
    readonly waiting: readonly {
      readonly endpoint: string
      readonly key: string
      readonly priority: string
      readonly waitMs: number
      /** The rule or lock it waits for. */
      readonly reason: string
    }[]
    readonly locks: readonly {
      readonly reach: string
      readonly state: 'open' | 'half-open' | 'stopped'
      readonly reason: string
      readonly scope?: string
      readonly untilMs?: number
    }[]
    readonly rules: readonly {
      readonly id: string
      readonly burst: number
      readonly gapMs: number
      readonly source: string
    }[]
  }
  readonly upstream: {
    /** Calls by endpoint since the home was made; `upload.cgi`, `end.pl` and `direct` are counted too. */
    readonly calls: Readonly<Record<string, number>>
    readonly total: number
    /** Answers given from the tree without a call. */
    readonly saved: number
    readonly locksMet: number
  }
  readonly tree: { readonly folders: number; readonly files: number }
  readonly keys: {
    readonly active: number
    readonly revoked: number
    readonly expired: number
    /** Keys whose one-use token came twice: somebody else had it. They are revoked. */
    readonly alarms?: readonly { readonly key: string; readonly atMs: number }[]
  }
  /** The budgets of the owner (`owner`) and of the living keys, by the key's id. */
  readonly budgets: Readonly<Record<string, readonly ApiSpend[]>>
  readonly transfers: Readonly<Record<string, number>>
  /** What keeps transfers from getting on for now; the gateway goes on by itself. */
  readonly transfersWaitFor?: string
  readonly ledger: {
    readonly entries: number
    /** What the keyholder has signed last. */
    readonly signed?: { readonly size: number; readonly atMs: number }
    readonly distrust?: ApiDistrust
  }
}

/** Why the ledger is not trusted; nothing is served until the owner has looked. */
export interface ApiDistrust {
  /** `ledger-cut`, `ledger-rewritten` … */
  readonly alarm: string
  readonly message: string
  readonly hint?: string
}

/**
 * `GET /ledger?key=…&verb=…&door=…&decision=…&sinceMs=…&untilMs=…&target=…&before=…&after=…&limit=…`
 * → { entries: ApiLedgerEntry[] }, newest first. Owner only.
 */
export interface ApiLedgerEntry {
  /** The first entry has 1, and no number is left out. */
  readonly sequence: number
  readonly atMs: number
  readonly requestId: string
  /** The id of a key, `owner`, or `nobody`. */
  readonly key: string
  readonly door: string
  readonly verb: string
  readonly target: string
  readonly decision: 'allow' | 'deny'
  readonly reason: string
}

export interface ApiLedgerQuery {
  readonly key?: string | undefined
  readonly verb?: string | undefined
  readonly door?: string | undefined
  readonly decision?: 'allow' | 'deny' | undefined
  readonly sinceMs?: number | undefined
  readonly untilMs?: number | undefined
  /** Stands somewhere in the target. */
  readonly target?: string | undefined
  /** Only entries with a smaller number: the way to the next page. */
  readonly before?: number | undefined
  readonly after?: number | undefined
  /** 100 unless told otherwise, 1,000 at most. */
  readonly limit?: number | undefined
}

/** `GET /ledger/checkpoint` (owner) */
export interface ApiLedger {
  readonly entries: number
  /** Base64 of the root of the Merkle tree over all entries. */
  readonly root: string
  /** The last checkpoint, a signed note of C2SP, and the key to check it with. */
  readonly signed?: {
    readonly size: number
    readonly atMs: number
    readonly note: string
    readonly verifierKey: string
  }
  readonly distrust?: ApiDistrust
}

/**
 * `GET /approvals` → { approvals: ApprovalRequest[] }, `GET /approvals/ID` and `POST /approvals/ID` { decision: 'yes' | 'no' }
 * → ApprovalRequest; owner only. A yes to an ID for which more is asked by now is a `conflict`.
 */
export type ApiApproval = ApprovalRequest

/**
 * `GET /trash`, `POST /trash/restore` { ids } and `POST /trash/empty` { what: 'all' | 'due' } → { files: ApiTrashed[] }; owner only.
 */
export interface ApiTrashed {
  readonly id: string
  readonly name: string
  readonly sizeBytes: number
  /** Who deleted it. */
  readonly key: string
  /** The folder it was in. */
  readonly from: string
  readonly trashedMs: number
  readonly dueMs: number
}

/** `POST /resume` (owner): goes on after a permanent refusal that a person has mended. `POST /seal` (owner). */

/** `POST /panic` (owner): seals, and revokes every virtual key; on disk when it answers. */
export interface ApiPanic {
  readonly revoked: number
}

export interface ApiFailure {
  readonly code: string
  readonly message: string
  readonly hint?: string
  readonly retryAfterMs?: number
  readonly requestId: string
  /** Of a refusal: the rule that decided, and the id of the key that it was held against. The hint says what would allow it. */
  readonly rule?: string
  readonly key?: string
}
