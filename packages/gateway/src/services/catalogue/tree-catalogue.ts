import {
  type Clock,
  type FileEntry,
  type FileId,
  type FileNode,
  type FolderId,
  type FolderNode,
  GatewayError,
  ROOT,
  type Tree,
} from '@guichet/core'
import type { Caller, Gate } from '../gate.ts'
import type { Principal } from '../principals.ts'
import { singleFlight } from '../single-flight.ts'
import type { Catalogue, FolderView, Freshness, HostFor, Reach, Standing } from './catalogue.ts'
import { Listings, type ListingsOptions } from './listings.ts'
import { noFile, noFolder, noPath } from './missing.ts'
import { pathOfFolder } from './path-of.ts'

export function createCatalogue(options: ListingsOptions): Catalogue {
  return new TreeCatalogue(options)
}

class TreeCatalogue implements Catalogue {
  readonly #tree: Tree
  readonly #host: HostFor
  readonly #gate: Gate
  readonly #clock: Clock
  readonly #listings: Listings
  readonly #censuses = singleFlight<readonly FileEntry[]>()
  #saved = 0

  constructor(options: ListingsOptions) {
    this.#tree = options.tree
    this.#host = options.host
    this.#gate = options.gate
    this.#clock = options.clock
    this.#listings = new Listings(options)
  }

  async list(caller: Caller, id: FolderId, freshness: Freshness = 'asks'): Promise<FolderView> {
    await this.#see(caller, id)
    const known = await this.#tree.folder(id)
    if (known?.listedMs === undefined || freshness === 'refresh') {
      await this.#listings.fetch(caller, id)
    } else {
      this.#saved += 1
      this.#listings.refreshBehind(caller, known)
    }
    // Asking may take minutes, in which the folder or the key's root may have moved.
    const standing = await this.#see(caller, id)
    const folder = await this.#tree.folder(id)
    if (folder === undefined) throw noFolder(id)
    const { folders, files } = await this.#tree.children(id)
    const ageMs = Math.max(0, this.#clock.nowMs() - (folder.listedMs ?? this.#clock.nowMs()))
    if (standing === 'inside') {
      const isCut = files.length < this.#listings.countOf(id)
      return { folder, folders, files, isInside: true, ageMs, isCut }
    }
    const way = (await this.#tree.ancestry(caller.principal.root)) ?? []
    const onTheWay = folders.filter((child) => way.some((step) => step.id === child.id))
    return {
      folder: bare(folder),
      folders: onTheWay.map((child) => this.#shown(caller, child)),
      files: [],
      isInside: false,
      ageMs,
      isCut: false,
    }
  }

  async folder(caller: Caller, id: FolderId): Promise<FolderNode> {
    const standing = await this.#see(caller, id)
    const known = await this.#tree.folder(id)
    if (known === undefined) return (await this.list(caller, id)).folder
    return standing === 'inside' ? known : bare(known)
  }

  async file(caller: Caller, id: FileId): Promise<FileNode> {
    const file = await this.#tree.file(id)
    const isSeen = file !== undefined && (await this.standing(caller.principal, file.folder)) === 'inside'
    if (isSeen) return file
    if (caller.principal.root === ROOT) throw noFile(id)
    throw await this.#gate.deny({ caller, verb: 'stat', target: `file ${id}` }, noFile(id))
  }

  async sees(principal: Principal, id: FileId): Promise<boolean> {
    if (principal.root === ROOT) return true
    const file = await this.#tree.file(id)
    return file !== undefined && (await this.standing(principal, file.folder)) === 'inside'
  }

  async resolve(caller: Caller, parts: readonly string[]): Promise<FolderNode | FileNode> {
    let folder = await this.folder(caller, ROOT)
    for (const [depth, name] of parts.entries()) {
      const view = await this.list(caller, folder.id)
      const next = view.folders.find((child) => child.name === name)
      if (next !== undefined) {
        folder = next
        continue
      }
      const file = depth === parts.length - 1 ? view.files.find((child) => child.name === name) : undefined
      if (file !== undefined) return file
      throw noPath(parts, depth, view.ageMs)
    }
    return folder
  }

  async pathOf(id: FolderId): Promise<string> {
    return pathOfFolder(this.#tree, id)
  }

  async standing(principal: Principal, id: FolderId): Promise<Standing> {
    if (principal.root === ROOT) return 'inside'
    const [chain, way] = [await this.#tree.ancestry(id), await this.#tree.ancestry(principal.root)]
    // A root that was moved out of those of the keys it was issued under shows nothing any more.
    const above = (principal.ancestors ?? []).map(({ root }) => root).filter((root) => root !== ROOT)
    if (!above.every((root) => way?.some((folder) => folder.id === root))) return 'outside'
    if (chain?.some((folder) => folder.id === principal.root)) return 'inside'
    return way?.some((folder) => folder.id === id) ? 'above' : 'outside'
  }

  async requireSeen(caller: Caller, id: FolderId): Promise<void> {
    await this.#see(caller, id)
  }

  async requireInside(caller: Caller, id: FolderId): Promise<FolderNode> {
    if ((await this.standing(caller.principal, id)) !== 'inside') throw await this.#hidden(caller, id)
    return this.folder(caller, id)
  }

  async requireStill(caller: Caller, { folders = [], files = [] }: Reach): Promise<void> {
    if (caller.principal.root === ROOT) return
    try {
      for (const id of folders) await this.requireInside(caller, id)
      for (const { link } of files) await this.file(caller, link.id)
    } catch (failure) {
      const { code, message, hint, facts } = GatewayError.from(failure)
      throw new GatewayError(code, message, { hint, facts: { ...facts, sent: false }, cause: failure })
    }
  }

  async everyFile(caller: Caller): Promise<readonly FileEntry[]> {
    await this.requireInside(caller, ROOT)
    return this.#censuses('all', caller.signal, (signal) =>
      this.#host({ ...caller, signal }, 'scan').listFiles('all', {}, { signal }),
    )
  }

  async doubt(id: FolderId): Promise<void> {
    await this.#listings.doubt(id)
  }

  async holds(file: FileNode): Promise<boolean> {
    return (await this.#tree.file(file.link.id)) !== undefined
  }

  async lost(file: FileNode): Promise<void> {
    if (!(await this.holds(file))) return
    await this.#tree.forgetFile(file.link.id)
    await this.doubt(file.folder)
  }

  saved(): number {
    return this.#saved
  }

  async #see(caller: Caller, id: FolderId): Promise<Standing> {
    const standing = await this.standing(caller.principal, id)
    if (standing === 'outside') throw await this.#hidden(caller, id)
    return standing
  }

  async #hidden(caller: Caller, id: FolderId): Promise<GatewayError> {
    return this.#gate.deny({ caller, verb: 'list', target: `folder ${id}` }, noFolder(id))
  }

  /** A folder on the way down is a name; the key's own root is all that it is. */
  #shown(caller: Caller, folder: FolderNode): FolderNode {
    return folder.id === caller.principal.root ? folder : bare(folder)
  }
}

function bare(folder: FolderNode): FolderNode {
  return { ...folder, createdMs: undefined, hasPassword: false, publicUrl: undefined }
}
