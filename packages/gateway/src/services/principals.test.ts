import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import {
  createKeyText,
  DAY_MS,
  HOUR_MS,
  type KeyLimits,
  MINUTE_MS,
  parseKeyId,
  type VirtualKey,
} from '@guichet/core'
import { FakeClock, sampleKey } from '@guichet/testkit'
import fc from 'fast-check'
import { openDatabase, SqliteKeyStore } from '../stores/sqlite/index.ts'
import { createPrincipals } from './principals.ts'

const START_MS = Date.UTC(2026, 5, 1)

describe('a key that is over', () => {
  it('stays over when the clock is set back, also after a restart (K7)', async () => {
    for (const limits of [{}, { idleMs: HOUR_MS }]) {
      await using world = await openWorld()
      const text = await world.issue({ limits, expiresMs: START_MS + 2 * HOUR_MS })
      assert.equal(await world.ask(text), 'in')
      world.clock.jump(2 * HOUR_MS)
      const over = await world.ask(text)
      assert.notEqual(over, 'in')
      world.clock.jump(-2 * HOUR_MS)
      assert.equal(await world.ask(text), over)
      await world.restart()
      assert.equal(await world.ask(text), over)
    }
  })

  it('is never good again, whatever the clock does and however often the gateway restarts (K7)', async () => {
    const step = fc.oneof(
      fc.integer({ min: -DAY_MS, max: DAY_MS }),
      fc.constantFrom('ask' as const, 'restart' as const, 'recall' as const),
    )
    const limits = fc.record(
      { idleMs: fc.integer({ min: 1, max: DAY_MS }), uses: fc.integer({ min: 1, max: 5 }) },
      { requiredKeys: [] },
    )
    const lifeMs = fc.option(fc.integer({ min: 1, max: DAY_MS }), { nil: undefined })
    await fc.assert(
      fc.asyncProperty(limits, lifeMs, fc.array(step, { maxLength: 20 }), async (limits, lifeMs, steps) => {
        await using world = await openWorld()
        const expiresMs = lifeMs === undefined ? undefined : START_MS + lifeMs
        const text = await world.issue({ limits, expiresMs })
        let isOver = false
        let uses = 0
        for (const step of steps) {
          if (typeof step === 'number') world.clock.jump(step)
          else if (step === 'restart') await world.restart()
          else if (step === 'recall') isOver ||= OVER.test(await world.recall())
          else {
            const said = await world.ask(text)
            if (said === 'in') uses += 1
            assert.ok(!(isOver && said === 'in'))
            isOver ||= said !== 'in'
          }
        }
        assert.ok(uses <= (limits.uses ?? uses))
      }),
      { numRuns: 60 },
    )
  })
})

const OVER = /expired|unused/

describe('a key with limits of time and use', () => {
  it('is good from its first moment on, and says so before (K7)', async () => {
    await using world = await openWorld()
    const text = await world.issue({ limits: { notBeforeMs: START_MS + HOUR_MS } })
    assert.match(await world.ask(text), /not good yet.*it is good from 2026-06-01T01:00:00.000Z on/)
    world.clock.jump(HOUR_MS)
    assert.equal(await world.ask(text), 'in')
  })

  it('lives as long as it is used often enough, and no longer (K7)', async () => {
    await using world = await openWorld()
    const text = await world.issue({ limits: { idleMs: 30 * MINUTE_MS } })
    for (let round = 0; round < 5; round += 1) {
      world.clock.jump(29 * MINUTE_MS)
      assert.equal(await world.ask(text), 'in')
      await world.restart()
    }
    world.clock.jump(30 * MINUTE_MS)
    assert.match(await world.ask(text), /has ended: it was unused for 30 minutes/)
  })

  it('lets in as many requests as it has uses, of 200 at one time, and never more after a restart (K7)', async () => {
    await using world = await openWorld()
    const text = await world.issue({ limits: { uses: 20 } })
    const said = await Promise.all(Array.from({ length: 200 }, () => world.ask(text)))
    assert.equal(said.filter((word) => word === 'in').length, 20)
    await world.restart()
    assert.match(await world.ask(text), /is used up: it was good for 20 requests/)
  })

  it('spends the uses of the keys it was issued under, and ends with them (K11)', async () => {
    await using world = await openWorld()
    const parent = await world.issue({ limits: { uses: 3, notFrom: ['10.9.9.9'] } })
    const child = await world.issue({ id: CHILD, parent: KEY, limits: { uses: 5 } })
    assert.match(await world.ask(child, '10.9.9.9'), /may not be used from 10\.9\.9\.9/)
    assert.equal(await world.ask(child), 'in')
    assert.equal(await world.ask(parent), 'in')
    assert.equal(await world.ask(child), 'in')
    assert.match(await world.ask(child), /was issued under "key 1", which is used up/)
  })
})

const KEY = parseKeyId('k-aaaaaaaa')
const CHILD = parseKeyId('k-bbbbbbbb')

/** A store on disk that can be opened anew, and what it says to somebody with a text. */
async function openWorld() {
  const directory = await mkdtemp(path.join(tmpdir(), 'principals-'))
  const file = path.join(directory, 'guichet.db')
  const pepper = randomBytes(32)
  const clock = new FakeClock(START_MS)
  const open = () => {
    const db = openDatabase({ path: file })
    const keys = new SqliteKeyStore(db)
    return { db, keys, principals: createPrincipals({ keys, pepper, clock }) }
  }
  let here = open()
  const told = (asked: Promise<unknown>): Promise<string> =>
    asked.then(
      () => 'in',
      (failure: Error & { hint?: string }) => `${failure.message}; ${failure.hint ?? ''}`,
    )
  return {
    clock,
    async issue(fields: Partial<VirtualKey> & { readonly limits: KeyLimits }): Promise<string> {
      const text = createKeyText(randomBytes)
      const key = sampleKey(fields.parent === undefined ? 1 : 2, { id: KEY, createdMs: START_MS, ...fields })
      await here.keys.add(key, here.principals.hash(text))
      return text
    },
    ask: (secret: string, from = '127.0.0.1') =>
      told(here.principals.authenticate({ kind: 'bearer', secret }, from)),
    recall: () => told(here.principals.recall(KEY, { from: undefined, isUse: false })),
    async restart() {
      await here.db[Symbol.asyncDispose]()
      here = open()
    },
    async [Symbol.asyncDispose]() {
      await here.db[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
