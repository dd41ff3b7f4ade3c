import {
  type Clock,
  type CopyOptions,
  type FileChanges,
  type FileLink,
  type FileNode,
  type FolderId,
  GatewayError,
  linkText,
  parseName,
  ROOT,
  type ScanResult,
  type Tree,
  type Verb,
} from '@guichet/core'
import type { Catalogue } from '../catalogue/catalogue.ts'
import { noLink } from '../catalogue/missing.ts'
import type { Destruction } from '../destruction.ts'
import type { Caller, Gate } from '../gate.ts'
import type { Trash } from '../trash/trash.ts'
import { type ChangeSender, parsePassword, type Touch } from './sender.ts'

/** 1fichier takes many files in one call; this many is what an upload may hold too (wire.md §3). */
const FILES_PER_CALL = 500

export interface FileChangesService {
  /** In the order asked; `name` is for a single file. */
  moveFiles(
    caller: Caller,
    files: readonly FileNode[],
    to: FolderId,
    name: string | undefined,
  ): Promise<readonly FileNode[]>
  /** In the order asked; a file that has its name already is left alone. */
  renameFiles(caller: Caller, renames: readonly Rename[]): Promise<readonly FileNode[]>
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
  /** 1fichier deletes a file in which it finds a virus, so it takes the verb for that, too. */
  scanFile(caller: Caller, file: FileNode): Promise<ScanResult>
}

export interface Rename {
  readonly file: FileNode
  readonly name: string
}

export interface FileChangesOptions {
  readonly tree: Tree
  readonly catalogue: Catalogue
  readonly gate: Gate
  readonly sender: ChangeSender
  readonly destruction: Destruction
  readonly trash: Pick<Trash, 'take'>
  readonly clock: Clock
}

export function createFileChanges(options: FileChangesOptions): FileChangesService {
  return new TreeFileChanges(options)
}

class TreeFileChanges implements FileChangesService {
  readonly #tree: Tree
  readonly #catalogue: Catalogue
  readonly #gate: Gate
  readonly #sender: ChangeSender
  readonly #destruction: Destruction
  readonly #trash: Pick<Trash, 'take'>
  readonly #clock: Clock

  constructor(options: FileChangesOptions) {
    this.#tree = options.tree
    this.#catalogue = options.catalogue
    this.#gate = options.gate
    this.#sender = options.sender
    this.#destruction = options.destruction
    this.#trash = options.trash
    this.#clock = options.clock
  }

  async moveFiles(
    caller: Caller,
    files: readonly FileNode[],
    to: FolderId,
    name: string | undefined,
  ): Promise<readonly FileNode[]> {
    const [only] = files
    if (name !== undefined && files.length !== 1) throw forOneFile()
    const isRenamed = name !== undefined && parseName(name) !== only?.name
    await this.#catalogue.requireInside(caller, to)
    const moved = distinct(files).filter((file) => file.folder !== to)
    if (isRenamed) await this.#sender.permitEach(caller, 'rename', files)
    if (moved.length > 0 || !isRenamed) await this.#sender.permitEach(caller, 'move', files)
    if (moved.length === 0) {
      // A move cannot rename inside one folder (wire.md §4.6).
      return isRenamed && only !== undefined ? this.renameFiles(caller, [{ file: only, name }]) : files
    }
    const newLinks = new Map<string, FileLink>()
    for (const batch of batches(moved)) {
      const links = batch.map((file) => file.link)
      const after = await this.#sender.send(caller, touchOf(batch, to), (host) =>
        host.moveFiles(links, to, isRenamed ? name : undefined, caller),
      )
      const nowMs = this.#clock.nowMs()
      for (const [index, file] of batch.entries()) {
        const link = after[index] ?? file.link
        await this.#tree.moveFile(file.link.id, to, link.id, nowMs)
        if (isRenamed) await this.#tree.renameFile(link.id, name, nowMs)
        newLinks.set(file.link.id, link)
      }
    }
    return Promise.all(files.map((file) => this.#file(newLinks.get(file.link.id) ?? file.link)))
  }

  async renameFiles(caller: Caller, renames: readonly Rename[]): Promise<readonly FileNode[]> {
    for (const { name } of renames) parseName(name)
    const files = renames.map(({ file }) => file)
    if (distinct(files).length < files.length) {
      throw new GatewayError('invalid', 'one file is given two names', { hint: 'name each file once' })
    }
    await this.#sender.permitEach(caller, 'rename', files)
    const changed = renames.filter(({ file, name }) => file.name !== name)
    const newLinks = new Map<string, FileLink>()
    for (const batch of batches(changed)) {
      const wishes = batch.map(({ file, name }) => ({ link: file.link, name }))
      const touch = touchOf(batch.map(({ file }) => file))
      const after = await this.#sender.send(caller, touch, (host) => host.renameFiles(wishes, caller))
      const nowMs = this.#clock.nowMs()
      for (const [index, { file, name }] of batch.entries()) {
        const link = after[index] ?? file.link
        if (link.id !== file.link.id) await this.#tree.moveFile(file.link.id, file.folder, link.id, nowMs)
        await this.#tree.renameFile(link.id, name, nowMs)
        newLinks.set(file.link.id, link)
      }
    }
    return Promise.all(files.map((file) => this.#file(newLinks.get(file.link.id) ?? file.link)))
  }

  async copyFiles(
    caller: Caller,
    files: readonly FileNode[],
    to: FolderId,
    options: CopyOptions,
  ): Promise<readonly FileNode[]> {
    requireCopyName(options, files.length)
    await this.#catalogue.requireInside(caller, to)
    await this.#sender.permitEach(caller, 'copy', files)
    const copies: FileNode[] = []
    for (const batch of batches(files)) {
      const links = batch.map((file) => file.link)
      const touch = {
        reach: { folders: [to], files: batch },
        folders: [to],
        file: batch.length === 1 ? batch[0] : undefined,
      }
      const made = await this.#sender.send(caller, touch, (host) =>
        host.copyFiles(links, to, options, caller),
      )
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
    requireCopyName(options, links.length)
    const target = links.map(linkText).join(' ')
    if (caller.principal.root !== ROOT)
      throw await this.#gate.deny({ caller, verb: 'copy', target }, noLink(links))
    await this.#catalogue.requireInside(caller, to)
    await this.#gate.permit(caller, 'copy', target)
    const made: FileLink[] = []
    for (const batch of batches(links)) {
      const touch = { reach: { folders: [to] }, folders: [to] }
      const copies = await this.#sender.send(caller, touch, (host) =>
        host.copyFiles(batch, to, options, caller),
      )
      made.push(...copies)
      await this.#catalogue.doubt(to)
    }
    return made
  }

  async removeFiles(caller: Caller, files: readonly FileNode[]): Promise<number> {
    await this.#sender.permitEach(caller, 'delete', files)
    const doomed = { files: distinct(files), folders: [], target: `${files.length} files` }
    return this.#destruction.run(caller, doomed, async (attempt) => {
      if (caller.principal.limits.trash !== undefined) return this.#trash.take(caller, doomed.files, attempt)
      let removed = 0
      for (const batch of batches(doomed.files)) {
        const links = batch.map((file) => file.link)
        const touch = touchOf(batch)
        const count = await attempt(batch.length, () =>
          this.#sender.send(caller, touch, (host) => host.removeFiles(links, caller)),
        )
        removed += count
        if (count < batch.length) {
          // 1fichier does not say which ones are left, so a listing has to.
          for (const folder of touch.folders) await this.#catalogue.doubt(folder)
          continue
        }
        for (const file of batch) await this.#tree.removeFile(file.link.id, this.#clock.nowMs())
      }
      return removed
    })
  }

  async changeFiles(caller: Caller, files: readonly FileNode[], changes: FileChanges): Promise<void> {
    const { name, pass, access } = changes
    if (name !== undefined) parseName(name)
    if (name !== undefined && distinct(files).length !== 1) throw forOneFile()
    parsePassword(pass)
    const verbs = verbsFor(changes)
    if (verbs.length === 0) {
      throw new GatewayError('invalid', 'No changes requested', {
        hint: 'name what to change: description, password, access, inline, TLS, CDN',
      })
    }
    for (const verb of verbs) await this.#sender.permitEach(caller, verb, files)
    for (const batch of batches(distinct(files))) {
      const links = batch.map((file) => file.link)
      await this.#sender.send(caller, touchOf(batch), (host) => host.changeFiles(links, changes, caller))
      const nowMs = this.#clock.nowMs()
      for (const { link } of batch) {
        // It may have got another name or place while this was under way.
        const file = await this.#tree.file(link.id)
        if (file === undefined) continue
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
  }

  async scanFile(caller: Caller, file: FileNode): Promise<ScanResult> {
    await this.#sender.permitEach(caller, 'delete', [file])
    if (caller.principal.limits.trash !== undefined) {
      const error = new GatewayError(
        'forbidden',
        'a key with a trash scans nothing: 1fichier deletes what it finds infected',
        {
          hint: 'scan with a key made without --trash',
        },
      )
      throw await this.#gate.deny({ caller, verb: 'delete', target: `a scan of ${file.name}` }, error)
    }
    const doomed = { files: [file], folders: [], target: `a scan of ${file.name}` }
    return this.#destruction.run(caller, doomed, async (attempt) => {
      let result: ScanResult | undefined
      await attempt(1, async () => {
        result = await this.#sender.send(caller, touchOf([file]), (host) => host.scanFile(file.link, caller))
        return result.kind === 'infected' ? 1 : 0
      })
      if (result === undefined) throw new GatewayError('internal', 'a scan ended without a result')
      if (result.kind === 'infected') await this.#tree.removeFile(file.link.id, this.#clock.nowMs())
      return result
    })
  }

  async #file(link: FileLink): Promise<FileNode> {
    const file = await this.#tree.file(link.id)
    if (file !== undefined) return file
    throw noLink([link])
  }
}

/** What a change of attributes takes: none of them when there is nothing to change. */
export function verbsFor(changes: FileChanges): readonly Verb[] {
  const { name, description, inline, withoutTls, pass, access, cdn } = changes
  const verbs: Verb[] = []
  if ([name, description, inline, withoutTls].some((value) => value !== undefined)) verbs.push('rename')
  if (pass !== undefined) verbs.push('password')
  if (access !== undefined) verbs.push('share')
  // From then on each download of the file spends credits.
  if (cdn !== undefined) verbs.push('cdn')
  return verbs
}

function requireCopyName({ rename }: CopyOptions, count: number): void {
  if (rename === undefined) return
  parseName(rename)
  if (count !== 1) throw forOneFile()
}

function forOneFile(): GatewayError {
  return new GatewayError('invalid', 'a new name is for one file at a time', {
    hint: 'do it file by file',
  })
}

function touchOf(files: readonly FileNode[], ...more: readonly FolderId[]): Touch {
  const folders = [...new Set([...more, ...files.map((file) => file.folder)])]
  return { reach: { folders: more, files }, folders, file: files.length === 1 ? files[0] : undefined }
}

function distinct(files: readonly FileNode[]): readonly FileNode[] {
  return [...new Map(files.map((file) => [file.link.id, file])).values()]
}

function batches<T>(items: readonly T[]): readonly T[][] {
  const count = Math.ceil(items.length / FILES_PER_CALL)
  return Array.from({ length: count }, (_, index) =>
    items.slice(index * FILES_PER_CALL, (index + 1) * FILES_PER_CALL),
  )
}
