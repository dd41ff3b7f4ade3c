import { guessMimeType } from '../content/mime.ts'
import { fileLink } from '../hosts.ts'
import { type Random, randomFileId } from '../random.ts'
import type { Account } from './account.ts'
import type { Voucher } from './belongings.ts'
import type { ForestSpec } from './forest.ts'
import {
  type Acl,
  type FileRecord,
  type FolderRecord,
  NOWHERE_ID,
  newFile,
  newFolder,
  ROOT_ID,
  UNLINKED_ID,
} from './records.ts'

/** A file as the owner of the emulator sees it. */
export interface SeenFile {
  readonly path: string
  readonly sizeBytes: number
  /** Empty when it is of computed content and nobody has asked for it. */
  readonly whirlpool: string
  readonly link: string
}

export interface SeenFolder {
  readonly id: number
  readonly path: string
  readonly folders: readonly string[]
  readonly files: readonly SeenFile[]
}

export interface SyntheticOptions {
  readonly sizeBytes: number
  readonly seed: string
  /** Compute the Whirlpool now, however long the file is. Small files have one anyway. */
  readonly checksum?: boolean
}

export interface ForestOptions {
  readonly folders: number
  readonly filesPerFolder: number
  readonly fanout?: number
  readonly seed?: number
  readonly sizeBytesMin?: number
  readonly sizeBytesMax?: number
}

export interface ForeignOptions {
  readonly name: string
  readonly bytes: Uint8Array
  readonly pass?: string
  readonly acl?: Acl
  readonly domain?: number
}

/**
 * Fills the account and looks into it, past all rules, readings and faults.
 * Paths begin with `/`; `friend@example.com:/` is the root of what another user shares.
 * A folder that is missing on the way is made. Two files of one name stay two files, as in the service.
 */
export class SeedableAccount {
  readonly #account: Account
  readonly #random: Random
  readonly #nowMs: () => number

  constructor(account: Account, random: Random, nowMs: () => number) {
    this.#account = account
    this.#random = random
    this.#nowMs = nowMs
  }

  /** Makes the folder and its parents where they are missing; gives its id. */
  mkdir(path: string): number {
    let folder = this.#rootOf(path)
    for (const name of namesOf(path)) folder = this.#child(folder.id, name) ?? this.#make(folder.id, name)
    return folder.id
  }

  async putFile(path: string, bytes: Uint8Array): Promise<SeenFile> {
    return this.#put(path, await this.#account.contents.store(bytes))
  }

  /** A file of computed content, up to 300 GB, that takes no room. */
  async putSynthetic(path: string, { sizeBytes, seed, checksum }: SyntheticOptions): Promise<SeenFile> {
    const seen = this.#put(path, { sizeBytes, whirlpool: '', content: { kind: 'synthetic', seed } })
    const file = this.#fileAt(path)
    const whirlpool = file && (await this.#account.checksum(file, checksum === true))
    if (!file || !whirlpool) return seen
    this.#account.tree.saveFile({ ...file, whirlpool })
    return { ...seen, whirlpool }
  }

  /** A computed tree of any number of folders and files below a folder; gives the id of its first folder. */
  putForest(path: string, options: ForestOptions): number {
    const mountId = this.mkdir(path)
    const forest: ForestSpec = {
      number: this.#account.tree.forests().length,
      mountId,
      firstFolderId: this.#account.tree.newFolderId(),
      folders: options.folders,
      filesPerFolder: options.filesPerFolder,
      fanout: options.fanout ?? 100,
      seed: options.seed ?? 1,
      sizeBytesMin: options.sizeBytesMin ?? 100,
      sizeBytesMax: options.sizeBytesMax ?? 4_000,
      createdMs: this.#nowMs() - 365 * 86_400_000,
    }
    this.#account.tree.plantForest(forest)
    return forest.firstFolderId
  }

  /** A file of somebody else, reachable by its link only; gives the link. */
  async putForeign(options: ForeignOptions): Promise<string> {
    const file = newFile({
      ...(await this.#account.contents.store(options.bytes)),
      id: randomFileId(this.#random),
      folderId: UNLINKED_ID,
      name: options.name,
      storedMs: this.#nowMs(),
      mimeType: guessMimeType(options.name),
      pass: options.pass ?? '',
      acl: options.acl ?? null,
      domain: options.domain ?? 0,
    })
    this.#account.tree.saveFile(file)
    return fileLink(file.domain, file.id)
  }

  /** Lets another user share a folder with this account; its paths begin with `email:/`. */
  shareFrom(email: string, rights: { readonly rw: 0 | 1; readonly hideLinks: 0 | 1 }): number {
    const id = this.#account.tree.newFolderId()
    const root = newFolder(id, NOWHERE_ID, 'Root', this.#nowMs())
    this.#account.tree.saveFolder({ ...root, sharedBy: { email, ...rights } })
    return id
  }

  addVoucher(voucher: Voucher): void {
    this.#account.changeBelongings({ vouchers: [...this.#account.belongings().vouchers, voucher] })
  }

  /** What is in a folder; undefined when there is no such folder. */
  list(path: string): SeenFolder | undefined {
    const folder = this.#folderAt(path)
    if (!folder) return undefined
    const folders = this.#account.tree.foldersIn(folder.id).map(({ name }) => name)
    const files = this.#account.tree.filesIn(folder.id).map((file) => this.#seen(file))
    return { id: folder.id, path, folders: [...folders], files: [...files] }
  }

  /** Every file of the account. */
  files(): SeenFile[] {
    return [...this.#account.tree.allFiles().map((file) => this.#seen(file))]
  }

  async readFile(path: string): Promise<Buffer> {
    const file = this.#fileAt(path)
    if (!file) throw new Error(`no file ${path} in the emulated account`)
    const { content, sizeBytes } = file
    if (!this.#account.contents.isReadable(content)) throw new Error(`the content of ${path} was not kept`)
    const chunks: Buffer[] = []
    for await (const chunk of this.#account.contents.read(content, 0, sizeBytes)) chunks.push(chunk)
    return Buffer.concat(chunks)
  }

  #put(path: string, stored: Pick<FileRecord, 'content' | 'sizeBytes' | 'whirlpool'>): SeenFile {
    const names = namesOf(path)
    const name = names.at(-1)
    if (name === undefined) throw new Error(`${path} names no file`)
    const file = newFile({
      ...stored,
      id: randomFileId(this.#random),
      folderId: this.mkdir(path.slice(0, path.lastIndexOf('/') + 1)),
      name,
      storedMs: this.#nowMs(),
      mimeType: guessMimeType(name),
    })
    this.#account.tree.saveFile(file)
    return this.#seen(file)
  }

  #seen(file: FileRecord): SeenFile {
    const folders = this.#account.lineage(file.folderId)
    const sharer = folders[0]?.sharedBy
    const names = (sharer ? folders.slice(1) : folders).map(({ name }) => name)
    const path = `${sharer ? `${sharer.email}:` : ''}/${[...names, file.name].join('/')}`
    return {
      path,
      sizeBytes: file.sizeBytes,
      whirlpool: file.whirlpool,
      link: fileLink(file.domain, file.id),
    }
  }

  #rootOf(path: string): FolderRecord {
    const email = /^([^/]+@[^/]+):\//.exec(path)?.[1]
    const root = this.#account.folderOf(ROOT_ID, email)
    if (!root) throw new Error(`${email} shares nothing with the emulated account; call shareFrom first`)
    return root
  }

  #folderAt(path: string): FolderRecord | undefined {
    let folder: FolderRecord | undefined = this.#rootOf(path)
    for (const name of namesOf(path)) folder = folder && this.#child(folder.id, name)
    return folder
  }

  #fileAt(path: string): FileRecord | undefined {
    const folder = this.#folderAt(path.slice(0, path.lastIndexOf('/') + 1))
    const name = namesOf(path).at(-1)
    return folder && this.#account.tree.filesIn(folder.id).find((file) => file.name === name)
  }

  #child(folderId: number, name: string): FolderRecord | undefined {
    return this.#account.tree.foldersIn(folderId).find((folder) => folder.name === name)
  }

  #make(parentId: number, name: string): FolderRecord {
    const folder = newFolder(this.#account.tree.newFolderId(), parentId, name, this.#nowMs())
    this.#account.tree.saveFolder(folder)
    return folder
  }
}

function namesOf(path: string): string[] {
  return path
    .replace(/^[^/]*:/, '')
    .split('/')
    .filter((name) => name !== '')
}
