import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type FileEntry, type FolderId, MINUTE_MS, OWN_WRITE_GRACE_MS, type Tree } from '@guichet/core'
import { fileId, folderId, sampleFile, sampleFolder, sampleListing } from '@guichet/testkit'
import fc from 'fast-check'
import { openDatabase, SqliteTree } from './index.ts'

describe('the tree in SQLite', () => {
  it('takes 5,000 new entries in less than 150 ms, and the same again without writing them', async () => {
    await using db = openDatabase({ path: ':memory:' })
    const tree = new SqliteTree(db)
    const files = Array.from({ length: 5_000 }, (_, index) => sampleFile(`file${index}`))
    const firstMs = await timed(() => tree.applyListing(sampleListing(0, { files }), 1, 1))
    const changes = db.prepare<{ readonly total: number }>('SELECT total_changes() AS total')
    const before = changes.get()?.total ?? 0
    const againMs = await timed(() => tree.applyListing(sampleListing(0, { files }), 2, 2))
    assert.equal((changes.get()?.total ?? 0) - before, 1, 'only the time of the listing changes')
    assert.ok(firstMs < 150 && againMs < 150, `${firstMs} ms, then ${againMs} ms`)
  })

  it('finds everything through an index', async () => {
    await using db = openDatabase({ path: ':memory:' })
    for (const sql of [
      'SELECT * FROM folders WHERE parent = 1 ORDER BY name, id',
      'SELECT * FROM files WHERE folder = 1 ORDER BY name, id',
      "SELECT * FROM files WHERE id = 'x'",
      'DELETE FROM removed_files WHERE own_ms < 1',
      "SELECT * FROM transfers WHERE is_claimed = 0 AND folder = 1 AND name = 'x'",
      'SELECT * FROM transfers WHERE ended_ms IS NULL ORDER BY created_ms, sequence',
    ]) {
      const plan = db.prepare<{ readonly detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all()
      const details = plan.map((row) => row.detail).join('; ')
      assert.match(details, /INDEX|PRIMARY KEY/, sql)
      assert.doesNotMatch(details, /TEMP B-TREE/, sql)
    }
  })

  it('knows no way to the root through a chain without end', async () => {
    await using db = openDatabase({ path: ':memory:' })
    const tree = new SqliteTree(db)
    await tree.applyListing(sampleListing(1, { folders: [sampleFolder(2)] }), 1, 1)
    db.prepare('UPDATE folders SET parent = 2 WHERE id = 1').run()
    assert.equal(await tree.ancestry(folderId(2)), undefined)
    await tree.removeFolder(folderId(1), 1)
    assert.deepEqual(await tree.counts(), { folders: 0, files: 0 })
  })

  it('never loses or brings back an own write while listings lag, and converges afterwards (T7, R9)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(STEP, { minLength: 10, maxLength: 60, size: 'max' }), async (steps) => {
        await using db = openDatabase({ path: ':memory:' })
        await new Story(new SqliteTree(db)).play(steps)
      }),
      { numRuns: 200 },
    )
  })

  it('never puts a folder below itself, whatever listings say', async () => {
    const listing = fc.record({ of: fc.nat(6), folders: fc.uniqueArray(fc.nat(6), { maxLength: 4 }) })
    await fc.assert(
      fc.asyncProperty(fc.array(listing, { maxLength: 30 }), async (listings) => {
        await using db = openDatabase({ path: ':memory:' })
        const tree = new SqliteTree(db)
        for (const [index, { of, folders }] of listings.entries()) {
          await tree.applyListing(
            sampleListing(of, { folders: folders.map((id) => sampleFolder(id)) }),
            index,
            index,
          )
        }
        const parents = db.prepare<{ readonly id: number; readonly parent: number | null }>(
          'SELECT id, parent FROM folders',
        )
        const parentOf = new Map(parents.all().map((row) => [row.id, row.parent]))
        for (const id of parentOf.keys()) {
          let steps = 0
          for (let at: number | null | undefined = id; at != null; at = parentOf.get(at)) {
            assert.ok(++steps < 10, `folder ${id} is below itself`)
          }
        }
      }),
      { numRuns: 200 },
    )
  })
})

/** What can happen: we write (an unknown file is added first), time passes, or a listing of an earlier moment arrives. */
type Step =
  | { readonly kind: 'remove' | 'rename' | 'move'; readonly file: number; readonly folder: number }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'list'; readonly folder: number; readonly lagMs: number }

const STEP: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('remove', 'rename', 'move'),
    file: fc.nat(2),
    folder: fc.integer({ min: 1, max: 2 }),
  }),
  fc.record({ kind: fc.constant('pass'), ms: fc.nat(5 * MINUTE_MS) }),
  fc.record({
    kind: fc.constant('list'),
    folder: fc.integer({ min: 1, max: 2 }),
    lagMs: fc.nat(OWN_WRITE_GRACE_MS - 1),
  }),
)

type Contents = ReadonlyMap<string, { readonly folder: FolderId; readonly entry: FileEntry }>

/** The account as it is, its past for lagging listings, and our tree beside it: they agree after every step. */
class Story {
  readonly #tree: Tree
  #nowMs = Date.UTC(2026, 0, 1)
  #truth: Contents = new Map()
  readonly #past: { readonly fromMs: number; readonly truth: Contents }[] = [{ fromMs: 0, truth: new Map() }]
  #version = 0

  constructor(tree: Tree) {
    this.#tree = tree
  }

  async play(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      await this.#take(step)
      await this.#compare(step.kind)
    }
    this.#nowMs += OWN_WRITE_GRACE_MS + 1
    for (const folder of [1, 2]) await this.#list(folder, 0)
    await this.#compare('the end')
    const left = await this.#tree.counts()
    assert.equal(left.files, this.#truth.size)
  }

  async #take(step: Step): Promise<void> {
    if (step.kind === 'pass') {
      this.#nowMs += step.ms
      return
    }
    if (step.kind === 'list') return this.#list(step.folder, step.lagMs)
    // No two writes fall on one moment, as none do on the wire.
    this.#nowMs += 1
    const word = `file${step.file}`
    const id = fileId(word)
    const folder = folderId(step.folder)
    const known = this.#truth.get(word)
    this.#version += 1
    const name = `name ${this.#version}`
    if (known === undefined) {
      const entry = sampleFile(word, { name })
      await this.#tree.addFile(folder, entry, this.#nowMs)
      this.#write(word, { folder, entry })
    } else if (step.kind === 'remove') {
      await this.#tree.removeFile(id, this.#nowMs)
      this.#write(word, undefined)
    } else if (step.kind === 'rename') {
      await this.#tree.renameFile(id, name, this.#nowMs)
      this.#write(word, { ...known, entry: { ...known.entry, name } })
    } else {
      await this.#tree.moveFile(id, folder, id, this.#nowMs)
      this.#write(word, { ...known, folder })
    }
  }

  #write(word: string, now: { readonly folder: FolderId; readonly entry: FileEntry } | undefined): void {
    const truth = new Map(this.#truth)
    if (now === undefined) truth.delete(word)
    else truth.set(word, now)
    this.#truth = truth
    this.#past.push({ fromMs: this.#nowMs, truth })
  }

  async #list(folder: number, lagMs: number): Promise<void> {
    const atMs = this.#nowMs - lagMs
    const past = this.#past.findLast(({ fromMs }) => fromMs <= atMs)?.truth ?? new Map()
    const files = [...past.values()].filter((file) => file.folder === folder).map((file) => file.entry)
    await this.#tree.applyListing(sampleListing(folder, { files }), this.#nowMs, this.#nowMs)
  }

  async #compare(after: string): Promise<void> {
    for (const folder of [1, 2]) {
      const seen = (await this.#tree.children(folderId(folder))).files.map(
        (file) => `${file.link.id} ${file.name}`,
      )
      const truth = [...this.#truth.values()]
        .filter((file) => file.folder === folder)
        .map((file) => `${file.entry.link.id} ${file.entry.name}`)
      assert.deepEqual(seen.sort(), truth.sort(), `folder ${folder} after ${after}`)
    }
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now()
  await work()
  return performance.now() - startMs
}
