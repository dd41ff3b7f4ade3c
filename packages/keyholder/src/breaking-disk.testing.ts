import { open, rename, rm, writeFile } from 'node:fs/promises'
import type { Disk } from './private-file.ts'

export type Break = 'refuses' | 'dies'

/**
 * A disk that breaks at its `at`-th step. One that refuses fails that step alone; one that dies also fails all that
 * come later, as for a process that was killed or a machine that lost power.
 * It keeps the promises of a disk and no more: what was written and not synced is there by half.
 */
export class BreakingDisk implements Disk {
  readonly steps: string[] = []
  readonly #at: number
  readonly #how: Break

  constructor(at: number, how: Break) {
    this.#at = at
    this.#how = how
  }

  async open(...args: Parameters<Disk['open']>): ReturnType<Disk['open']> {
    this.#step('open')
    const [path] = args
    const handle = await open(...args)
    let pending: string | undefined
    return {
      writeFile: async (text) => {
        pending = String(text)
        await writeFile(path, pending.slice(0, pending.length / 2))
        this.#step('write')
      },
      sync: async () => {
        this.#step('sync')
        if (pending === undefined) await handle.sync()
        else await writeFile(path, pending)
      },
      [Symbol.asyncDispose]: () => handle[Symbol.asyncDispose](),
    }
  }

  async rename(from: string, to: string): Promise<void> {
    this.#step('rename')
    await rename(from, to)
  }

  async rm(path: string, options: { readonly force: true }): Promise<void> {
    this.#step('rm')
    await rm(path, options)
  }

  #step(name: string): void {
    this.steps.push(name)
    const isBroken = this.#how === 'dies' ? this.steps.length >= this.#at : this.steps.length === this.#at
    if (isBroken) throw Object.assign(new Error(`no ${name}`), { code: 'EIO' })
  }
}
