/** Where the bytes of a file are. */
export type ContentRef =
  | { readonly kind: 'disk'; readonly name: string }
  | { readonly kind: 'synthetic'; readonly seed: string }
  /** Only size and checksum were kept; such a file cannot be downloaded. */
  | { readonly kind: 'forgotten' }

export interface Acl {
  readonly ip: readonly string[]
  readonly country: readonly string[]
  readonly email: readonly string[]
  readonly premium: 0 | 1
}

export interface FileRecord {
  readonly id: string
  readonly folderId: number
  readonly name: string
  readonly sizeBytes: number
  readonly storedMs: number
  /** Empty when nobody has computed it. */
  readonly whirlpool: string
  readonly mimeType: string
  readonly domain: number
  readonly content: ContentRef
  readonly description: string
  readonly pass: string
  readonly noSsl: 0 | 1
  readonly inline: 0 | 1
  readonly cdn: 0 | 1
  readonly acl: Acl | null
  /** Set for files that are linked to no account. */
  readonly removalCode: string
}

export interface GroupShare {
  readonly email: string
  readonly rw: 0 | 1
  readonly hide_links: 0 | 1
}

export interface FolderRecord {
  readonly id: number
  readonly parentId: number
  readonly name: string
  readonly createdMs: number
  /** Id of the public page `/dir/<id>`; empty when not shared. */
  readonly shareId: string
  readonly sharePass: string
  readonly shares: readonly GroupShare[]
  /** Set on the root of what another user shares with this account. */
  readonly sharedBy: { readonly email: string; readonly rw: 0 | 1; readonly hideLinks: 0 | 1 } | null
}

export const ROOT_ID = 0
/** Parent of the root and of the roots of other users' shares. */
export const NOWHERE_ID = -3
/** Files of other users and anonymous uploads: they have a link and no place in this account. */
export const UNLINKED_ID = -2
/** The value of `folder_id` that asks file/ls.cgi for every file of the account. */
export const ALL_FILES_ID = -1

export function newFolder(id: number, parentId: number, name: string, createdMs: number): FolderRecord {
  return { id, parentId, name, createdMs, shareId: '', sharePass: '', shares: [], sharedBy: null }
}

export function newFile(
  facts: Pick<FileRecord, 'id' | 'folderId' | 'name' | 'sizeBytes' | 'storedMs' | 'mimeType' | 'content'> &
    Partial<FileRecord>,
): FileRecord {
  return {
    whirlpool: '',
    domain: 0,
    description: '',
    pass: '',
    noSsl: 0,
    inline: 0,
    cdn: 0,
    acl: null,
    removalCode: '',
    ...facts,
  }
}
