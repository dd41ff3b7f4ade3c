import assert from 'node:assert/strict'
import { type FolderId, MINUTE_MS, ROOT } from '@guichet/core'
import type { MemoryHost } from '@guichet/testkit'
import type { Atlas } from './confinement-atlas.testing.ts'
import type { Counter } from './counter.testing.ts'

/** What the owner does now and then. */
export const DEEDS = [
  'move file',
  'move folder',
  'copy file',
  'remove file',
  'rename file',
  'rename folder',
  'plant',
  'share',
  'move root',
  'remove root',
] as const

/** One thing that the owner does. Folders and files are chosen by their place in the atlas. */
export interface Deed {
  readonly kind: (typeof DEEDS)[number]
  readonly thing: number
  readonly to: number
  /** At 1fichier itself, where Guichet learns of it by a listing eleven minutes later. */
  readonly byHand: boolean
}

/** Where the owner acts: through the gateway of `told`; in the account of `bare` it is as if by itself. */
interface Stage {
  readonly told: Counter
  readonly bare: Counter
  /** A key of the owner, for the whole account. */
  readonly owner: string
  /** A folder that the owner leaves alone. */
  readonly limbo: FolderId
  /** Lets so much time pass. */
  later(ms: number): void
}

export class Owner {
  readonly #stage: Stage

  constructor(stage: Stage) {
    this.#stage = stage
  }

  /** True when it was done, in both accounts. */
  async act({ kind, thing, to, byHand }: Deed, atlas: Atlas, name: string): Promise<boolean> {
    const { told, bare, limbo } = this.#stage
    const file = atlas.files[thing % Math.max(1, atlas.files.length)]
    const free = [...atlas.folders.keys()].filter(
      (id) => ![atlas.root, limbo].includes(id) && atlas.standing(id) !== 'above',
    )
    const folder = free[thing % Math.max(1, free.length)]
    const places = [...atlas.folders.keys()].filter((id) => id !== limbo)
    const place = places[to % places.length] ?? ROOT
    const at = `folder:${place}`
    const { account } = bare
    const link = file === undefined ? undefined : { domain: '1fichier.com' as const, id: file.id }
    switch (kind) {
      case 'move file':
        if (file === undefined || link === undefined || place === file.folder) return false
        if (byHand)
          await this.#byHand([file.folder, place], (host) => host.moveFiles([link], place, undefined, {}))
        else if (!(await this.#owned('/move', { from: [`file:${file.id}`], to: at }))) return false
        await account.moveFiles([link], place, undefined, {})
        return true
      case 'move folder': {
        if (folder === undefined || atlas.chain(place).includes(folder)) return false
        const from = atlas.folders.get(folder)?.parent ?? ROOT
        if (place === from) return false
        if (byHand) await this.#byHand([from, place], (host) => host.moveFolder(folder, place, {}))
        else if (!(await this.#owned('/move', { from: [`folder:${folder}`], to: at }))) return false
        await account.moveFolder(folder, place, {})
        return true
      }
      case 'copy file':
        if (file === undefined || link === undefined) return false
        if (!(await this.#owned('/copy', { from: [`file:${file.id}`], to: at }))) return false
        await account.copyFiles([link], place, {}, {})
        return true
      case 'remove file':
        if (file === undefined || link === undefined) return false
        if (!(await this.#owned('/remove', { at: [`file:${file.id}`] }))) return false
        await account.removeFiles([link], {})
        return true
      case 'rename file': {
        if (file === undefined || link === undefined) return false
        const url = `https://1fichier.com/?${file.id}`
        if (!(await this.#native('file/rename', { urls: [{ url, filename: name }] }))) return false
        await account.renameFiles([{ link, name }], {})
        return true
      }
      case 'rename folder':
        if (place === ROOT) return false
        if (!(await this.#native('folder/mv', { folder_id: place, rename: name }))) return false
        await account.renameFolder(place, name, undefined, {})
        return true
      case 'plant':
        for (const counter of [told, bare]) {
          const entry = counter.account.plant(place, name, content(counter), counter.clock.nowMs())
          if (counter === told) await counter.tree.addFile(place, entry, counter.clock.nowMs())
        }
        return true
      case 'share':
        if (place === ROOT || !(await this.#owned('/share', { at, public: true }))) return false
        await account.shareFolder(place, { public: true }, {})
        return true
      case 'move root': {
        if (!atlas.folders.has(atlas.root)) return false
        const { json } = await told.api(undefined, 'POST', '/folders', { at: `/${name}` })
        const fresh = await account.makeFolder(name, ROOT, {})
        assert.equal((json['node'] as { id?: unknown } | undefined)?.id, fresh)
        if (!(await this.#owned('/move', { from: [`folder:${atlas.root}`], to: `folder:${fresh}` })))
          assert.fail('the root does not move')
        await account.moveFolder(atlas.root, fresh, {})
        return true
      }
      case 'remove root': {
        // Rarely, as nothing is left to see after it.
        if (thing % 3 > 0 || !atlas.folders.has(atlas.root)) return false
        if (!(await this.#owned('/remove', { at: [`folder:${atlas.root}`], recursive: true }))) return false
        const below = [...atlas.folders.keys()].filter((id) => atlas.standing(id) === 'inside').reverse()
        for (const gone of atlas.files.filter(({ folder: in_ }) => below.includes(in_)))
          account.files.delete(gone.id)
        const depth = (id: FolderId): number => atlas.chain(id).length
        for (const id of below.sort((one, other) => depth(other) - depth(one)))
          await account.removeFolder(id, {})
        return true
      }
    }
  }

  async #owned(route: string, body: object): Promise<boolean> {
    return (await this.#stage.told.api(undefined, 'POST', route, body)).status < 400
  }

  async #native(endpoint: string, body: object): Promise<boolean> {
    const { status, json } = await this.#stage.told.native(this.#stage.owner, endpoint, body)
    return status < 400 && json['status'] === 'OK'
  }

  async #byHand(
    folders: readonly FolderId[],
    change: (account: MemoryHost) => Promise<unknown>,
  ): Promise<void> {
    const { told } = this.#stage
    await change(told.account)
    this.#stage.later(11 * MINUTE_MS)
    for (const id of folders) {
      const { status } = await told.api(undefined, 'GET', `/children?refresh=1&at=folder:${id}`)
      assert.equal(status, 200)
    }
  }
}

/** No two files have the same. */
export function content({ account }: Counter): Uint8Array {
  return Buffer.from(`content ${account.files.size}`)
}
