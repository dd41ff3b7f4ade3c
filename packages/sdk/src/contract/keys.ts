import type { ApprovalRequest, Budget, KeyLimits, LimitsChange } from '@guichet/core'

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

/**
 * `GET /keys` → { keys }; `POST /keys` → ApiIssuedKey; `GET /keys/ID` → ApiKey; `DELETE /keys/ID` → ApiKey (revoked);
 * `POST /keys/ID/rotate` { overlapMs? } → ApiIssuedKey; `POST /keys/ID/limits` ApiLimitsChange → ApiKey (owner). ID may be a name. For the owner, and for keys that may issue others.
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

/** `trash` is set by `trash` of ApiIssueKey. */
export type ApiKeyLimits = KeyLimits

export type ApiLimitsChange = LimitsChange

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
  readonly limits?: Omit<ApiKeyLimits, 'trash' | 'idleFromMs'>
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
