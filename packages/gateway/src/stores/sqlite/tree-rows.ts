import {
  type FileEntry,
  type FileNode,
  type FolderId,
  type FolderNode,
  isDomain,
  parseFileId,
  parseFolderId,
} from '@guichet/core'

export interface FolderRow {
  readonly id: number
  readonly parent: number | null
  readonly name: string
  readonly created_ms: number | null
  readonly has_password: number
  readonly listed_ms: number | null
  readonly public_url: string | null
  readonly own_ms: number | null
}

export interface FileRow {
  readonly id: string
  readonly domain: string
  readonly folder: number
  readonly name: string
  readonly size_bytes: number
  readonly date_ms: number
  readonly whirlpool: string | null
  readonly content_type: string | null
  readonly has_password: number
  readonly is_restricted: number
  readonly uses_cdn: number
  readonly own_ms: number | null
}

export function folderNode(row: FolderRow): FolderNode {
  return {
    id: parseFolderId(row.id),
    parent: row.parent === null ? undefined : parseFolderId(row.parent),
    name: row.name,
    createdMs: row.created_ms ?? undefined,
    hasPassword: row.has_password === 1,
    listedMs: row.listed_ms ?? undefined,
    publicUrl: row.public_url ?? undefined,
  }
}

export function fileNode(row: FileRow): FileNode {
  return {
    link: { domain: isDomain(row.domain) ? row.domain : '1fichier.com', id: parseFileId(row.id) },
    folder: parseFolderId(row.folder),
    name: row.name,
    sizeBytes: row.size_bytes,
    dateMs: row.date_ms,
    whirlpool: row.whirlpool ?? undefined,
    contentType: row.content_type ?? undefined,
    hasPassword: row.has_password === 1,
    isRestricted: row.is_restricted === 1,
    usesCdn: row.uses_cdn === 1,
  }
}

export function fileRow(folder: FolderId, entry: FileEntry, ownMs: number | undefined): FileRow {
  return {
    id: entry.link.id,
    domain: entry.link.domain,
    folder,
    name: entry.name,
    size_bytes: entry.sizeBytes,
    date_ms: entry.dateMs,
    whirlpool: entry.whirlpool ?? null,
    content_type: entry.contentType ?? null,
    has_password: entry.hasPassword ? 1 : 0,
    is_restricted: entry.isRestricted ? 1 : 0,
    uses_cdn: entry.usesCdn ? 1 : 0,
    own_ms: ownMs ?? null,
  }
}
