import {
  type FileEntry,
  type FileId,
  type FolderEntry,
  type FolderId,
  type FolderListing,
  type LedgerEntry,
  parseFileId,
  parseFolderId,
  parseKeyId,
  parseTransferId,
  type Transfer,
  type TransferId,
  type VirtualKey,
} from '@guichet/core'

/** Things with all their fields, for tests that care about one or two of them. */

export function folderId(number: number): FolderId {
  return parseFolderId(number)
}

/** A file id from a short word that does not end in z: `file1` becomes `file1zzzzz`. */
export function fileId(word: string): FileId {
  return parseFileId(word.padEnd(10, 'z'))
}

export function transferId(number: number): TransferId {
  return parseTransferId(String(number).padStart(16, 't'))
}

export function sampleFile(word: string, fields: Partial<FileEntry> = {}): FileEntry {
  return {
    link: { domain: '1fichier.com', id: fileId(word) },
    name: `${word}.bin`,
    sizeBytes: 12,
    dateMs: Date.UTC(2026, 0, 1),
    whirlpool: 'ab'.repeat(64),
    contentType: 'application/octet-stream',
    hasPassword: false,
    isRestricted: false,
    usesCdn: false,
    ...fields,
  }
}

export function sampleFolder(number: number, fields: Partial<FolderEntry> = {}): FolderEntry {
  return {
    id: folderId(number),
    name: `folder ${number}`,
    createdMs: Date.UTC(2026, 0, 1),
    hasPassword: false,
    ...fields,
  }
}

export function sampleListing(number: number, fields: Partial<FolderListing> = {}): FolderListing {
  return {
    id: folderId(number),
    name: number === 0 ? 'Root' : `folder ${number}`,
    folders: [],
    files: [],
    fileCount: fields.files?.length ?? 0,
    publicUrl: undefined,
    ...fields,
  }
}

export function sampleEntry(number: number, fields: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    atMs: Date.UTC(2026, 0, 1) + number,
    requestId: `r-${number}`,
    key: 'owner',
    door: 'api',
    verb: 'list',
    target: '/',
    decision: 'allow',
    reason: '',
    ...fields,
  }
}

export function sampleKey(number: number, fields: Partial<VirtualKey> = {}): VirtualKey {
  return {
    id: parseKeyId(`k-${String(number).padStart(8, '0')}`),
    name: `key ${number}`,
    verbs: ['list', 'download'],
    root: folderId(0),
    rootPath: '/',
    mayTunnel: false,
    limits: {},
    parent: undefined,
    createdMs: Date.UTC(2026, 0, 1) + number,
    expiresMs: undefined,
    revokedMs: undefined,
    use: { count: 0, lastMs: undefined },
    ended: undefined,
    ...fields,
  }
}

export function sampleTransfer(number: number, fields: Partial<Transfer> = {}): Transfer {
  return {
    id: transferId(number),
    upload: `upload-${number}`,
    key: 'owner',
    folder: folderId(7),
    name: `file-${number}.bin`,
    sizeBytes: 12,
    whirlpool: 'ab'.repeat(64),
    attempts: 0,
    createdMs: Date.UTC(2026, 0, 1) + number,
    isClaimed: false,
    state: { kind: 'spooled' },
    ...fields,
  }
}
