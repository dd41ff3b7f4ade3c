import { type FileId, type FolderId, pathText, ROOT } from '@guichet/core'
import type { MemoryHost } from '@guichet/testkit'

/** How a thing stands to the root of the key. */
export type Standing = 'inside' | 'above' | 'outside'

interface Spot {
  readonly id: FolderId
  readonly parent: FolderId
  readonly name: string
}
interface PlacedFile {
  readonly id: FileId
  readonly folder: FolderId
  readonly name: string
}

/** What is where in an account: the truth, whoever knows of it. */
export class Atlas {
  readonly folders: ReadonlyMap<FolderId, Spot>
  readonly files: readonly PlacedFile[]
  readonly root: FolderId

  constructor(folders: ReadonlyMap<FolderId, Spot>, files: readonly PlacedFile[], root: FolderId) {
    this.folders = folders
    this.files = files
    this.root = root
  }

  static async of(account: MemoryHost, root: FolderId): Promise<Atlas> {
    const folders = new Map<FolderId, Spot>([[ROOT, { id: ROOT, parent: ROOT, name: '' }]])
    for (const { id } of folders.values()) {
      for (const child of (await account.listFolder(id, {})).folders)
        folders.set(child.id, { id: child.id, parent: id, name: child.name })
    }
    const files = [...account.files.values()].map(({ entry, folder }) => ({
      ...{ id: entry.link.id, folder, name: entry.name },
    }))
    return new Atlas(folders, files, root)
  }

  /** From the root of the account down to the folder; empty where there is none. */
  chain(id: FolderId): readonly FolderId[] {
    const spot = this.folders.get(id)
    if (spot === undefined) return []
    return id === ROOT ? [ROOT] : [...this.chain(spot.parent), id]
  }

  standing(id: FolderId): Standing {
    if (this.chain(id).includes(this.root)) return 'inside'
    return this.chain(this.root).includes(id) ? 'above' : 'outside'
  }

  path(id: FolderId): string {
    return pathText(
      this.chain(id)
        .slice(1)
        .map((step) => this.folders.get(step)?.name ?? ''),
    )
  }

  /** All that is not the key's: what is in folders of which it sees nothing, or only the way down. */
  get outside(): string {
    const folders = [...this.folders.values()].filter(
      ({ id }) => id === this.root || this.standing(id) !== 'inside',
    )
    const files = this.files.filter(({ folder }) => this.standing(folder) !== 'inside')
    return JSON.stringify([folders, files])
  }
}

/** Everything is where it is in the other account, but for what the key does not see in folders of which it sees the name. */
export async function hide(account: MemoryHost, told: Atlas, limbo: FolderId): Promise<void> {
  const placeFor = (parent: FolderId): FolderId => (told.standing(parent) === 'above' ? limbo : parent)
  for (const { id, parent } of told.folders.values()) {
    if (id === ROOT || id === limbo) continue
    await account.moveFolder(id, told.standing(id) === 'outside' ? placeFor(parent) : parent, {})
  }
  for (const { id, folder } of told.files) {
    const file = account.files.get(id)
    if (file !== undefined) file.folder = placeFor(folder)
  }
}
