/** What the emulator takes for true where wire.md §15 has a contradiction (C) or an unknown (U). */
export interface Readings {
  readonly floodStatus: 403 | 429 | 200
  readonly tokenUse: 'single-flag' | 'always-single' | 'never-single'
  readonly tokenStartMs: number
  readonly tokenResumeMs: number
  readonly folderMoveRename: 'both' | 'rename-only'
  readonly absentDestination: 'stay' | 'root'
  readonly mimeKey: 'content-type' | 'content_type'
  readonly infoFolderId: 'number' | 'string'
  readonly numbers: 'numbers' | 'strings'
  readonly infoAcl: 'absent' | 'null'
  readonly infoStatus: 'absent' | 'present'
  readonly listStatus: 'present' | 'absent'
  readonly userInfoTypes: 'strings' | 'numbers'
  readonly availableColdStorage: 'rest' | 'total'
  readonly xid: 'same' | 'different'
  readonly uploadKeepAlive: 'accepted' | 'refused'
  readonly endLifetimeMs: number
  readonly reportSize: 'string' | 'number'
  readonly filesPerRequestMax: number
  readonly allFilesWindowMs: number
  readonly folderListing: 'separate' | 'shared'
  readonly remoteHeaders: 'object' | 'list'
  readonly pendingExecutionDate: 'empty' | '1970'
  readonly wrongKey: 'not-authenticated' | 'no-such-user' | 'bad-token'
  readonly uploadWrongKey: 'refused' | 'anonymous'
  readonly freeAccounts: 'no-tokens' | 'upload-only'
  readonly mkdirExisting: 'error' | 'error-with-id' | 'same-id' | 'twin'
  readonly folderRefusalStatus: 200 | 403
  readonly unknownFolder: 'not-found' | 'ko-200'
  readonly retryAfter: 'absent' | 'present'
  readonly overLimit: 'truncate' | 'error'
  readonly truncatedFiles: 'total' | 'returned'
  readonly truncatedCount: 'returned' | 'total'
  readonly emptyList: 'array' | 'null' | 'absent'
  readonly expiredLinkStatus: 200 | 403 | 404 | 410
  readonly notJsonStatus: 400 | 200 | 403
  readonly customerStatus: 403 | 200
  readonly ownerLockedStatus: 403 | 200
  readonly locationStatus: 403 | 200
  readonly storeDelayMs: number
  readonly remoteDelayMs: number
  readonly listingLagMs: number
  readonly checksumLagMs: number
  readonly linkAfterMove: 'same' | 'new'
  readonly chunkedUpload: 'refused' | 'accepted'
  readonly slashInNames: 'refused' | 'accepted'
}

export interface Reading<T> {
  /** The item of wire.md §15, or the section for what only a section mentions. */
  readonly item: string
  readonly says: string
  readonly default: T
  /** Every value that may be set, or what a number means. */
  readonly values: readonly T[] | 'milliseconds' | 'count'
}

const MINUTE_MS = 60_000

/** The one table of readings. The default is what practice has seen, and where nothing was seen the less comfortable. */
export const READINGS: { readonly [K in keyof Readings]: Reading<Readings[K]> } = {
  floodStatus: choice('C1', 'HTTP status of a flood answer', [403, 429, 200]),
  tokenUse: choice('C2', 'which direct links serve one GET only', [
    'single-flag',
    'always-single',
    'never-single',
  ]),
  tokenStartMs: duration('C2', 'how long a direct link waits for its first GET', 5 * MINUTE_MS),
  tokenResumeMs: duration('C2', 'how long after its first GET a direct link goes on', 30 * MINUTE_MS),
  folderMoveRename: choice('C3', 'folder/mv with rename: moves too, or ignores the destination', [
    'both',
    'rename-only',
  ]),
  absentDestination: choice('C3', 'folder/mv without destination_folder_id', ['stay', 'root']),
  mimeKey: choice('C4', 'name of the MIME type in file entries', ['content-type', 'content_type']),
  infoFolderId: choice('C4', 'type of folder_id in file/info', ['number', 'string']),
  numbers: choice('C4', 'numbers in the answers of /v1: as such, or as strings', ['numbers', 'strings']),
  infoAcl: choice('§4.2', 'acl in file/info of a file that anybody may read', ['absent', 'null']),
  infoStatus: choice('C5', 'status in file/info', ['absent', 'present']),
  listStatus: choice('C5', 'status in the other success answers', ['present', 'absent']),
  userInfoTypes: choice('C6', 'types in user/info', ['strings', 'numbers']),
  availableColdStorage: choice('C6', 'what available_cold_storage means', ['rest', 'total']),
  xid: choice('C7', 'whether the XID of the redirect is the id of the upload', ['same', 'different']),
  uploadKeepAlive: choice('C8', '`Connection: keep-alive` on upload.cgi', ['accepted', 'refused']),
  endLifetimeMs: duration('C9', 'how long end.pl knows an upload', 120 * MINUTE_MS),
  reportSize: choice('§6.3', 'type of size in the JSON of end.pl', ['string', 'number']),
  filesPerRequestMax: count('C10', 'most files in one upload request', 500),
  allFilesWindowMs: duration('C10', 'one listing of all files in this time', 60 * MINUTE_MS),
  remoteHeaders: choice('C11', 'form of `headers` that remote/request takes', ['object', 'list']),
  pendingExecutionDate: choice('C11', 'execution_date of a pending job', ['1970', 'empty']),
  wrongKey: choice('C12', 'answer to a wrong key', ['not-authenticated', 'no-such-user', 'bad-token']),
  uploadWrongKey: choice('C12', 'what an upload node does with a wrong key', ['refused', 'anonymous']),
  freeAccounts: choice('C14', 'what an account without subscription may call', ['no-tokens', 'upload-only']),
  mkdirExisting: choice('U2', 'folder/mkdir of an existing name', [
    'error',
    'error-with-id',
    'same-id',
    'twin',
  ]),
  folderRefusalStatus: choice('U2', 'status of refused folder/mkdir and folder/rm', [200, 403]),
  unknownFolder: choice('U2', 'listing of an unknown folder: 404, or KO with 200', ['not-found', 'ko-200']),
  retryAfter: choice('U4', 'Retry-After on a flood answer', ['absent', 'present']),
  folderListing: choice('U5', 'the 30 s of file/ls and folder/ls of one folder', ['separate', 'shared']),
  overLimit: choice('U6', 'a listing of more than 5,000 results', ['truncate', 'error']),
  truncatedFiles: choice('U6', '`files` of a truncated folder/ls', ['total', 'returned']),
  truncatedCount: choice('U6', '`count` of a truncated listing', ['returned', 'total']),
  emptyList: choice('U7', 'items and sub_folders when there are none', ['array', 'null', 'absent']),
  expiredLinkStatus: choice('U8', 'status of the HTML of an expired direct link', [200, 403, 404, 410]),
  notJsonStatus: choice('§1', 'status of `Content-Type not JSON`', [400, 200, 403]),
  customerStatus: choice('U8', 'status of `Must be a customer`', [403, 200]),
  ownerLockedStatus: choice('U8', 'status of `Owner locked`', [403, 200]),
  locationStatus: choice('U8', 'status of `Only N locations`', [403, 200]),
  storeDelayMs: duration('U9', 'when an upload is stored though nobody reaches end.pl', MINUTE_MS),
  remoteDelayMs: duration('§10', 'how long a remote upload takes', 2_000),
  listingLagMs: duration('U9', 'how long listings lag behind uploads, removals and moves', 0),
  checksumLagMs: duration('U9', 'how long listings have no checksum after an upload', 0),
  linkAfterMove: choice('U10', 'the link of a file after file/mv and file/rename', ['same', 'new']),
  chunkedUpload: choice('U12', 'an upload with Transfer-Encoding: chunked', ['refused', 'accepted']),
  slashInNames: choice('U13', 'a slash in a file or folder name', ['refused', 'accepted']),
}

export function initialReadings(): Readings {
  return {
    ...(Object.fromEntries(
      Object.entries(READINGS).map(([name, reading]) => [name, reading.default]),
    ) as unknown as Readings),
  }
}

/** Problems of an untyped set of changes; none means that it may be used as `Partial<Readings>`. */
export function readingProblems(changes: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(changes).flatMap(([name, value]) => {
    const reading = Object.entries(READINGS).find(([known]) => known === name)?.[1]
    if (!reading) return [`${name}: no such reading; GET /readings lists them`]
    const { values } = reading
    if (typeof values === 'string') {
      return typeof value === 'number' && value >= 0 ? [] : [`${name}: give a number of ${values}`]
    }
    return values.some((known) => known === value) ? [] : [`${name}: one of ${values.join(', ')}`]
  })
}

function choice<T>(item: string, says: string, values: readonly [T, ...T[]]): Reading<T> {
  return { item, says, default: values[0], values }
}

function duration(item: string, says: string, defaultMs: number): Reading<number> {
  return { item, says, default: defaultMs, values: 'milliseconds' }
}

function count(item: string, says: string, defaultCount: number): Reading<number> {
  return { item, says, default: defaultCount, values: 'count' }
}
