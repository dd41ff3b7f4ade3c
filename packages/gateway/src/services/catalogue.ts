import {
  type Clock,
  type FileHost,
  type FileId,
  type FileNode,
  type FolderId,
  type FolderNode,
  GatewayError,
  pathText,
  ROOT,
  type Tree,
} from '@guichet/core'
import type { Log } from '../log.ts'
import type { Caller } from './gate.ts'
import type { Principal } from './principals.ts'
import type { Priority } from './scheduler.ts'
import { singleFlight } from './single-flight.ts'

/** Gives the host as one caller may use it: paced, in its priority. */
export type HostFor = (
  caller: Pick<Caller, 'principal' | 'signal' | 'patienceMs'>,
  priority: Priority,
) => FileHost

/** How a folder stands to the root of a key. */
export type Standing = 'inside' | 'above' | 'outside'

export interface FolderView {
  readonly folder: FolderNode
  readonly folders: readonly FolderNode[]
  readonly files: readonly FileNode[]
  /** How old the answer is. */
  readonly ageMs: number
}

/** `asks`: answer from the tree when it is fresh enough; `refresh`: ask 1fichier now, as its rules allow. */
export type Freshness = 'asks' | 'refresh'

/**
 * What a key can see of the tree, asking 1fichier only for what is not known.
 *
 * A key with a root sees that folder and what is below it, and of the folders above only the way down to it.
 * Everything else rejects with the `not-found` of a thing that never was.
 */
export interface Catalogue {
  list(caller: Caller, id: FolderId, freshness?: Freshness): Promise<FolderView>
  folder(caller: Caller, id: FolderId): Promise<FolderNode>
  file(caller: Caller, id: FileId): Promise<FileNode>
  /** The folder or file at a path; names that are there twice give the first by id. */
  resolve(caller: Caller, parts: readonly string[]): Promise<FolderNode | FileNode>
  /** The path of a folder, from the root. */
  pathOf(id: FolderId): Promise<string>
  standing(principal: Principal, id: FolderId): Promise<Standing>
  /** Rejects with `not-found` unless the key may see the folder and what is inside it. */
  requireInside(caller: Caller, id: FolderId): Promise<FolderNode>
  /** How many questions were answered without a call. */
  saved(): number
}

export function isFolder(node: FolderNode | FileNode): node is FolderNode {
  return !('folder' in node)
}

export function createCatalogue(options: {
  readonly tree: Tree
  readonly host: HostFor
  readonly clock: Clock
  readonly log: Log
  /** For so long a listing is taken for true; older ones are answered and refreshed behind. */
  readonly freshMs: number
}): Catalogue {
  return new TreeCatalogue(options)
}

class TreeCatalogue implements Catalogue {
  readonly #tree: Tree
  readonly #host: HostFor
  readonly #clock: Clock
  readonly #log: Log
  readonly #freshMs: number
  readonly #flights = singleFlight<void>()
  #saved = 0

  constructor(options: Parameters<typeof createCatalogue>[0]) {
    this.#tree = options.tree
    this.#host = options.host
    this.#clock = options.clock
    this.#log = options.log
    this.#freshMs = options.freshMs
  }

  async list(caller: Caller, id: FolderId, freshness: Freshness = 'asks'): Promise<FolderView> {
    const standing = await this.#see(caller, id)
    const known = await this.#tree.folder(id)
    if (known?.listedMs === undefined || freshness === 'refresh') {
      await this.#fetch(caller, id, 'interactive')
    } else {
      this.#saved += 1
      if (this.#clock.nowMs() - known.listedMs > this.#freshMs) this.#refreshBehind(caller, id)
    }
    const folder = await this.#tree.folder(id)
    if (folder === undefined) throw noFolder(id)
    const { folders, files } = await this.#tree.children(id)
    const ageMs = Math.max(0, this.#clock.nowMs() - (folder.listedMs ?? this.#clock.nowMs()))
    if (standing === 'inside') return { folder, folders, files, ageMs }
    const way = (await this.#tree.ancestry(caller.principal.root)) ?? []
    return {
      folder,
      folders: folders.filter((child) => way.some((step) => step.id === child.id)),
      files: [],
      ageMs,
    }
  }

  async folder(caller: Caller, id: FolderId): Promise<FolderNode> {
    await this.#see(caller, id)
    const known = await this.#tree.folder(id)
    if (known !== undefined) return known
    return (await this.list(caller, id)).folder
  }

  async file(caller: Caller, id: FileId): Promise<FileNode> {
    const file = await this.#tree.file(id)
    if (file === undefined || (await this.standing(caller.principal, file.folder)) !== 'inside')
      throw noFile(id)
    return file
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
      throw new GatewayError('not-found', `there is no ${pathText(parts)}`, {
        hint: `\`guichet ls ${pathText(parts.slice(0, depth))}\` shows what is there`,
      })
    }
    return folder
  }

  async pathOf(id: FolderId): Promise<string> {
    const chain = await this.#tree.ancestry(id)
    return chain === undefined ? `folder:${id}` : pathText(chain.slice(1).map((folder) => folder.name))
  }

  async standing(principal: Principal, id: FolderId): Promise<Standing> {
    if (principal.root === ROOT) return 'inside'
    const chain = await this.#tree.ancestry(id)
    if (chain?.some((folder) => folder.id === principal.root)) return 'inside'
    const way = await this.#tree.ancestry(principal.root)
    return way?.some((folder) => folder.id === id) ? 'above' : 'outside'
  }

  async requireInside(caller: Caller, id: FolderId): Promise<FolderNode> {
    if ((await this.standing(caller.principal, id)) !== 'inside') throw noFolder(id)
    return this.folder(caller, id)
  }

  saved(): number {
    return this.#saved
  }

  async #see(caller: Caller, id: FolderId): Promise<Standing> {
    const standing = await this.standing(caller.principal, id)
    if (standing === 'outside') throw noFolder(id)
    return standing
  }

  #fetch(caller: Caller, id: FolderId, priority: Priority): Promise<void> {
    return this.#flights(`folder:${id}`, caller.signal, async (signal) => {
      const askedMs = this.#clock.nowMs()
      try {
        const listing = await this.#host({ ...caller, signal }, priority).listFolder(id, { signal })
        await this.#tree.applyListing(listing, askedMs, this.#clock.nowMs())
      } catch (failure) {
        if (failure instanceof GatewayError && failure.code === 'not-found') await this.#tree.forgetFolder(id)
        throw failure
      }
    })
  }

  #refreshBehind(caller: Caller, id: FolderId): void {
    const behind: Caller = { ...caller, signal: undefined, patienceMs: undefined }
    this.#fetch(behind, id, 'scan').catch((failure: unknown) => {
      // Nobody waits for this refresh; the next question tries again.
      this.#log.warn(
        { folder: id, code: GatewayError.from(failure).code },
        'a refresh in the background failed',
      )
    })
  }
}

/** One text for all that a key cannot see: 1fichier's own for a thing that is not there. */
export function noFolder(id: FolderId): GatewayError {
  return new GatewayError('not-found', `there is no folder ${id}`, {
    hint: '`guichet ls /` shows what is there',
  })
}

export function noFile(id: FileId): GatewayError {
  return new GatewayError('not-found', `there is no file ${id}`, {
    hint: 'list its folder first: files of the account are known by their listing',
  })
}
