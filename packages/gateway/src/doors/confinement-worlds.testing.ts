import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type FolderId, ROOT, VERBS, type Verb } from '@guichet/core'
import { Atlas, hide } from './confinement-atlas.testing.ts'
import { content, type Deed, Owner } from './confinement-deeds.testing.ts'
import { type Answer, type Ask, type Counter, openCounter } from './counter.testing.ts'

/** A folder tree by the places of the parents in it, with names of `NAMES` for its folders and files. */
export interface Shape {
  readonly folders: readonly { readonly parent: number; readonly name: number }[]
  readonly files: readonly { readonly folder: number; readonly name: number }[]
  readonly root: number
  readonly verbs: readonly Verb[]
}

/** Names that are there twice, that look alike in several forms of Unicode, and that look like ids. */
export const NAMES = [
  'a',
  'a',
  'b',
  'é',
  'e\u0301',
  'ﬁ',
  'A',
  '17',
  'folder:3',
  'm0000000000000000001',
  'ß',
] as const

/**
 * The same account twice, with one confined key. The gateway of `told` knows all of it. The gateway of `bare` has never
 * heard of anything that the key does not see: there, it never was. Every answer to the key must be the same in both.
 */
export class Worlds implements AsyncDisposable {
  readonly told: Counter
  readonly bare: Counter
  atlas: Atlas = new Atlas(new Map(), [], ROOT)
  #key = ''
  #owner: Owner | undefined
  /** Where `bare` has what the key does not see; nobody there has ever looked into it. */
  #limbo: FolderId = ROOT
  #seed = 0
  /** Content waits in the spool until it is opened, so that things can happen meanwhile. */
  #gate = Promise.withResolvers<void>()
  readonly #seeds: { told: Stream; bare: Stream }

  private constructor(told: Counter, bare: Counter, seeds: { told: Stream; bare: Stream }) {
    this.told = told
    this.bare = bare
    this.#seeds = seeds
  }

  static async open(): Promise<Worlds> {
    const seeds = { told: new Stream(), bare: new Stream() }
    const told = await openCounter({ random: seeds.told.take, isInMemory: true })
    const bare = await openCounter({ random: seeds.bare.take, isInMemory: true })
    const worlds = new Worlds(told, bare, seeds)
    for (const { account } of worlds.#both) {
      const target = account.uploadTarget.bind(account)
      account.uploadTarget = async (call) => {
        await worlds.#gate.promise
        return target(call)
      }
    }
    return worlds
  }

  get #both(): readonly Counter[] {
    return [this.told, this.bare]
  }

  /** Forgets what was there before, and begins with this shape. */
  async begin(shape: Shape): Promise<void> {
    await this.#drain()
    for (const counter of this.#both) await clear(counter)
    await this.#align()
    const root = 1 + (shape.root % shape.folders.length)
    for (const counter of this.#both) {
      const limbo = await counter.account.makeFolder('limbo', ROOT, {})
      const ids: FolderId[] = [ROOT]
      for (const [index, { parent, name }] of shape.folders.entries()) {
        const into = ids[parent % (index + 1)] ?? ROOT
        ids.push(await counter.account.makeFolder(NAMES[name % NAMES.length] ?? 'a', into, {}))
      }
      for (const { folder, name } of shape.files)
        counter.account.plant(
          ids[folder % ids.length] ?? ROOT,
          NAMES[name % NAMES.length] ?? 'a',
          content(counter),
          1e12,
        )
      this.#limbo = limbo
      this.atlas = new Atlas(new Map(), [], ids[root] ?? ROOT)
    }
    await this.#look()
    await hide(this.bare.account, this.atlas, this.#limbo)
    for (const counter of this.#both) await this.#learn(counter)
    this.#reseed()
    const key = { name: `confined ${this.#seed}`, verbs: shape.verbs, root: this.atlas.root }
    for (const counter of this.#both) {
      const { text } = await counter.key({ ...key, rootPath: this.atlas.path(this.atlas.root) })
      assert.ok(counter === this.told || text === this.#key)
      this.#key = text
    }
    const { text: owner } = await this.told.key({ name: `whole ${this.#seed}`, verbs: VERBS })
    const { told, bare } = this
    this.#owner = new Owner({ told, bare, owner, limbo: this.#limbo, later: (ms) => this.#setClocks(ms) })
  }

  /** Asks in both worlds with the key; the answers are the same to the byte, times apart. */
  async ask(wish: Ask): Promise<Answer> {
    this.#reseed()
    // A ticket's link names the host that was asked.
    const asked = { ...wish, key: this.#key, headers: { ...wish.headers, host: 'guichet.test' } }
    const [answer, same] = await Promise.all([this.told.ask(asked), this.bare.ask(asked)])
    const where = `${wish.method ?? 'GET'} ${wish.path} ${wish.body ?? ''}`
    assert.equal(shown(answer), shown(same), `${where}: what never was is answered otherwise`)
    await this.#check(where)
    return answer
  }

  /** What a link allows that needs no key. */
  async follow(path: string): Promise<Answer> {
    const asked = { path, headers: { host: 'guichet.test' } }
    this.#reseed()
    const [answer, same] = await Promise.all([this.told.ask(asked), this.bare.ask(asked)])
    assert.equal(shown(answer), shown(same), `${path}: what never was is answered otherwise`)
    return answer
  }

  /** Lets go what waits in the spool. */
  async flush(): Promise<void> {
    await this.#drain()
    await this.#check('uploads')
  }

  async #drain(): Promise<void> {
    this.#gate.resolve()
    for (const { clock, journal } of this.#both) {
      for (let turn = 0; (await journal.unfinished()).length > 0; turn += 1) {
        assert.ok(turn < 5_000, 'uploads do not end')
        await clock.settle()
      }
    }
    this.#gate = Promise.withResolvers()
    this.#setClocks(0)
    await this.#align()
  }

  /** Does something as the owner. In `bare`, it only happens as far as the key can see it. */
  async act(deed: Deed, index: number): Promise<void> {
    const before = this.atlas
    if ((await this.#owner?.act(deed, before, `new ${index}`)) !== true) return
    this.#setClocks(0)
    await this.#look()
    if (deed.kind === 'remove root') assert.ok(!this.atlas.folders.has(before.root))
    await hide(this.bare.account, this.atlas, this.#limbo)
    await this.#forgetAll(this.bare)
    await this.#learn(this.bare)
    const { tree, account, clock } = this.told
    const nowMs = clock.nowMs()
    // Listings are of one age in both, whoever has asked for them.
    for (const id of this.atlas.folders.keys()) {
      if ((await tree.folder(id))?.listedMs !== undefined) await tree.markListed(id, nowMs)
      else await tree.applyListing(await account.listFolder(id, {}), nowMs, nowMs)
    }
  }

  /** Nothing outside has changed, and both worlds are the same inside. */
  async #check(where: string): Promise<void> {
    const before = this.atlas.outside
    await this.#look()
    assert.equal(this.atlas.outside, before, `${where}: something outside has changed`)
    this.#setClocks(0)
  }

  async #look(): Promise<void> {
    this.atlas = await Atlas.of(this.told.account, this.atlas.root)
  }

  /** What the key can see, and in `told` all the rest, as listings show it. */
  async #learn({ tree, account, clock }: Counter): Promise<void> {
    const atlas = await Atlas.of(account, this.atlas.root)
    for (const id of atlas.folders.keys()) {
      if (account === this.bare.account && atlas.standing(id) === 'outside') continue
      await tree.applyListing(await account.listFolder(id, {}), clock.nowMs(), clock.nowMs())
    }
  }

  async #forgetAll({ tree }: Counter): Promise<void> {
    const { folders, files } = await tree.children(ROOT)
    for (const { id } of folders) await tree.forgetFolder(id)
    for (const { link } of files) await tree.forgetFile(link.id)
  }

  /** Both clocks show the same time, so much later. */
  #setClocks(laterMs: number): void {
    const nowMs = Math.max(...this.#both.map(({ clock }) => clock.nowMs())) + laterMs
    for (const { clock } of this.#both) clock.jump(nowMs - clock.nowMs())
  }

  #reseed(): void {
    this.#seed += 1
    for (const stream of [this.#seeds.told, this.#seeds.bare]) stream.seed(this.#seed)
  }

  /** New things get the same ids in both accounts. */
  async #align(): Promise<void> {
    const next = ({ account }: Counter): number => {
      const { link } = account.plant(ROOT, 'x', new Uint8Array(0), 0)
      account.files.delete(link.id)
      return Number(link.id.slice(1))
    }
    let [told, bare] = [next(this.told), next(this.bare)]
    while (told < bare) told = next(this.told)
    while (bare < told) bare = next(this.bare)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#gate.resolve()
    for (const counter of this.#both) await counter[Symbol.asyncDispose]()
  }
}

/** Numbers that are the same for the same seed. */
class Stream {
  #seed = 0
  #count = 0

  seed(seed: number): void {
    this.#seed = seed
    this.#count = 0
  }

  readonly take = (count: number): Uint8Array => {
    this.#count += 1
    const bytes = Array.from({ length: Math.ceil(count / 64) }, (_, part) =>
      createHash('sha512').update(`${this.#seed} ${this.#count} ${part}`).digest(),
    )
    return Buffer.concat(bytes).subarray(0, count)
  }
}

async function clear({ account, tree, journal }: Counter): Promise<void> {
  assert.deepEqual(await journal.unfinished(), [])
  account.files.clear()
  const { folders } = await Atlas.of(account, ROOT)
  for (const id of [...folders.keys()].reverse()) if (id !== ROOT) await account.removeFolder(id, {})
  const known = await tree.children(ROOT)
  for (const { id } of known.folders) await tree.forgetFolder(id)
  for (const { link } of known.files) await tree.forgetFile(link.id)
}

/** An answer as a client sees it, times apart. */
function shown({ status, headers, body }: Answer): string {
  const { date: _date, 'last-modified': _modified, ...others } = headers
  const text = body
    .toString('latin1')
    .replaceAll(/"(ageMs|createdMs|dateMs)":\d+/g, '"$1":0')
    .replaceAll(/"(create_date|date)":"[^"]*"/g, '"$1":""')
  return `${status} ${JSON.stringify(others)} ${text}`
}
