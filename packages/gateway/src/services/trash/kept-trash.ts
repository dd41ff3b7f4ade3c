import {
  type Clock,
  type FileLink,
  type FileNode,
  type FolderId,
  GatewayError,
  parsePath,
  ROOT,
  type TrashedFile,
  type TrashStore,
  type Tree,
} from '@guichet/core'
import type { Catalogue } from '../catalogue/catalogue.ts'
import { type ChangeSender, leavesAsItWas } from '../changes/sender.ts'
import type { Attempt } from '../destruction.ts'
import type { Caller, Gate } from '../gate.ts'
import { OWNER, type Principal } from '../principals.ts'
import { singleFlight } from '../single-flight.ts'
import type { Trash } from './trash.ts'

/** As many as 1fichier takes in one call elsewhere, too (wire.md §3). */
const FILES_PER_CALL = 500

export interface TrashOptions {
  readonly store: TrashStore
  readonly tree: Tree
  readonly catalogue: Catalogue
  readonly sender: ChangeSender
  readonly gate: Gate
  readonly clock: Clock
}

export function createTrash(options: TrashOptions): Trash {
  return new KeptTrash(options)
}

class KeptTrash implements Trash {
  readonly #options: TrashOptions
  /** Files whose move is under way: nobody wonders what became of them. */
  readonly #moving = new Set<string>()
  readonly #flights = singleFlight<FolderId>()

  constructor(options: TrashOptions) {
    this.#options = options
  }

  async take(caller: Caller, files: readonly FileNode[], attempt: Attempt): Promise<number> {
    const { store, catalogue, gate, clock } = this.#options
    const { key, limits } = caller.principal
    if (limits.trash === undefined) throw new GatewayError('internal', 'the key has no trash')
    const { folder, keepMs, path } = limits.trash
    const trashedMs = clock.nowMs()
    const day = new Date(trashedMs).toISOString().slice(0, 10)
    const to = await this.#folderOf(caller, folder, day)
    for (let done = 0; done < files.length; done += FILES_PER_CALL) {
      const batch = files.slice(done, done + FILES_PER_CALL)
      const rows: TrashedFile[] = []
      for (const { link, name, sizeBytes, folder: from } of batch) {
        const fromPath = await catalogue.pathOf(from)
        const times = { trashedMs, dueMs: trashedMs + keepMs }
        rows.push({ link, name, sizeBytes, key, from, fromPath, to, ...times, state: 'moving' })
      }
      await gate.note(caller, 'move', `${batch.length} files to ${path}/${day}`)
      for (const { link } of batch) this.#moving.add(link.id)
      try {
        await store.put(rows)
        let links: readonly FileLink[] = []
        await attempt(batch.length, async () => {
          links = await this.#move(caller, batch, to)
          return batch.length
        })
        await store.put(rows.map((row, index) => ({ ...row, link: links[index] ?? row.link, state: 'kept' })))
        await store.drop(rows.flatMap(({ link }, index) => (links[index]?.id === link.id ? [] : link.id)))
      } catch (failure) {
        // Otherwise it is found out by a listing where they are.
        if (leavesAsItWas(failure)) await store.drop(rows.map(({ link }) => link.id))
        throw failure
      } finally {
        for (const { link } of batch) this.#moving.delete(link.id)
      }
    }
    return files.length
  }

  /** The folder of a day in the trash of the caller. Rejects with `conflict` while that is none. */
  async #folderOf(caller: Caller, folder: FolderId, day: string): Promise<FolderId> {
    const { catalogue, gate } = this.#options
    const { principal } = caller
    const denied = (): Promise<GatewayError> =>
      gate.deny({ caller, verb: 'delete', target: 'the trash of the key' }, noTrash(principal))
    if ((await catalogue.standing(principal, folder)) !== 'outside') throw await denied()
    try {
      return await this.#folderIn({ ...caller, principal: OWNER }, folder, day)
    } catch (failure) {
      // What is gone is not what the caller asked about: to be told so would mean that it is deleted.
      throw GatewayError.from(failure).code === 'not-found' ? await denied() : failure
    }
  }

  async list(caller: Caller): Promise<readonly TrashedFile[]> {
    await this.#options.gate.permitOwner(caller, 'list the trash')
    return this.#options.store.list()
  }

  async restore(caller: Caller, ids: readonly string[]): Promise<readonly TrashedFile[]> {
    const { store, tree, gate } = this.#options
    await gate.permitOwner(caller, `restore ${ids.length} files from the trash`)
    const known = await store.list()
    const wished = ids.map((id) => known.find(({ link }) => link.id === id) ?? notInTrash(id))
    for (const row of wished) {
      const file = (await this.#present(caller, row.to)).find(({ link }) => link.id === row.link.id)
      if (file === undefined) notInTrash(row.link.id)
      const isThere = (await tree.folder(row.from)) !== undefined
      const to = isThere ? row.from : await this.#folderAt(caller, parsePath(row.fromPath))
      await this.#move(caller, [file], to)
      await store.drop([row.link.id])
    }
    return wished
  }

  async empty(caller: Caller, what: 'all' | 'due'): Promise<readonly TrashedFile[]> {
    const { store, gate, clock } = this.#options
    await gate.permitOwner(caller, what === 'all' ? 'empty the trash' : 'delete what is due in the trash')
    const nowMs = clock.nowMs()
    const rows = (await store.list()).filter(
      ({ state, dueMs }) => state === 'kept' && (what === 'all' || dueMs <= nowMs),
    )
    const deleted: TrashedFile[] = []
    for (const to of new Set(rows.map((row) => row.to))) {
      const here = rows.filter((row) => row.to === to)
      const files = await this.#present(caller, to)
      const isPresent = (row: TrashedFile): boolean => files.some(({ link }) => link.id === row.link.id)
      const doomed = here.filter(isPresent)
      for (let done = 0; done < doomed.length; done += FILES_PER_CALL)
        await this.#remove(caller, to, doomed.slice(done, done + FILES_PER_CALL))
      // What somebody has taken elsewhere is none of ours any more.
      await store.drop(here.map(({ link }) => link.id))
      deleted.push(...doomed)
    }
    return deleted
  }

  async tidy(): Promise<void> {
    const { store, clock } = this.#options
    const caller: Caller = { principal: OWNER, door: 'admin', requestId: 'housekeeping' }
    const rows = await store.list()
    for (const row of rows) if (row.state === 'moving') await this.#findOut(caller, row, rows)
    if (rows.some(({ dueMs }) => dueMs <= clock.nowMs())) await this.empty(caller, 'due')
  }

  /** Has the file come into the trash, or is it where it was? */
  async #findOut(caller: Caller, row: TrashedFile, rows: readonly TrashedFile[]): Promise<void> {
    const { store } = this.#options
    if (this.#moving.has(row.link.id)) return
    const others = new Set(rows.filter((one) => one !== row).map(({ link }) => link.id))
    const files = await this.#present(caller, row.to)
    const found =
      files.find(({ link }) => link.id === row.link.id) ??
      // A move may have given it another link (wire.md §4.6).
      files.find(
        ({ link, name, sizeBytes }) =>
          name === row.name && sizeBytes === row.sizeBytes && !others.has(link.id),
      )
    // A listing can lag behind the move (wire.md §4.5): what is in neither place is asked for again later.
    const isBack =
      found === undefined &&
      (await this.#present(caller, row.from)).some(({ link }) => link.id === row.link.id)
    if (found === undefined && !isBack) return
    // The key may have deleted it once more meanwhile.
    const now = (await store.list()).find(({ link }) => link.id === row.link.id)
    if (now?.state !== 'moving' || now.trashedMs !== row.trashedMs || this.#moving.has(row.link.id)) return
    await store.drop([row.link.id])
    if (found !== undefined) await store.put([{ ...row, link: found.link, state: 'kept' }])
  }

  /** What 1fichier lists of a folder of the trash now; nothing when the folder is gone. */
  async #present(caller: Caller, folder: FolderId): Promise<readonly FileNode[]> {
    try {
      return (await this.#options.catalogue.list(caller, folder, 'refresh')).files
    } catch (failure) {
      if (GatewayError.from(failure).code === 'not-found') return []
      throw failure
    }
  }

  async #move(caller: Caller, files: readonly FileNode[], to: FolderId): Promise<readonly FileLink[]> {
    const { sender, tree, clock } = this.#options
    const folders = [...new Set([to, ...files.map((file) => file.folder)])]
    const after = await sender.send(caller, { reach: { files }, folders }, (host) =>
      host.moveFiles(
        files.map(({ link }) => link),
        to,
        undefined,
        caller,
      ),
    )
    const links = files.map(({ link }, index) => after[index] ?? link)
    for (const [index, { link }] of files.entries())
      await tree.moveFile(link.id, to, links[index]?.id ?? link.id, clock.nowMs())
    return links
  }

  async #remove(caller: Caller, folder: FolderId, rows: readonly TrashedFile[]): Promise<void> {
    const { sender, tree, gate, clock, catalogue } = this.#options
    await gate.note(
      caller,
      'delete',
      `${rows.length} files of the trash in ${await catalogue.pathOf(folder)}`,
    )
    const links = rows.map(({ link }) => link)
    await sender.send(caller, { reach: {}, folders: [folder] }, (host) => host.removeFiles(links, caller))
    for (const { id } of links) await tree.removeFile(id, clock.nowMs())
  }

  async #folderAt(owner: Caller, parts: readonly string[]): Promise<FolderId> {
    let folder = ROOT
    for (const name of parts) folder = await this.#folderIn(owner, folder, name)
    return folder
  }

  /** The folder of that name, made when it is not there; once, for all who need it at one time. */
  #folderIn(owner: Caller, parent: FolderId, name: string): Promise<FolderId> {
    const { catalogue, sender, tree, clock } = this.#options
    return this.#flights(`${parent}/${name}`, owner.signal, async (signal) => {
      const caller: Caller = { ...owner, signal }
      const there = (await catalogue.list(caller, parent)).folders.find((folder) => folder.name === name)
      if (there !== undefined) return there.id
      const touch = { reach: {}, folders: [parent], folder: parent }
      const id = await sender.send(caller, touch, (host) => host.makeFolder(name, parent, { signal }))
      await tree.addFolder({ id, parent, name }, clock.nowMs())
      return id
    })
  }
}

function noTrash({ key, name }: Principal): GatewayError {
  return new GatewayError(
    'conflict',
    `the key "${name}" deletes nothing now: its trash is gone, or no longer outside its root; the owner can put it back`,
    {
      hint: 'ask the owner to move the folder of the trash back to where it was, or for another key',
      facts: { rule: 'trash', key },
    },
  )
}

function notInTrash(id: string): never {
  throw new GatewayError('not-found', `${JSON.stringify(id.slice(0, 40))} is not in the trash`, {
    hint: '`guichet trash list` shows what is there',
  })
}
