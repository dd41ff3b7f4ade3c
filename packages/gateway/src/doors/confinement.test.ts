import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { VERBS } from '@guichet/core'
import fc from 'fast-check'
import type { Atlas, Standing } from './confinement-atlas.testing.ts'
import {
  type File,
  type Folder,
  NEVER_FILE,
  NEVER_FOLDER,
  TEMPLATES,
  type Template,
  type Things,
} from './confinement-calls.testing.ts'
import { DEEDS, type Deed } from './confinement-deeds.testing.ts'
import { NAMES, type Shape, Worlds } from './confinement-worlds.testing.ts'
import type { Answer, Ask } from './counter.testing.ts'

const RUNS = 300

const shapes: fc.Arbitrary<Shape> = fc.record({
  folders: fc.array(fc.record({ parent: fc.nat(), name: fc.nat(NAMES.length - 1) }), {
    minLength: 4,
    maxLength: 9,
  }),
  files: fc.array(fc.record({ folder: fc.nat(), name: fc.nat(NAMES.length - 1) }), {
    minLength: 4,
    maxLength: 12,
  }),
  root: fc.nat(),
  verbs: fc.oneof(
    { weight: 3, arbitrary: fc.constant(VERBS) },
    { weight: 1, arbitrary: fc.subarray([...VERBS], { minLength: 1 }) },
  ),
})

type Step =
  | {
      readonly kind: 'call'
      readonly template: number
      readonly folder: number
      readonly other: number
      readonly file: number
    }
  | { readonly kind: 'again'; readonly which: number }
  | { readonly kind: 'flush' }
  | { readonly kind: 'deed'; readonly deed: Deed }

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('call' as const),
      template: fc.nat(TEMPLATES.length - 1),
      folder: fc.nat(),
      other: fc.nat(),
      file: fc.nat(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('again' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'flush' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('deed' as const),
      deed: fc.record({
        kind: fc.constantFrom('move file' as const, 'move folder' as const, ...DEEDS),
        thing: fc.nat(),
        to: fc.nat(),
        byHand: fc.boolean(),
      }),
    }),
  },
)

describe('a key with a root', () => {
  it('neither sees nor changes what is outside, and cannot tell it from what never was (K6)', async (test) => {
    await using worlds = await Worlds.open()
    const counts = { answered: 0, refused: 0, outside: 0 }
    const startMs = performance.now()
    await fc.assert(
      fc.asyncProperty(shapes, fc.array(steps, { minLength: 12, maxLength: 24 }), async (shape, sequence) => {
        await worlds.begin(shape)
        const player = new Player(worlds)
        for (const step of sequence) await player.play(step)
        await worlds.flush()
        for (const name of ['answered', 'refused', 'outside'] as const) counts[name] += player.counts[name]
      }),
      // The seed and the path of a failure reproduce it; to shrink it takes minutes.
      { numRuns: RUNS, endOnFailure: true },
    )
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1)
    test.diagnostic(
      `${RUNS} sequences in ${seconds} s: ${counts.answered} calls answered, ${counts.refused} refused, ${counts.outside} about what is outside`,
    )
    assert.ok(counts.answered > RUNS, 'most of what is asked would be refused anyway')
    assert.ok(counts.outside > RUNS, 'nothing outside was asked for')
  })
})

/** Plays what the holder of the key does, with what it has learned so far. */
class Player {
  readonly counts = { answered: 0, refused: 0, outside: 0 }
  readonly #worlds: Worlds
  /** Every file there ever was. */
  readonly #files = new Map<string, File>([[NEVER_FILE.id, NEVER_FILE]])
  /** Requests that only the answers to others made possible: tickets, reports, transfers. */
  readonly #learned: Ask[] = []
  #step = 0

  constructor(worlds: Worlds) {
    this.#worlds = worlds
  }

  async play(step: Step): Promise<void> {
    this.#step += 1
    const { atlas } = this.#worlds
    for (const file of atlas.files)
      this.#files.set(file.id, { ...file, path: join(atlas.path(file.folder), file.name) })
    if (step.kind === 'flush') return this.#worlds.flush()
    if (step.kind === 'deed') return this.#worlds.act(step.deed, this.#step)
    if (step.kind === 'again') return this.#again(step.which)
    const things: Things = {
      folder: pick(foldersOf(atlas), step.folder),
      other: pick(foldersOf(atlas), step.other),
      file: pick(this.#filesOf(atlas), step.file),
      name: `own ${this.#step}`,
    }
    await this.#call(TEMPLATES[step.template % TEMPLATES.length] ?? (() => ({ path: '/' })), things)
  }

  async #call(template: Template, things: Things): Promise<void> {
    const { atlas, told } = this.#worlds
    const standings = {
      folder: standingOf(atlas, things.folder.id),
      other: standingOf(atlas, things.other.id),
      file: standingOf(atlas, atlas.files.find(({ id }) => id === things.file.id)?.folder),
    }
    const wish = template(things)
    const withoutOutside = template({
      folder: standings.folder === 'outside' ? NEVER_FOLDER : things.folder,
      other: standings.other === 'outside' ? NEVER_FOLDER : things.other,
      file: standings.file === 'outside' || standings.file === 'above' ? NEVER_FILE : things.file,
      name: things.name,
    })
    const isAboutOutside = JSON.stringify(wish) !== JSON.stringify(withoutOutside)
    told.calls()
    const answer = await this.#worlds.ask(wish)
    const where = `${wish.method ?? 'GET'} ${wish.path} ${wish.body ?? ''} → ${answer.status} ${answer.text}`
    this.#count(answer, wish, where)
    if (!isAboutOutside) return
    this.counts.outside += 1
    // A path may lead to something of the same name that the key does see.
    const isByPath = /%2F|":\[?"\//.test(`${wish.path}${wish.body}`)
    assert.ok(answer.status >= 400 || isByPath, `${where}: it is outside`)
    if (isByPath || Object.values(standings).includes('above')) return
    // Content that was taken before goes on its way by itself.
    const calls = told.calls().filter((name) => !name.startsWith('upload'))
    assert.deepEqual(calls, [], `${where}: asked upstream`)
  }

  /** What was allowed before is asked again. */
  async #again(which: number): Promise<void> {
    const wish = this.#learned[which % Math.max(1, this.#learned.length)]
    if (wish === undefined) return
    // A report is waited for until all of it is stored.
    if (wish.path.startsWith('/end.pl')) await this.#worlds.flush()
    const answer = wish.path.startsWith('/p')
      ? await this.#worlds.follow(wish.path)
      : await this.#worlds.ask(wish)
    this.#count(answer, wish, `${wish.path} → ${answer.status} ${answer.text}`)
  }

  #count(answer: Answer, wish: Ask, where: string): void {
    assert.notEqual(answer.status, 500, where)
    this.counts[answer.status < 400 ? 'answered' : 'refused'] += 1
    this.#refuseLeaks(answer, wish, where)
    this.#learn(answer, wish)
  }

  #refuseLeaks(answer: Answer, wish: Ask, where: string): void {
    const { atlas } = this.#worlds
    const told = `${answer.text}\n${Object.values(answer.headers).join('\n')}`
    const asked = decodeURIComponent(`${wish.path} ${String(wish.body ?? '')}`)
    for (const { id, folder } of atlas.files)
      if (atlas.standing(folder) !== 'inside' && !asked.includes(id))
        assert.ok(!told.includes(id), `${where}: tells of ${id}`)
  }

  #learn(answer: Answer, wish: Ask): void {
    if (answer.status >= 400) return
    const { url, transfer } = answer.json
    const ticket = /\/p[0-9a-f]{32}$/.exec(String(url))?.[0]
    if (ticket !== undefined) this.#learned.push({ path: ticket })
    if (transfer !== undefined) this.#learned.push({ path: `/api/v1/transfers/${transfer}` })
    if (wish.path.startsWith('/upload.cgi'))
      this.#learned.push({ path: '/end.pl?xid=abc', headers: { json: '1' } })
    this.#learned.push(wish)
  }

  #filesOf(atlas: Atlas): readonly File[] {
    const inside = atlas.files.filter(({ folder }) => atlas.standing(folder) === 'inside')
    const all = [...this.#files.values()]
    return [
      ...all,
      ...inside.flatMap(({ id }) => this.#files.get(id) ?? []),
      ...inside.flatMap(({ id }) => this.#files.get(id) ?? []),
    ]
  }
}

/** Every folder, and those inside twice more. */
function foldersOf(atlas: Atlas): readonly Folder[] {
  const all = [...atlas.folders.keys()].map((id) => ({ id, path: atlas.path(id) }))
  const inside = all.filter(({ id }) => atlas.standing(id) === 'inside')
  return [...all, NEVER_FOLDER, ...inside, ...inside]
}

function standingOf(atlas: Atlas, folder: Folder['id'] | undefined): Standing | 'never' {
  return folder === undefined || !atlas.folders.has(folder) ? 'never' : atlas.standing(folder)
}

function join(folder: string, name: string): string {
  return folder === '/' ? `/${name}` : `${folder}/${name}`
}

function pick<T>(from: readonly T[], index: number): T {
  const found = from[index % from.length]
  assert.ok(found !== undefined)
  return found
}
