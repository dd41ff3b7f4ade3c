import type { ApiSpend } from './keys.ts'

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

/** `GET /status` */
export interface ApiStatus {
  readonly version: string
  readonly startedMs: number
  /** `HOST:PORT`, with `https://` before it where it speaks TLS. */
  readonly address: string
  /** SHA-256 of the certificate that is in use there, as `XX:XX:…`, where it speaks TLS. */
  readonly certificate?: string
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

/** `POST /resume` (owner): goes on after a permanent refusal that a person has mended. `POST /seal` (owner). */

/** `POST /notes` (owner): writes `what` the owner has done past the gateway into the ledger. */
export interface ApiNote {
  readonly what: string
}

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
