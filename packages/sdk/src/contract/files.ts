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

/** `POST /remote` { urls, at, headers? } → ApiRemote; `GET /remote` → { remotes }; `GET /remote/ID` → ApiRemote */
export interface ApiRemote {
  readonly id: number
  readonly requestedMs?: number
  readonly executedMs?: number
  readonly urls?: readonly string[]
  readonly results?: readonly { readonly url: string; readonly link?: string; readonly problem?: string }[]
}
