import {
  type Account,
  type ByteRange,
  type Clock,
  type CopyOptions,
  type DateWindow,
  type DirectContent,
  type FileChanges,
  type FileDetails,
  type FileEntry,
  type FileHost,
  type FileLink,
  type FileRename,
  type FolderEntry,
  type FolderId,
  type FolderListing,
  type FolderSharing,
  type FtpUsers,
  GatewayError,
  type HostCall,
  type LinkState,
  linkText,
  type PublicFile,
  parseFileId,
  parseFolderId,
  type RemoteUploadDetails,
  type RemoteUploads,
  ROOT,
  type ScanResult,
  type StoredFile,
  type UploadFile,
  type UploadReceipt,
  type UploadReport,
  type UploadTarget,
  type Vouchers,
} from '@guichet/core'

/** What goes wrong with one upload; what is left out goes well. */
export interface UploadFault {
  /** What becomes of the content: nothing of it is stored, one byte is changed, or the last file is missing. */
  readonly content?: 'lost' | 'damaged' | 'without-last'
  /** What the client gets instead of the 302: a cut connection, nothing until it gives up, or this refusal. */
  readonly answer?: 'cut' | 'never' | GatewayError
  /** How long the report stays pending. */
  readonly reportAfterMs?: number
  /** How long listings do not show the files yet. */
  readonly shownAfterMs?: number
}

/** A file of the account, with its content. */
export interface MemoryFile {
  entry: FileEntry
  folder: FolderId
  readonly content: Uint8Array
  readonly shownMs: number
}

/** One upload as it reached the account. */
export interface MemoryUpload {
  readonly folder: FolderId
  readonly names: readonly string[]
  /** Was the client told 302? */
  readonly isAccepted: boolean
}

interface MemoryFolder {
  readonly id: FolderId
  parent: FolderId
  name: string
  readonly createdMs: number
  shareId: string | undefined
  hasPassword: boolean
}

/**
 * A small account in memory: folders, files, uploads with faults on demand. It keeps no limits and needs no key.
 * `whirlpool` is given in, because this package computes nothing.
 */
export class MemoryHost implements FileHost {
  readonly files: Map<string, MemoryFile> = new Map()
  readonly uploads: MemoryUpload[] = []
  /** How often each method was called. */
  readonly calls: Map<keyof FileHost, number> = new Map()
  readonly faults: UploadFault[] = []
  /** While it is set, every call but the report is refused with it. */
  refusal: GatewayError | undefined

  readonly #clock: Clock
  readonly #whirlpool: (content: Uint8Array) => string
  readonly #folders = new Map<FolderId, MemoryFolder>()
  readonly #reports = new Map<string, { readonly readyMs: number; readonly files: readonly StoredFile[] }>()
  readonly #remote: RemoteUploadDetails[] = []
  readonly #ftpUsers = new Map<string, FolderId>()
  #lastId = 0

  constructor(options: { readonly clock: Clock; readonly whirlpool: (content: Uint8Array) => string }) {
    this.#clock = options.clock
    this.#whirlpool = options.whirlpool
    this.#addFolder(ROOT, ROOT, 'Root')
  }

  /** The next uploads go wrong, one after the other. */
  fail(...faults: readonly UploadFault[]): void {
    this.faults.push(...faults)
  }

  /** What is in a folder, whether listings show it yet or not. */
  filesIn(folder: FolderId): readonly MemoryFile[] {
    return [...this.files.values()].filter((file) => file.folder === folder)
  }

  /** Puts a file there as if it had been uploaded long ago, or at `dateMs`. */
  plant(folder: FolderId, name: string, content: Uint8Array, dateMs: number): FileEntry {
    return this.#store(folder, name, content, dateMs, dateMs).entry
  }

  async listFolder(folder: FolderId, call: HostCall): Promise<FolderListing> {
    this.#enter('listFolder', call)
    const { name, shareId } = this.#folder(folder)
    const folders: readonly FolderEntry[] = [...this.#folders.values()].filter(
      (entry) => entry.parent === folder && entry.id !== folder,
    )
    const files = this.#shown(folder)
    const publicUrl = shareId === undefined ? undefined : `https://1fichier.com/dir/${shareId}`
    return { id: folder, name, folders, files, fileCount: files.length, publicUrl }
  }

  async listFiles(
    scope: FolderId | 'all',
    window: DateWindow,
    call: HostCall,
  ): Promise<readonly FileEntry[]> {
    this.#enter('listFiles', call)
    if (scope !== 'all') this.#folder(scope)
    const { sentAfterMs = 0, sentBeforeMs = Number.POSITIVE_INFINITY } = window
    return this.#shown(scope).filter(({ dateMs }) => dateMs >= sentAfterMs && dateMs <= sentBeforeMs)
  }

  async fileInfo(link: FileLink, _options: { readonly pass?: string }, call: HostCall): Promise<FileDetails> {
    this.#enter('fileInfo', call)
    const { entry, folder } = this.#file(link)
    const plain = { path: undefined, description: undefined, isInline: false, withoutTls: false }
    return { ...entry, ...plain, folder, access: undefined }
  }

  async makeFolder(name: string, parent: FolderId, call: HostCall): Promise<FolderId> {
    this.#enter('makeFolder', call)
    this.#folder(parent)
    return this.#addFolder(parseFolderId(this.#next()), parent, name)
  }

  async renameFolder(
    folder: FolderId,
    name: string,
    _parent: FolderId | undefined,
    call: HostCall,
  ): Promise<void> {
    this.#enter('renameFolder', call)
    this.#folder(folder).name = name
  }

  async moveFolder(folder: FolderId, to: FolderId, call: HostCall): Promise<void> {
    this.#enter('moveFolder', call)
    this.#folder(folder).parent = this.#folder(to).id
  }

  async removeFolder(folder: FolderId, call: HostCall): Promise<void> {
    this.#enter('removeFolder', call)
    this.#folder(folder)
    const isParent = this.#folders.values().some((entry) => entry.parent === folder && entry.id !== folder)
    if (isParent || this.filesIn(folder).length > 0) {
      throw new GatewayError('conflict', `folder ${folder} is not empty`)
    }
    this.#folders.delete(folder)
  }

  async shareFolder(folder: FolderId, sharing: FolderSharing, call: HostCall): Promise<string | undefined> {
    this.#enter('shareFolder', call)
    const shared = this.#folder(folder)
    if (sharing.public !== undefined) shared.shareId = sharing.public ? `share${folder}` : undefined
    if (sharing.pass !== undefined) shared.hasPassword = sharing.pass !== ''
    return shared.shareId === undefined ? undefined : `https://1fichier.com/dir/${shared.shareId}`
  }

  async moveFiles(
    links: readonly FileLink[],
    to: FolderId,
    rename: string | undefined,
    call: HostCall,
  ): Promise<readonly FileLink[]> {
    this.#enter('moveFiles', call)
    this.#folder(to)
    for (const file of links.map((link) => this.#file(link))) {
      file.folder = to
      file.entry = { ...file.entry, name: rename ?? file.entry.name }
    }
    return links
  }

  async renameFiles(renames: readonly FileRename[], call: HostCall): Promise<readonly FileLink[]> {
    this.#enter('renameFiles', call)
    for (const { link, name } of renames) {
      const file = this.#file(link)
      file.entry = { ...file.entry, name }
    }
    return renames.map(({ link }) => link)
  }

  async copyFiles(
    links: readonly FileLink[],
    to: FolderId,
    options: CopyOptions,
    call: HostCall,
  ): Promise<readonly FileLink[]> {
    this.#enter('copyFiles', call)
    this.#folder(to)
    const nowMs = this.#clock.nowMs()
    const copy = (file: MemoryFile): FileLink =>
      this.#store(to, options.rename ?? file.entry.name, file.content, nowMs, nowMs).entry.link
    return links.map((link) => copy(this.#file(link)))
  }

  async removeFiles(links: readonly FileLink[], call: HostCall): Promise<number> {
    this.#enter('removeFiles', call)
    return links.filter((link) => this.files.delete(link.id)).length
  }

  async changeFiles(links: readonly FileLink[], changes: FileChanges, call: HostCall): Promise<void> {
    this.#enter('changeFiles', call)
    for (const file of links.map((link) => this.#file(link))) {
      const { name = file.entry.name, pass, access, cdn = file.entry.usesCdn } = changes
      const hasPassword = pass === undefined ? file.entry.hasPassword : pass !== ''
      const isRestricted = access === undefined ? file.entry.isRestricted : Object.keys(access).length > 0
      file.entry = { ...file.entry, name, hasPassword, isRestricted, usesCdn: cdn }
    }
  }

  async scanFile(link: FileLink, call: HostCall): Promise<ScanResult> {
    this.#enter('scanFile', call)
    this.#file(link)
    return { kind: 'clean', cachedSinceMs: undefined }
  }

  async uploadTarget(call: HostCall): Promise<UploadTarget> {
    this.#enter('uploadTarget', call)
    return { node: 'up1.1fichier.com', id: `u${this.#next()}` }
  }

  async upload(
    target: UploadTarget,
    folder: FolderId,
    files: readonly UploadFile[],
    call: HostCall,
  ): Promise<UploadReceipt> {
    this.#enter('upload', call)
    const fault = this.faults.shift() ?? {}
    if (fault.answer instanceof GatewayError && fault.content === 'lost') throw fault.answer
    const contents = await Promise.all(files.map(readFile))
    if (fault.answer === 'never') await untilAborted(call.signal)
    const isAccepted = fault.answer === undefined
    this.uploads.push({ folder, names: files.map(({ name }) => name), isAccepted })
    if (fault.content !== 'lost') this.#takeUpload(target, folder, files, contents, fault)
    if (fault.answer instanceof GatewayError) throw fault.answer
    if (fault.answer === 'cut')
      throw new GatewayError('upstream-down', 'the upload node closed the connection')
    return { node: target.node, xid: target.id }
  }

  async uploadReport(receipt: UploadReceipt, call: HostCall): Promise<UploadReport> {
    this.calls.set('uploadReport', (this.calls.get('uploadReport') ?? 0) + 1)
    call.signal?.throwIfAborted()
    const report = this.#reports.get(receipt.xid) ?? missing(`upload ${receipt.xid}`)
    if (report.readyMs > this.#clock.nowMs()) return { kind: 'pending' }
    return { kind: 'stored', files: report.files }
  }

  async downloadToken(link: FileLink, _options: object, call: HostCall): Promise<URL> {
    this.#enter('downloadToken', call)
    return new URL(`https://a-1.1fichier.com/${this.#file(link).entry.link.id}`)
  }

  async openDirect(url: URL, range: ByteRange | undefined, call: HostCall): Promise<DirectContent> {
    this.#enter('openDirect', call)
    const file = this.#file({ domain: '1fichier.com', id: parseFileId(url.pathname.slice(1)) })
    const startByte = range?.startByte ?? 0
    const part = file.content.subarray(startByte, (range?.endByte ?? file.content.length) + 1)
    async function* body(): AsyncGenerator<Uint8Array> {
      yield part
    }
    const { sizeBytes, contentType } = file.entry
    return { startByte, lengthBytes: part.length, sizeBytes, contentType, body: body() }
  }

  async account(call: HostCall): Promise<Account> {
    this.#enter('account', call)
    return ACCOUNT
  }

  async changeAccount(_changes: object, call: HostCall): Promise<void> {
    this.#enter('changeAccount', call)
  }

  get remote(): RemoteUploads {
    const all = this.#remote
    return {
      start: async (urls, _folder, _headers) => {
        const times = { requestedMs: this.#clock.nowMs(), executedMs: undefined }
        return all.push({ id: all.length + 1, ...times, urls: urls.map(String), results: [] })
      },
      list: async () => [...all],
      info: async (id) => all[id - 1] ?? missing(`remote upload ${id}`),
    }
  }

  get ftp(): FtpUsers {
    const users = this.#ftpUsers
    return {
      process: async () => {},
      list: async () => [...users].map(([user, folder]) => ({ user, folder_id: folder })),
      add: async ({ name, folder = ROOT }) => void users.set(name, folder),
      remove: async (name) => void (users.delete(name) || missing(`FTP user ${name}`)),
    }
  }

  readonly vouchers: Vouchers = {
    list: async () => [],
    check: async (voucher) => missing(`voucher ${voucher}`),
    use: async (voucher) => missing(`voucher ${voucher}`),
  }

  async publicFolder(id: string, _options: object, call: HostCall): Promise<readonly PublicFile[]> {
    this.#enter('publicFolder', call)
    const folder =
      this.#folders.values().find(({ shareId }) => shareId === id) ?? missing(`public folder ${id}`)
    return this.#shown(folder.id).map((file) => ({ ...file, link: linkText(file.link) }))
  }

  async checkLinks(links: readonly FileLink[], call: HostCall): Promise<readonly LinkState[]> {
    this.#enter('checkLinks', call)
    return links.map(({ id }) => {
      const entry = this.files.get(id)?.entry
      const state = entry === undefined ? 'not-found' : 'found'
      return { id, state, name: entry?.name, sizeBytes: entry?.sizeBytes }
    })
  }

  #enter(method: keyof FileHost, call: HostCall): void {
    this.calls.set(method, (this.calls.get(method) ?? 0) + 1)
    call.signal?.throwIfAborted()
    if (this.refusal !== undefined) throw this.refusal
  }

  #takeUpload(
    target: UploadTarget,
    folder: FolderId,
    files: readonly UploadFile[],
    contents: readonly Uint8Array[],
    fault: UploadFault,
  ): void {
    const nowMs = this.#clock.nowMs()
    const count = files.length - (fault.content === 'without-last' ? 1 : 0)
    // An id that is no folder silently means the root (wire.md §6.2).
    const place = this.#folders.has(folder) ? folder : ROOT
    const stored = files.slice(0, count).map(({ name }, index): StoredFile => {
      const content = Uint8Array.from(contents[index] ?? [])
      if (fault.content === 'damaged' && index === 0) content[0] = 255 - (content[0] ?? 0)
      return this.#store(place, name, content, nowMs, nowMs + (fault.shownAfterMs ?? 0)).entry
    })
    this.#reports.set(target.id, { readyMs: nowMs + (fault.reportAfterMs ?? 0), files: stored })
  }

  #store(folder: FolderId, name: string, content: Uint8Array, dateMs: number, shownMs: number): MemoryFile {
    const link: FileLink = {
      domain: '1fichier.com',
      id: parseFileId(`m${String(this.#next()).padStart(19, '0')}`),
    }
    const plain = { hasPassword: false, isRestricted: false, usesCdn: false, contentType: undefined }
    // 1fichier's dates have whole seconds.
    const date = { dateMs: Math.floor(dateMs / 1000) * 1000 }
    const whirlpool = this.#whirlpool(content)
    const entry: FileEntry = { link, name, sizeBytes: content.length, ...date, whirlpool, ...plain }
    const file: MemoryFile = { entry, folder, content, shownMs }
    this.files.set(link.id, file)
    return file
  }

  #shown(scope: FolderId | 'all'): readonly FileEntry[] {
    const nowMs = this.#clock.nowMs()
    return [...this.files.values()]
      .filter((file) => (scope === 'all' || file.folder === scope) && file.shownMs <= nowMs)
      .map((file) => file.entry)
  }

  #addFolder(id: FolderId, parent: FolderId, name: string): FolderId {
    const createdMs = this.#clock.nowMs()
    this.#folders.set(id, { id, parent, name, createdMs, shareId: undefined, hasPassword: false })
    return id
  }

  #folder(id: FolderId): MemoryFolder {
    return this.#folders.get(id) ?? missing(`folder ${id}`)
  }

  #file(link: FileLink): MemoryFile {
    return this.files.get(link.id) ?? missing(`file ${link.id}`)
  }

  #next(): number {
    this.#lastId += 1
    return this.#lastId
  }
}

const ACCOUNT: Account = {
  email: 'owner@example.com',
  offer: 'premium',
  subscriptionEndMs: undefined,
  cdnCreditsGb: 0,
  hotBytes: 0,
  coldBytes: 0,
  availableBytes: 1e12,
  availableColdBytes: 1e12,
  isOverQuota: false,
  isUploadForbidden: false,
  raw: {},
}

async function readFile(file: UploadFile): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of file.open()) parts.push(part)
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}

async function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return await new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

function missing(what: string): never {
  throw new GatewayError('not-found', `there is no ${what}`)
}
