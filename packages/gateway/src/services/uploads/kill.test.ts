import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError, type TransferId } from '@guichet/core'
import type { MemoryUpload, UploadFault } from '@guichet/testkit'
import fc from 'fast-check'
import { FOLDER, hostWith, type Ports, type Process, put, UploadsWorld } from './world.testing.ts'

/**
 * Ends a process at its n-th touch of the world: from there on nothing it does has any effect, and nothing answers it.
 * `after`: the last touch happened, and the process never learned of it.
 */
class Mortality {
  #steps: number
  readonly #when: 'before' | 'after'

  constructor(steps: number, when: 'before' | 'after') {
    this.#steps = steps
    this.#when = when
  }

  get isDead(): boolean {
    return this.#steps <= 0
  }

  over(ports: Ports): Ports {
    return {
      host: this.#wrap(ports.host),
      tree: this.#wrap(ports.tree),
      journal: this.#wrap(ports.journal),
      spool: this.#wrap(ports.spool),
    }
  }

  #wrap<Port extends object>(port: Port): Port {
    return new Proxy(port, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property)
        if (typeof value !== 'function') return value
        if (property === 'open') return (...args: unknown[]) => this.#content(() => value.apply(target, args))
        return (...args: unknown[]) => this.#touch(() => value.apply(target, args))
      },
    })
  }

  async #touch(act: () => unknown): Promise<unknown> {
    if (this.isDead) return await never()
    this.#steps -= 1
    if (this.isDead && this.#when === 'before') return await never()
    const result = await act()
    return this.isDead ? await never() : result
  }

  async *#content(open: () => AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of open()) {
      if (this.isDead) await never()
      yield chunk
    }
  }
}

function never(): Promise<never> {
  return new Promise(() => {})
}

function portsOf(world: UploadsWorld): Ports {
  return { host: policed(world), tree: world.tree, journal: world.journal, spool: world.spool }
}

/** A host that is never sent a file which it has. */
function policed(world: UploadsWorld): Ports['host'] {
  return hostWith(world.host, 'upload', async (target, folder, files, call) => {
    const there = new Set(world.host.filesIn(folder).map(({ entry }) => entry.name))
    const again = files.filter(({ name }) => there.has(name)).map(({ name }) => name)
    assert.deepEqual(again, [], 'a file is sent again although it is stored')
    return await world.host.upload(target, folder, files, call)
  })
}

describe('an upload whose process is killed', () => {
  for (const when of ['before', 'after'] as const) {
    for (const fault of [{}, { answer: 'cut' }, { content: 'damaged' }] as const) {
      it(`is stored once, whichever step the kill comes ${when}: ${JSON.stringify(fault)} (R6)`, async () => {
        for (let steps = 1; ; steps += 1) {
          const isOver = await liveAndDie(steps, when, fault)
          if (isOver) break
          assert.ok(steps < 200)
        }
      })
    }
  }

  it('is stored once when the next process is killed too, whatever goes wrong meanwhile (R6, R9)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fault(), { maxLength: 4 }).filter(hasFewDamages),
        fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.constantFrom('before', 'after')), {
          maxLength: 4,
        }),
        fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.boolean()), { minLength: 1, maxLength: 5 }),
        async (faults, kills, sizes) => {
          await using world = await UploadsWorld.open()
          world.host.fail(...faults)
          const wanted = sizes.map(([size, isAlike], index) => filesOf(index, size, isAlike))
          const client = new Client(world, wanted)
          for (const [steps, when] of kills) {
            const mortality = new Mortality(steps, when)
            void mortal(world, mortality, client)
            await passUntil(world, () => mortality.isDead || client.isDone)
          }
          await using last = await world.start({}, portsOf(world))
          await world.passing(client.run(last))
          await world.until(async () => !/spooled|sending|reporting|doubtful/.test(await world.states()))
          const expected = wanted.flatMap((files) =>
            Object.entries(files).map(([name, text]) => `${name}=${text}`),
          )
          assert.deepEqual(world.stored(), expected.toSorted())
          assert.deepEqual(await contentsNobodyWaitsFor(world), [])
          assertSentOnce(world.host.uploads, faults)
          assert.ok(client.refusals === 0 || faults.some(isLostAfterRedirect), 'it failed for no reason')
        },
      ),
      { numRuns: 150 },
    )
  })
})

/** One life with a kill, then one without: true when the kill came too late to matter. */
async function liveAndDie(steps: number, when: 'before' | 'after', fault: UploadFault): Promise<boolean> {
  await using world = await UploadsWorld.open()
  world.host.fail(fault)
  const mortality = new Mortality(steps, when)
  const client = new Client(world, [{ a: 'one', b: 'two' }])
  void mortal(world, mortality, client)
  await passUntil(world, () => mortality.isDead || client.isDone)
  await using process = await world.start({}, portsOf(world))
  await world.passing(client.run(process))
  assert.deepEqual(world.stored(), ['a=one', 'b=two'], `killed ${when} step ${steps}`)
  const node = world.host.filesIn(FOLDER)[0]
  assert.ok(node !== undefined && (await world.tree.file(node.entry.link.id)) !== undefined)
  await world.until(async () => world.spool.contents.size === 0)
  return !mortality.isDead
}

async function mortal(world: UploadsWorld, mortality: Mortality, client: Client): Promise<void> {
  const process = await world.start({}, mortality.over(portsOf(world)))
  await client.run(process)
}

/** A client that sends what it was not told to be stored, again and again, under new upload ids. */
class Client {
  /** How often it was told that 1fichier took the files and does not show them. */
  refusals = 0

  readonly #wanted: readonly Readonly<Record<string, string>>[]
  readonly #world: UploadsWorld
  readonly #told = new Set<number>()
  #lives = 0

  constructor(world: UploadsWorld, wanted: readonly Readonly<Record<string, string>>[]) {
    this.#world = world
    this.#wanted = wanted
  }

  get isDone(): boolean {
    return this.#told.size === this.#wanted.length
  }

  async run(process: Process): Promise<void> {
    this.#lives += 1
    const life = this.#lives
    for (const [index, files] of this.#wanted.entries()) {
      if (this.#told.has(index) || (await this.#isClaimed(index))) continue
      await this.#send(process, `life ${life}, upload ${index}`, files)
      this.#told.add(index)
    }
  }

  async #send(process: Process, upload: string, files: Readonly<Record<string, string>>): Promise<void> {
    await put(process, upload, files)
    try {
      await process.uploads.whenStored(upload)
    } catch (failure) {
      if (GatewayError.from(failure).code !== 'upstream-changed') throw failure
      this.refusals += 1
      await this.#send(process, `${upload}, again`, files)
    }
  }

  /** Between the claim and the answer there is a moment in which a kill leads to a second copy: the claim counts as told. */
  async #isClaimed(index: number): Promise<boolean> {
    for (let life = 1; life < this.#lives; life += 1) {
      const transfers = await this.#world.journal.byUpload(`life ${life}, upload ${index}`)
      const isTold = transfers.every(({ isClaimed, state }) => isClaimed && state.kind === 'stored')
      if (transfers.length > 0 && isTold) this.#told.add(index)
    }
    return this.#told.has(index)
  }
}

/** Until it is so, or nothing more happens: a dead process waits for ever. */
async function passUntil(world: UploadsWorld, isSo: () => boolean): Promise<void> {
  await world.until(() => isSo())
}

/** `isAlike`: the files differ in their names only. */
function filesOf(index: number, count: number, isAlike: boolean): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, at) => [
      `${index}-${at}`,
      isAlike ? 'the same content' : `content ${index} ${at}`,
    ]),
  )
}

function fault(): fc.Arbitrary<UploadFault> {
  const certain = new GatewayError('upstream-down', 'refused by the node', { facts: { stored: false } })
  return (
    fc
      .record({
        content: fc.constantFrom<UploadFault['content']>(
          undefined,
          undefined,
          'lost',
          'damaged',
          'without-last',
        ),
        answer: fc.constantFrom<UploadFault['answer']>(undefined, undefined, 'cut', 'cut', certain),
        reportAfterMs: fc.constantFrom(0, 0, 30_000, 600_000, 3 * 3_600_000, Number.POSITIVE_INFINITY),
        shownAfterMs: fc.constantFrom(0, 30_000, 100_000),
      })
      // A damaged copy of which no report comes in time stays there: nothing proves that it is ours to remove.
      .filter(({ content, reportAfterMs }) => content !== 'damaged' || reportAfterMs <= 30_000)
      .map(({ content, answer, reportAfterMs, shownAfterMs }) => ({
        ...(answer === certain ? { content: 'lost' as const } : content === undefined ? {} : { content }),
        ...(answer === undefined ? {} : { answer }),
        reportAfterMs,
        shownAfterMs,
      }))
  )
}

function hasFewDamages(faults: readonly UploadFault[]): boolean {
  return faults.filter(({ content }) => content === 'damaged').length <= 2
}

/** 1fichier says 302 and stores not everything. Of a request with one file the report then names none, as if it came too early. */
function isLostAfterRedirect({ answer, content }: UploadFault): boolean {
  return answer === undefined && (content === 'lost' || content === 'without-last')
}

/** Content that is owed to no client: of a failure, it is kept until its client has heard of it. */
async function contentsNobodyWaitsFor(world: UploadsWorld): Promise<readonly TransferId[]> {
  const forNobody: TransferId[] = []
  for (const id of world.spool.contents.keys()) {
    const transfer = await world.journal.get(id)
    if (transfer?.state.kind !== 'failed' || transfer.isClaimed) forNobody.push(id)
  }
  return forNobody
}

/** Where nothing was lost or damaged, no file that was answered with a 302 is in a later request. */
function assertSentOnce(uploads: readonly MemoryUpload[], faults: readonly UploadFault[]): void {
  if (faults.some(({ content }) => content !== undefined)) return
  const accepted = new Set<string>()
  for (const { names, isAccepted } of uploads) {
    for (const name of names) {
      assert.ok(!accepted.has(name), `${name} is sent again after a 302`)
      if (isAccepted) accepted.add(name)
    }
  }
}
