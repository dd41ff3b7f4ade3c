import type { ContentStore } from '../content/store.ts'
import { syntheticRange } from '../content/synthetic.ts'
import { whirlpoolOf } from '../content/whirlpool.ts'
import type { Belongings } from './belongings.ts'
import { forestFileCount, forestFileSize } from './forest.ts'
import type { Journal, JournalEntry } from './journal.ts'
import { ListingLag } from './listing-lag.ts'
import { type FileRecord, type FolderRecord, NOWHERE_ID, ROOT_ID, UNLINKED_ID } from './records.ts'
import { type AccountSettings, INITIAL_SETTINGS } from './settings.ts'
import { AccountTree } from './tree.ts'
import { UploadDesk } from './upload-desk.ts'

export interface Identity {
  readonly apiKey: string
  readonly email: string
  /** Upload nodes take it with the address in place of a key (wire.md §2). */
  readonly password: string
  /** 0 free, 1 Premium, 2 Access, 3 Premium GOLD. */
  readonly offer: 0 | 1 | 2 | 3
  readonly country: string
}

const CHECKSUMS_KEPT = 50_000
// Whirlpool runs at about 200 MB/s, so that a listing of 5,000 computed files stays well under a second.
const CHECKSUM_BYTES_MAX = 1024 * 1024

/** One account: whose it is, what is in it, and what it can tell about a file. */
export class Account {
  readonly identity: Identity
  readonly tree: AccountTree
  readonly desk: UploadDesk
  readonly contents: ContentStore
  readonly lag: ListingLag = new ListingLag()
  readonly #journal: Journal
  readonly #checksums = new Map<string, string>()
  readonly #forestBytes = new Map<number, number>()
  #settings: AccountSettings = INITIAL_SETTINGS
  #belongings: Belongings
  /** The keys that open it: one, and two while its owner changes them. Those made later are not journaled. */
  readonly #keys: Set<string>

  constructor(identity: Identity, contents: ContentStore, journal: Journal, belongings: Belongings) {
    this.identity = identity
    this.#keys = new Set([identity.apiKey])
    this.contents = contents
    this.tree = new AccountTree(journal)
    this.desk = new UploadDesk(journal)
    this.#journal = journal
    this.#belongings = belongings
  }

  replay(entry: JournalEntry): void {
    this.tree.replay(entry)
    this.desk.replay(entry)
    if (entry.is === 'settings') this.#settings = entry.settings
    if (entry.is === 'belongings') this.#belongings = entry.belongings
  }

  takesKey(key: string | undefined): boolean {
    return key !== undefined && this.#keys.has(key)
  }

  addKey(key: string): void {
    this.#keys.add(key)
  }

  endKey(key: string): void {
    this.#keys.delete(key)
  }

  settings(): AccountSettings {
    return this.#settings
  }

  changeSettings(settings: AccountSettings): void {
    this.#settings = settings
    this.#journal.append({ is: 'settings', settings })
  }

  belongings(): Belongings {
    return this.#belongings
  }

  changeBelongings(changes: Partial<Belongings>): void {
    this.#belongings = { ...this.#belongings, ...changes }
    this.#journal.append({ is: 'belongings', belongings: this.#belongings })
  }

  /** The folder a request means; `folder_id` 0 with a sharer's address is the root of that share. */
  folderOf(folderId: number, sharingUser: string | undefined): FolderRecord | undefined {
    if (folderId !== ROOT_ID || !sharingUser) return this.tree.folder(folderId)
    return this.sharedRoot(sharingUser)
  }

  sharedRoot(email: string): FolderRecord | undefined {
    for (const folder of this.tree.foldersIn(NOWHERE_ID)) if (folder.sharedBy?.email === email) return folder
    return undefined
  }

  /** From the root down to the folder itself; the root is left out. */
  lineage(folderId: number): FolderRecord[] {
    const folders: FolderRecord[] = []
    let folder = this.tree.folder(folderId)
    while (folder && folder.id !== ROOT_ID) {
      folders.unshift(folder)
      folder = this.tree.folder(folder.parentId)
    }
    return folders
  }

  /** The share of another user that a folder belongs to. */
  shareOver(folderId: number): FolderRecord['sharedBy'] {
    return this.lineage(folderId)[0]?.sharedBy ?? null
  }

  /** Whether the account may change what is in the folder. */
  mayWrite(folderId: number): boolean {
    return folderId !== UNLINKED_ID && this.shareOver(folderId)?.rw !== 0
  }

  owns(file: FileRecord): boolean {
    return file.folderId !== UNLINKED_ID
  }

  /** Puts a file where its record says; `before` is what it was, when it was somewhere else. */
  place(file: FileRecord, before: FileRecord | undefined, nowMs: number, lagMs: number): void {
    if (before && before.id !== file.id) this.tree.dropFile(before.id)
    this.tree.saveFile(file)
    if (before?.folderId === file.folderId && before.id === file.id) return
    if (before) this.lag.noteDeparture(before, nowMs, lagMs)
    this.lag.noteArrival(file, nowMs, lagMs)
  }

  remove(file: FileRecord, nowMs: number, lagMs: number): void {
    this.tree.dropFile(file.id)
    this.lag.noteDeparture(file, nowMs, lagMs)
    if (file.content.kind === 'disk' && this.tree.usesOf(file.content.name) === 0) {
      this.contents.forget(file.content)
    }
  }

  /** The Whirlpool of a file; of computed content only when it is small or has been asked for with `always`. */
  async checksum(file: FileRecord, always = false): Promise<string> {
    if (file.whirlpool !== '' || file.content.kind !== 'synthetic') return file.whirlpool
    const known = this.#checksums.get(file.id)
    if (known !== undefined) return known
    if (!always && file.sizeBytes > CHECKSUM_BYTES_MAX) return ''
    const whirlpool = await whirlpoolOf(syntheticRange(file.content.seed, 0, file.sizeBytes))
    this.#checksums.set(file.id, whirlpool)
    if (this.#checksums.size > CHECKSUMS_KEPT) {
      for (const oldest of this.#checksums.keys()) {
        this.#checksums.delete(oldest)
        break
      }
    }
    return whirlpool
  }

  /** Bytes of all files of the account. */
  usedBytes(): number {
    let total = 0
    for (const file of this.tree.heldFiles()) if (this.owns(file)) total += file.sizeBytes
    for (const forest of this.tree.forests()) {
      let bytes = this.#forestBytes.get(forest.number)
      if (bytes === undefined) {
        bytes = 0
        for (let index = 0; index < forestFileCount(forest); index += 1)
          bytes += forestFileSize(forest, index)
        this.#forestBytes.set(forest.number, bytes)
      }
      total += bytes
    }
    return total
  }
}
