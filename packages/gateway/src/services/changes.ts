import {
  type Clock,
  type CopyOptions,
  type FileChanges,
  type FileHost,
  type FileLink,
  type FileNode,
  type FolderId,
  type FolderNode,
  type FolderSharing,
  GatewayError,
  linkText,
  parseName,
  ROOT,
  type ScanResult,
  type Tree,
  type Verb,
} from '@guichet/core'
import type { Catalogue, HostFor } from './catalogue.ts'
import type { Caller, Gate } from './gate.ts'

/** 1fichier takes many files in one call; this many is what an upload may hold too (wire.md §3). */
const FILES_PER_CALL = 500

/**
 * Everything that changes folders and files upstream, with the tree kept true.
 *
 * A thing outside the key's root is `not-found`; a missing verb is `forbidden`; both before anything is sent.
 * When an answer is lost, what is known of the folders concerned is forgotten, so that the next question finds out.
 */
export interface Changes {
  /** Rejects with `conflict` (facts `folderId`) when a folder of that name is there. */
  makeFolder(caller: Caller, parent: FolderId, name: string): Promise<FolderNode>
  /** A new name, a new place, or both; nothing at all when it is there already. */
  moveFolder(caller: Caller, id: FolderId, to: FolderId, name: string | undefined): Promise<FolderNode>
  removeFolder(caller: Caller, id: FolderId): Promise<void>
  shareFolder(caller: Caller, id: FolderId, sharing: FolderSharing): Promise<string | undefined>
  moveFiles(
    caller: Caller,
    files: readonly FileNode[],
    to: FolderId,
    name: string | undefined,
  ): Promise<readonly FileNode[]>
  renameFiles(
    caller: Caller,
    renames: readonly { readonly file: FileNode; readonly name: string }[],
  ): Promise<readonly FileNode[]>
  copyFiles(
    caller: Caller,
    files: readonly FileNode[],
    to: FolderId,
    options: CopyOptions,
  ): Promise<readonly FileNode[]>
  /** Other people's files into the account; their size is known at the next listing. Needs a key for the whole account. */
  copyForeign(
    caller: Caller,
    links: readonly FileLink[],
    to: FolderId,
    options: CopyOptions,
  ): Promise<readonly FileLink[]>
  removeFiles(caller: Caller, files: readonly FileNode[]): Promise<number>
  changeFiles(caller: Caller, files: readonly FileNode[], changes: FileChanges): Promise<void>
  scanFile(caller: Caller, file: FileNode): Promise<ScanResult>
}

export function createChanges(options: {
  readonly tree: Tree
  readonly catalogue: Catalogue
  readonly host: HostFor
  readonly gate: Gate
  readonly clock: Clock
}): Changes {
  return new TreeChanges(options)
}

class TreeChanges implements Changes {
  readonly #tree: Tree
  readonly #catalogue: Catalogue
  readonly #host: HostFor
  readonly #gate: Gate
  readonly #clock: Clock

  constructor(options: Parameters<typeof createChanges>[0]) {
    this.#tree = options.tree
    this.#catalogue = options.catalogue
    this.#host = options.host
    this.#gate = options.gate
    this.#clock = options.clock
  }

  async makeFolder(caller: Caller, parent: FolderId, name: string): Promise<FolderNode> {
    parseName(name)
    await this.#gate.permit(caller, 'mkdir', `${await this.#catalogue.pathOf(parent)}/${name}`)
    await this.#catalogue.requireInside(caller, parent)
    // What 1fichier does with a second folder of one name is unknown (wire.md §15), so it is never asked for.
    await this.#requireFree(caller, parent, name)
    const id = await this.#send(caller, [parent], (host) => host.makeFolder(name, parent, caller))
    const nowMs = this.#clock.nowMs()
    const isNew = (await this.#tree.folder(id)) === undefined
    await this.#tree.addFolder({ id, parent, name }, nowMs)
    if (isNew) await this.#tree.markListed(id, nowMs)
    return this.#folder(id)
  }

  async moveFolder(
    caller: Caller,
    id: FolderId,
    to: FolderId,
    name: string | undefined,
  ): Promise<FolderNode> {
    const folder = await this.#catalogue.requireInside(caller, id)
    this.#refuseRoots(caller, id)
    const isRenamed = name !== undefined && parseName(name) !== folder.name
    const isMoved = to !== folder.parent
    const target = await this.#catalogue.pathOf(id)
    if (isRenamed) await this.#gate.permit(caller, 'rename', target)
    if (isMoved || !isRenamed) await this.#gate.permit(caller, 'move', target)
    await this.#catalogue.requireInside(caller, to)
    if (isMoved) await this.#refuseCycle(id, to)
    if (isMoved || isRenamed) await this.#requireFree(caller, to, name ?? folder.name)
    const touched = folder.parent === undefined ? [to] : [folder.parent, to]
    // With `rename`, 1fichier ignores the destination (wire.md §5.3), so these are two calls.
    if (isRenamed) {
      await this.#send(caller, touched, (host) => host.renameFolder(id, name, folder.parent, caller))
      await this.#tree.renameFolder(id, name, this.#clock.nowMs())
    }
    if (isMoved) {
      await this.#send(caller, touched, (host) => host.moveFolder(id, to, caller))
      await this.#tree.moveFolder(id, to, this.#clock.nowMs())
    }
    return this.#folder(id)
  }

  async removeFolder(caller: Caller, id: FolderId): Promise<void> {
    const target = await this.#catalogue.pathOf(id)
    await this.#gate.permit(caller, 'delete', target)
    const folder = await this.#catalogue.requireInside(caller, id)
    this.#refuseRoots(caller, id)
    const { folders, files } = await this.#catalogue.list(caller, id)
    if (folders.length + files.length > 0) {
      throw new GatewayError('conflict', `the folder ${target} is not empty`, {
        hint: `remove what is in it first, or use \`guichet rm -r ${target}\``,
        facts: { folders: folders.length, files: files.length },
      })
    }
    await this.#send(caller, folder.parent === undefined ? [id] : [id, folder.parent], (host) =>
      host.removeFolder(id, caller),
    )
    await this.#tree.removeFolder(id, this.#clock.nowMs())
  }

  async shareFolder(caller: Caller, id: FolderId, sharing: FolderSharing): Promise<string | undefined> {
    const target = await this.#catalogue.pathOf(id)
    await this.#gate.permit(caller, 'share', target)
    if (sharing.pass !== undefined) await this.#gate.permit(caller, 'password', target)
    await this.#catalogue.requireInside(caller, id)
    return this.#send(caller, [id], (host) => host.shareFolder(id, sharing, caller))
  }

  async moveFiles(
    caller: Caller,
    files: readonly FileNode[],
    to: FolderId,
    name: string | undefined,
  ): Promise<readonly FileNode[]> {
    const [only] = files
    if (name !== undefined && files.length !== 1) {
      throw new GatewayError('invalid', 'a new name is for one file at a time', {
        hint: 'move the files one by one',
      })
    }
    const isRenamed = name !== undefined && parseName(name) !== only?.name
    await this.#permitEach(caller, 'move', files)
    if (isRenamed) await this.#permitEach(caller, 'rename', files)
    await this.#catalogue.requireInside(caller, to)
    const moved = files.filter((file) => file.folder !== to)
    if (moved.length === 0) {
      // A move cannot rename inside one folder (wire.md §4.6).
      return isRenamed && only !== undefined ? this.renameFiles(caller, [{ file: only, name }]) : files
    }
    const newLinks: FileLink[] = []
    for (const batch of batches(moved)) {
      const touched = [...new Set([to, ...batch.map((file) => file.folder)])]
      const links = batch.map((file) => file.link)
      const after = await this.#send(caller, touched, (host) =>
        host.moveFiles(links, to, isRenamed ? name : undefined, caller),
      )
      for (const [index, file] of batch.entries()) {
        const nowMs = this.#clock.nowMs()
        const link = after[index] ?? file.link
        await this.#tree.moveFile(file.link.id, to, link.id, nowMs)
        if (isRenamed) await this.#tree.renameFile(link.id, name, nowMs)
        newLinks.push(link)
      }
    }
    const stayed = files.filter((file) => file.folder === to).map((file) => file.link)
    return Promise.all([...newLinks, ...stayed].map((link) => this.#file(link)))
  }

  async renameFiles(
    caller: Caller,
    renames: readonly { readonly file: FileNode; readonly name: string }[],
  ): Promise<readonly FileNode[]> {
    for (const { name } of renames) parseName(name)
    await this.#permitEach(
      caller,
      'rename',
      renames.map(({ file }) => file),
    )
    const changed = renames.filter(({ file, name }) => file.name !== name)
    for (const batch of batches(changed)) {
      const touched = [...new Set(batch.map(({ file }) => file.folder))]
      const wishes = batch.map(({ file, name }) => ({ link: file.link, name }))
      await this.#send(caller, touched, (host) => host.renameFiles(wishes, caller))
      for (const { file, name } of batch) await this.#tree.renameFile(file.link.id, name, this.#clock.nowMs())
    }
    return Promise.all(renames.map(({ file }) => this.#file(file.link)))
  }

  async copyFiles(
    caller: Caller,
    files: readonly FileNode[],
    to: FolderId,
    options: CopyOptions,
  ): Promise<readonly FileNode[]> {
    if (options.rename !== undefined) parseName(options.rename)
    await this.#permitEach(caller, 'copy', files)
    await this.#catalogue.requireInside(caller, to)
    const copies: FileNode[] = []
    for (const batch of batches(files)) {
      const links = batch.map((file) => file.link)
      const made = await this.#send(caller, [to], (host) => host.copyFiles(links, to, options, caller))
      const nowMs = this.#clock.nowMs()
      for (const [index, file] of batch.entries()) {
        const link = made[index]
        if (link === undefined) continue
        // A copy starts without the password and the restrictions of its source.
        const entry = {
          ...file,
          link,
          name: options.rename ?? file.name,
          dateMs: nowMs,
          hasPassword: false,
          isRestricted: false,
        }
        await this.#tree.addFile(to, entry, nowMs)
        copies.push({ ...entry, folder: to })
      }
    }
    return copies
  }

  async copyForeign(
    caller: Caller,
    links: readonly FileLink[],
    to: FolderId,
    options: CopyOptions,
  ): Promise<readonly FileLink[]> {
    if (options.rename !== undefined) parseName(options.rename)
    await this.#gate.permit(caller, 'copy', links.map(linkText).join(' '))
    await this.#catalogue.requireInside(caller, to)
    if (caller.principal.root !== ROOT) throw noLink(links)
    const made = await this.#send(caller, [to], (host) => host.copyFiles(links, to, options, caller))
    await this.#tree.forgetListing(to)
    return made
  }

  async removeFiles(caller: Caller, files: readonly FileNode[]): Promise<number> {
    await this.#permitEach(caller, 'delete', files)
    let removed = 0
    for (const batch of batches(files)) {
      const touched = [...new Set(batch.map((file) => file.folder))]
      const links = batch.map((file) => file.link)
      const count = await this.#send(caller, touched, (host) => host.removeFiles(links, caller))
      removed += count
      if (count < batch.length) {
        // 1fichier does not say which ones are left, so a listing has to.
        for (const folder of touched) await this.#tree.forgetListing(folder)
        continue
      }
      for (const file of batch) await this.#tree.removeFile(file.link.id, this.#clock.nowMs())
    }
    return removed
  }

  async changeFiles(caller: Caller, files: readonly FileNode[], changes: FileChanges): Promise<void> {
    const { name, pass, access, ...others } = changes
    const verbs: Verb[] = []
    if (name !== undefined || Object.keys(others).length > 0) verbs.push('rename')
    if (pass !== undefined) verbs.push('password')
    if (access !== undefined) verbs.push('share')
    for (const verb of verbs) await this.#permitEach(caller, verb, files)
    if (name !== undefined) parseName(name)
    const touched = [...new Set(files.map((file) => file.folder))]
    const links = files.map((file) => file.link)
    await this.#send(caller, touched, (host) => host.changeFiles(links, changes, caller))
    const nowMs = this.#clock.nowMs()
    for (const file of files) {
      const entry = {
        ...file,
        name: name ?? file.name,
        hasPassword: pass === undefined ? file.hasPassword : pass !== '',
        isRestricted: access === undefined ? file.isRestricted : Object.keys(access).length > 0,
        usesCdn: changes.cdn ?? file.usesCdn,
      }
      await this.#tree.addFile(file.folder, entry, nowMs)
    }
  }

  async scanFile(caller: Caller, file: FileNode): Promise<ScanResult> {
    await this.#permitEach(caller, 'stat', [file])
    const result = await this.#send(caller, [file.folder], (host) => host.scanFile(file.link, caller))
    if (result.kind === 'infected') await this.#tree.removeFile(file.link.id, this.#clock.nowMs())
    return result
  }

  /** Sends one change; after a lost answer or a surprise, the folders concerned are asked for anew. */
  async #send<T>(
    caller: Caller,
    touched: readonly FolderId[],
    call: (host: FileHost) => Promise<T>,
  ): Promise<T> {
    try {
      return await call(this.#host(caller, 'write'))
    } catch (failure) {
      const { code, facts } = GatewayError.from(failure)
      const isUnsent = facts['sent'] === false || code === 'paced' || code === 'sealed' || code === 'locked'
      if (!isUnsent) for (const folder of touched) await this.#tree.forgetListing(folder)
      throw failure
    }
  }

  async #permitEach(caller: Caller, verb: Verb, files: readonly FileNode[]): Promise<void> {
    for (const file of files) {
      await this.#gate.permit(caller, verb, `${await this.#catalogue.pathOf(file.folder)}/${file.name}`)
    }
  }

  async #requireFree(caller: Caller, parent: FolderId, name: string): Promise<void> {
    const there = (await this.#catalogue.list(caller, parent)).folders.find((folder) => folder.name === name)
    if (there === undefined) return
    throw new GatewayError(
      'conflict',
      `a folder named "${name}" is already in ${await this.#catalogue.pathOf(parent)}`,
      {
        hint: 'choose another name, or use the folder that is there',
        facts: { folderId: there.id },
      },
    )
  }

  #refuseRoots(caller: Caller, id: FolderId): void {
    if (id !== ROOT && id !== caller.principal.root) return
    throw new GatewayError('invalid', 'the root folder cannot be moved, renamed or removed', {
      hint:
        id === ROOT ? 'name a folder inside it' : 'the folder a key is confined to is not its own to change',
    })
  }

  async #refuseCycle(id: FolderId, to: FolderId): Promise<void> {
    const chain = (await this.#tree.ancestry(to)) ?? []
    if (!chain.some((folder) => folder.id === id)) return
    throw new GatewayError('conflict', 'a folder cannot be moved into itself', {
      hint: 'choose a folder outside of it',
    })
  }

  async #folder(id: FolderId): Promise<FolderNode> {
    const folder = await this.#tree.folder(id)
    if (folder !== undefined) return folder
    throw new GatewayError('not-found', `there is no folder ${id}`)
  }

  async #file(link: FileLink): Promise<FileNode> {
    const file = await this.#tree.file(link.id)
    if (file !== undefined) return file
    throw noLink([link])
  }
}

export function noLink(links: readonly FileLink[]): GatewayError {
  return new GatewayError('not-found', `there is no file ${links.map(linkText).join(' ')}`, {
    hint: 'list its folder first: files of the account are known by their listing',
  })
}

function batches<T>(items: readonly T[]): readonly T[][] {
  const count = Math.ceil(items.length / FILES_PER_CALL)
  return Array.from({ length: count }, (_, index) =>
    items.slice(index * FILES_PER_CALL, (index + 1) * FILES_PER_CALL),
  )
}
