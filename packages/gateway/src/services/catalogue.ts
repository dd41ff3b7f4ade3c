import {
  type Clock,
  type FileEntry,
  type FileHost,
  type FileId,
  type FileLink,
  type FileNode,
  type FolderId,
  type FolderNode,
  GatewayError,
  linkText,
  MINUTE_MS,
  pathText,
  ROOT,
  type Tree,
} from '@guichet/core'
import type { Log } from '../log.ts'
import type { Caller, Gate } from './gate.ts'
import type { PacedCaller } from './paced-host.ts'
import type { Principal } from './principals.ts'
import { Refreshes } from './refreshes.ts'
import type { Priority } from './scheduler.ts'
import { singleFlight } from './single-flight.ts'

/** Gives the host as one caller may use it: paced, in its priority. */
export type HostFor = (
  caller: Pick<Caller, 'principal' | 'signal' | 'patienceMs'> & Pick<PacedCaller, 'recheck'>,
  priority: Priority,
) => FileHost

/** How a folder stands to the root of a key. */
export type Standing = 'inside' | 'above' | 'outside'

export interface FolderView {
  readonly folder: FolderNode
  readonly folders: readonly FolderNode[]
  readonly files: readonly FileNode[]
  /** False for a folder of which the key sees only the way down. */
  readonly isInside: boolean
  /** How old the answer is. */
  readonly ageMs: number
  /** There is more in it than 1fichier lists of one folder, and than is known. */
  readonly isCut: boolean
}

/** What a call is about, and a key has to see for it. */
export interface Reach {
  readonly folders?: readonly FolderId[]
  readonly files?: readonly FileNode[]
}

/** How many folders with a lost answer are told apart; with more, each counts as doubtful. */
const DOUBTS_MAX = 10_000

/** `asks`: answer from the tree when it is fresh enough; `refresh`: ask 1fichier now, as its rules allow. */
export type Freshness = 'asks' | 'refresh'

/**
 * What a key can see of the tree, asking 1fichier only for what is not known.
 *
 * A key with a root sees that folder and what is below it, and of the folders above only the names on the way down.
 * Everything else rejects with the `not-found` of a thing that never was, without a call and with a line in the ledger:
 * for a confined key there is no difference between what is outside and what is nowhere.
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
  /** Rejects with `not-found` unless the key may see at least the name of the folder; asks nothing of 1fichier. */
  requireSeen(caller: Caller, id: FolderId): Promise<void>
  /** Rejects with `not-found` unless the key may see the folder and what is inside it. */
  requireInside(caller: Caller, id: FolderId): Promise<FolderNode>
  /**
   * `requireInside` for all of these, for a call that has waited for its turn meanwhile: what it rejects with is marked
   * as not sent.
   */
  requireStill(caller: Caller, things: Reach): Promise<void>
  /** Every file of the account, by a call each time; only for keys that are not confined. */
  everyFile(caller: Caller): Promise<readonly FileEntry[]>
  /** What is known of a folder may be wrong: the next question for it asks 1fichier, and no call under way answers it. */
  doubt(id: FolderId): Promise<void>
  /** Is it a file of the account, as far as we know? */
  holds(file: FileNode): Promise<boolean>
  /** 1fichier says that there is no such file, or another one: it is dropped, and its folder asked for anew. */
  lost(file: FileNode): Promise<void>
  /** How many questions were answered without a call. */
  saved(): number
}

export function isFolder(node: FolderNode | FileNode): node is FolderNode {
  return !('folder' in node)
}

export function createCatalogue(options: {
  readonly tree: Tree
  readonly host: HostFor
  readonly gate: Gate
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
  readonly #gate: Gate
  readonly #clock: Clock
  readonly #log: Log
  readonly #freshMs: number
  readonly #flights = singleFlight<void>()
  readonly #refreshes = new Refreshes()
  readonly #censuses = singleFlight<readonly FileEntry[]>()
  /** The number of the last doubt about each folder. */
  readonly #doubts = new Map<FolderId, number>()
  /** How many files there are where the last listing was cut. The tree never takes one for complete: it is asked anew. */
  readonly #cut = new Map<FolderId, number>()
  #lastDoubt = 0
  /** Folders without a number of their own have this one. */
  #commonDoubt = 0
  #saved = 0

  constructor(options: Parameters<typeof createCatalogue>[0]) {
    this.#tree = options.tree
    this.#host = options.host
    this.#gate = options.gate
    this.#clock = options.clock
    this.#log = options.log
    this.#freshMs = options.freshMs
  }

  async list(caller: Caller, id: FolderId, freshness: Freshness = 'asks'): Promise<FolderView> {
    await this.#see(caller, id)
    const known = await this.#tree.folder(id)
    if (known?.listedMs === undefined || freshness === 'refresh') {
      this.#refreshes.withdraw(id)
      await this.#fetch(caller, id, 'interactive')
    } else {
      this.#saved += 1
      if (this.#isOld(known)) this.#refreshBehind(caller, id)
    }
    // Asking may take minutes, in which the folder or the key's root may have moved.
    const standing = await this.#see(caller, id)
    const folder = await this.#tree.folder(id)
    if (folder === undefined) throw noFolder(id)
    const { folders, files } = await this.#tree.children(id)
    const ageMs = Math.max(0, this.#clock.nowMs() - (folder.listedMs ?? this.#clock.nowMs()))
    if (standing === 'inside') {
      const isCut = files.length < (this.#cut.get(id) ?? 0)
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
        hint: hintFor(pathText(parts.slice(0, depth)), view.ageMs),
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
    this.#lastDoubt += 1
    if (this.#doubts.size >= DOUBTS_MAX) {
      this.#doubts.clear()
      this.#commonDoubt = this.#lastDoubt
    }
    this.#doubts.set(id, this.#lastDoubt)
    await this.#tree.forgetListing(id)
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

  #fetch(caller: Caller, id: FolderId, priority: Priority): Promise<void> {
    const doubt = this.#doubtOf(id)
    return this.#flights(`folder:${id}:${doubt}`, caller.signal, async (signal) => {
      // A key that may not list needs listings all the same: for paths, and for names that are taken.
      await this.#gate.note(caller, 'list', `folder ${id} at 1fichier`)
      const askedMs = this.#clock.nowMs()
      try {
        const listing = await this.#host({ ...caller, signal }, priority).listFolder(id, { signal })
        const count = listing.fileCount ?? 0
        if (count > listing.files.length) this.#cut.set(id, count)
        else this.#cut.delete(id)
        await this.#tree.applyListing(listing, askedMs, this.#clock.nowMs())
        // Asked before a write whose answer was lost: it may show the folder as it was before.
        if (this.#doubtOf(id) !== doubt) await this.#tree.forgetListing(id)
      } catch (failure) {
        if (failure instanceof GatewayError && failure.code === 'not-found') await this.#tree.forgetFolder(id)
        throw failure
      }
    })
  }

  #doubtOf(id: FolderId): number {
    return this.#doubts.get(id) ?? this.#commonDoubt
  }

  #refreshBehind(caller: Caller, id: FolderId): void {
    const behind: Caller = { ...caller, signal: undefined, patienceMs: undefined }
    this.#refreshes.offer(id, async () => {
      try {
        const known = await this.#tree.folder(id)
        if (known !== undefined && this.#isOld(known)) await this.#fetch(behind, id, 'scan')
        return true
      } catch (failure) {
        // Nobody waits for this refresh; the next question tries again.
        const { code } = GatewayError.from(failure)
        this.#log.warn({ folder: id, code }, 'a refresh in the background failed')
        return code === 'not-found'
      }
    })
  }

  #isOld({ listedMs = 0 }: FolderNode): boolean {
    const ageMs = this.#clock.nowMs() - listedMs
    // A listing from the future was taken before somebody set the clock back: nobody knows how old it is.
    return ageMs > this.#freshMs || ageMs < 0
  }
}

/** Others write to the account as well: what is not in an older listing may be there by now. */
function hintFor(folder: string, ageMs: number): string {
  // No name at 1fichier has a quotation mark.
  const typed = /^[\w/.:+,=@-]+$/.test(folder) ? folder : `"${folder}"`
  return ageMs < MINUTE_MS
    ? `\`guichet ls ${typed}\` shows what is there`
    : `\`guichet ls --refresh ${typed}\` asks 1fichier what is there by now`
}

function bare(folder: FolderNode): FolderNode {
  return { ...folder, createdMs: undefined, hasPassword: false, publicUrl: undefined }
}

/** One text for all that a key cannot see: 1fichier's own for a thing that is not there. */
export function noFolder(id: FolderId): GatewayError {
  return new GatewayError('not-found', `there is no folder ${id}`, {
    hint: '`guichet ls /` shows what is there',
  })
}

export function noLink(links: readonly FileLink[]): GatewayError {
  return new GatewayError('not-found', `there is no file ${links.map(linkText).join(' ').slice(0, 500)}`, {
    hint: 'list its folder first: files of the account are known by their listing',
  })
}

export function noFile(id: FileId): GatewayError {
  return new GatewayError('not-found', `there is no file ${id}`, {
    hint: 'list its folder first: files of the account are known by their listing',
  })
}
