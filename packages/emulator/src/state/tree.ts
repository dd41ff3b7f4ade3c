import {
  type ForestSpec,
  forestChildren,
  forestFile,
  forestFileAt,
  forestFileCount,
  forestFilesIn,
  forestFolder,
} from './forest.ts'
import type { Journal, JournalEntry } from './journal.ts'
import { type FileRecord, type FolderRecord, NOWHERE_ID, newFolder, ROOT_ID, UNLINKED_ID } from './records.ts'

// Folder ids of 2026 are about 22.7 million (wire.md §5).
const FIRST_FOLDER_ID = 22_700_000

/**
 * The account's folders and files.
 * Computed entries of a forest are answered as if they were held; the first change of one turns it into a held record.
 */
export class AccountTree {
  readonly #journal: Journal
  readonly #folders = new Map<number, FolderRecord>([[ROOT_ID, newFolder(ROOT_ID, NOWHERE_ID, 'Root', 0)]])
  readonly #files = new Map<string, FileRecord>()
  readonly #foldersIn = new Map<number, Set<number>>()
  readonly #filesIn = new Map<number, Set<string>>()
  readonly #forests: ForestSpec[] = []
  /** Computed entries that were changed or removed: the held record, or its absence, counts. */
  readonly #displaced = new Set<string | number>()
  readonly #contentUses = new Map<string, number>()
  #nextFolderId = FIRST_FOLDER_ID

  constructor(journal: Journal) {
    this.#journal = journal
  }

  replay(entry: JournalEntry): void {
    if (entry.is === 'folder') this.#putFolder(entry.folder)
    if (entry.is === 'folder-gone') this.#takeFolder(entry.id)
    if (entry.is === 'file') this.#putFile(entry.file)
    if (entry.is === 'file-gone') this.#takeFile(entry.id)
    if (entry.is === 'forest') this.#putForest(entry.forest)
  }

  folder(id: number): FolderRecord | undefined {
    const held = this.#folders.get(id)
    if (held || this.#displaced.has(id)) return held
    return this.#firstOfForests((forest) => forestFolder(forest, id))
  }

  file(id: string): FileRecord | undefined {
    const held = this.#files.get(id)
    if (held || this.#displaced.has(id)) return held
    return this.#firstOfForests((forest) => forestFile(forest, id))
  }

  *foldersIn(folderId: number): Generator<FolderRecord> {
    for (const id of this.#foldersIn.get(folderId) ?? []) {
      const held = this.#folders.get(id)
      if (held) yield held
    }
    for (const forest of this.#forests) {
      for (const id of forestChildren(forest, folderId)) {
        const computed = this.#displaced.has(id) ? undefined : forestFolder(forest, id)
        if (computed) yield computed
      }
    }
  }

  *filesIn(folderId: number): Generator<FileRecord> {
    for (const id of this.#filesIn.get(folderId) ?? []) {
      const held = this.#files.get(id)
      if (held) yield held
    }
    for (const forest of this.#forests) {
      for (const file of forestFilesIn(forest, folderId)) if (!this.#displaced.has(file.id)) yield file
    }
  }

  /** Every file that has a place in the account. */
  *allFiles(): Generator<FileRecord> {
    for (const file of this.#files.values()) if (file.folderId !== UNLINKED_ID) yield file
    for (const forest of this.#forests) {
      for (let index = 0; index < forestFileCount(forest); index += 1) {
        const file = forestFileAt(forest, index)
        if (!this.#displaced.has(file.id)) yield file
      }
    }
  }

  /** The files that hold content of their own, unlinked ones included; computed files are left out. */
  heldFiles(): Iterable<FileRecord> {
    return this.#files.values()
  }

  heldFolders(): Iterable<FolderRecord> {
    return this.#folders.values()
  }

  forests(): readonly ForestSpec[] {
    return this.#forests
  }

  /** How many files share one stored content. */
  usesOf(contentName: string): number {
    return this.#contentUses.get(contentName) ?? 0
  }

  newFolderId(): number {
    return this.#nextFolderId
  }

  saveFolder(folder: FolderRecord): void {
    this.#putFolder(folder)
    this.#journal.append({ is: 'folder', folder })
  }

  dropFolder(id: number): void {
    this.#takeFolder(id)
    this.#journal.append({ is: 'folder-gone', id })
  }

  saveFile(file: FileRecord): void {
    this.#putFile(file)
    this.#journal.append({ is: 'file', file })
  }

  dropFile(id: string): void {
    this.#takeFile(id)
    this.#journal.append({ is: 'file-gone', id })
  }

  plantForest(forest: ForestSpec): void {
    this.#putForest(forest)
    this.#journal.append({ is: 'forest', forest })
  }

  #putFolder(folder: FolderRecord): void {
    this.#takeFolder(folder.id)
    this.#folders.set(folder.id, folder)
    setIn(this.#foldersIn, folder.parentId).add(folder.id)
    this.#nextFolderId = Math.max(this.#nextFolderId, folder.id + 1)
  }

  #takeFolder(id: number): void {
    const held = this.#folders.get(id)
    if (held) this.#foldersIn.get(held.parentId)?.delete(id)
    else if (this.folder(id)) this.#displaced.add(id)
    this.#folders.delete(id)
  }

  #putFile(file: FileRecord): void {
    this.#takeFile(file.id)
    this.#files.set(file.id, file)
    this.#countContent(file, 1)
    setIn(this.#filesIn, file.folderId).add(file.id)
  }

  #takeFile(id: string): void {
    const held = this.#files.get(id)
    if (held) {
      this.#filesIn.get(held.folderId)?.delete(id)
      this.#countContent(held, -1)
    } else if (this.file(id)) this.#displaced.add(id)
    this.#files.delete(id)
  }

  #countContent({ content }: FileRecord, by: number): void {
    if (content.kind === 'disk') this.#contentUses.set(content.name, this.usesOf(content.name) + by)
  }

  #putForest(forest: ForestSpec): void {
    this.#forests.push(forest)
    this.#nextFolderId = Math.max(this.#nextFolderId, forest.firstFolderId + forest.folders)
  }

  #firstOfForests<T>(find: (forest: ForestSpec) => T | undefined): T | undefined {
    for (const forest of this.#forests) {
      const found = find(forest)
      if (found !== undefined) return found
    }
    return undefined
  }
}

function setIn<K, V>(sets: Map<K, Set<V>>, key: K): Set<V> {
  const known = sets.get(key)
  if (known) return known
  const fresh = new Set<V>()
  sets.set(key, fresh)
  return fresh
}
