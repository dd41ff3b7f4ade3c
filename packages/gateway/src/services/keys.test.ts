import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { GatewayError, HOUR_MS, type KeyLimits, ROOT, type Verb, type VirtualKey } from '@guichet/core'
import { FakeClock } from '@guichet/testkit'
import fc from 'fast-check'
import { createLog } from '../log.ts'
import { openDatabase, SqliteKeyStore, SqliteLedger } from '../stores/sqlite/index.ts'
import type { Caller } from './gate.ts'
import { createGate } from './gate.ts'
import { createKeys, type Issued, type KeyWish } from './keys.ts'
import { createPrincipals, OWNER } from './principals.ts'

const START_MS = Date.UTC(2026, 5, 1)
const VERBS: readonly Verb[] = ['list', 'download', 'upload', 'delete']
const ADDRESSES = ['10.0.0.1', '10.1.0.1', '192.168.0.1', '2001:db8::1', undefined]

const limits: fc.Arbitrary<KeyLimits> = fc.record(
  {
    notBeforeMs: fc.integer({ min: START_MS, max: START_MS + 4 * HOUR_MS }),
    idleMs: fc.integer({ min: HOUR_MS, max: 4 * HOUR_MS }),
    uses: fc.integer({ min: 1, max: 4 }),
    from: fc.subarray(['10.0.0.0/8', '10.1.0.0/16', '192.168.0.0/16', '2001:db8::/32'], { minLength: 1 }),
    notFrom: fc.subarray(['10.1.0.0/16', '::/0', '192.168.0.1'], { minLength: 1 }),
    mayIssue: fc.boolean(),
  },
  { requiredKeys: [] },
)

const wish = fc.record({
  verbs: fc.subarray([...VERBS], { minLength: 1 }),
  limits,
  lifetimeMs: fc.option(fc.integer({ min: 0, max: 4 * HOUR_MS }), { nil: undefined }),
  mayTunnel: fc.boolean(),
})

describe('a key that may issue others', () => {
  it('hands on no more than it has, in no sequence of issues, at no time and from no address (K11)', async () => {
    const steps = fc.array(fc.record({ by: fc.nat(), wish, afterMs: fc.integer({ min: 0, max: HOUR_MS }) }), {
      maxLength: 12,
    })
    const moments = fc.array(fc.integer({ min: 0, max: HOUR_MS }), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(steps, moments, async (steps, moments) => {
        await using world = openWorld()
        const issued: Issued[] = [
          await world.issue(world.owner, { mayTunnel: true, limits: { mayIssue: true } }),
        ]
        for (const { by, wish, afterMs } of steps) {
          world.clock.jump(afterMs)
          const parent = issued[by % issued.length]
          assert.ok(parent !== undefined)
          const made = await world
            .callerOf(parent)
            .then((caller) => world.issue(caller, wish))
            .catch(refusal)
          if (made !== undefined) issued.push(made)
        }
        for (const afterMs of moments) {
          world.clock.jump(afterMs)
          for (const child of issued) await world.assertNarrower(child)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('sees and ends the keys below it, and no others (K11)', async () => {
    await using world = openWorld()
    const [parent, other] = [await world.issuer(), await world.issuer()]
    const caller = await world.callerOf(parent)
    const child = await world.issue(caller, { limits: { mayIssue: true } })
    const grandchild = await world.issue(await world.callerOf(child), {})
    const ids = (await world.keys.list(caller)).map(({ id }) => id)
    assert.deepEqual(ids, [grandchild.key.id, child.key.id])
    for (const foreign of [other, parent]) {
      await assert.rejects(world.keys.get(caller, foreign.key.id), { code: 'not-found' })
      await assert.rejects(world.keys.revoke(caller, foreign.key.name), { code: 'not-found' })
      await assert.rejects(world.keys.rotate(caller, foreign.key.id, 0), { code: 'not-found' })
    }
    world.cut.length = 0
    await world.keys.revoke(caller, child.key.name)
    assert.deepEqual(world.cut, [child.key.id, grandchild.key.id])
    await assert.rejects(world.callerOf(grandchild), { code: 'unauthenticated', message: /is revoked/ })
  })

  it('names all that it cannot give, and what to do (K11)', async () => {
    await using world = openWorld()
    const parent = await world.issue(world.owner, {
      verbs: ['list'],
      lifetimeMs: HOUR_MS,
      limits: { mayIssue: true, uses: 9 },
    })
    const caller = await world.callerOf(parent)
    const wide = { verbs: VERBS, mayTunnel: true, lifetimeMs: 0, limits: { uses: 10 } }
    await assert.rejects(world.issue(caller, wide), {
      code: 'forbidden',
      message: /the verbs download upload delete, tunnels to other hosts, a later end, more uses$/,
      hint: /ask for less/,
    })
    const { key } = await world.issue(caller, { verbs: ['list'] })
    assert.equal(key.expiresMs, parent.key.expiresMs)
  })

  it('issues at the most eight deep (K11)', async () => {
    await using world = openWorld()
    let last = await world.issuer()
    for (let depth = 1; depth < 8; depth += 1)
      last = await world.issue(await world.callerOf(last), { limits: { mayIssue: true } })
    await assert.rejects(
      world.callerOf(last).then((caller) => world.issue(caller, {})),
      /8 deep/,
    )
  })
})

describe('a key', () => {
  it('is revoked by its name, never needing its text (K8)', async () => {
    await using world = openWorld()
    const first = await world.issue(world.owner, { name: 'laptop' })
    await world.keys.revoke(world.owner, 'laptop')
    const second = await world.issue(world.owner, { name: 'laptop' })
    assert.equal((await world.keys.revoke(world.owner, 'laptop')).id, second.key.id)
    assert.deepEqual(world.cut, [first.key.id, second.key.id])
    await assert.rejects(world.keys.revoke(world.owner, 'desktop'), { code: 'not-found', hint: /key list/ })
  })

  it('keeps its id, its use and its end with another text; the old one ends after the overlap (K16)', async () => {
    await using world = openWorld()
    const old = await world.issue(world.owner, { limits: { uses: 5 } })
    await world.callerOf(old)
    const fresh = await world.keys.rotate(world.owner, old.key.name, HOUR_MS)
    assert.deepEqual(fresh.key, { ...old.key, use: { count: 1, lastMs: START_MS } })
    assert.deepEqual(world.replaced, [[old.key.id, START_MS + HOUR_MS]])
    assert.equal((await world.callerOf(old)).principal.expiresMs, START_MS + HOUR_MS)
    assert.equal((await world.callerOf(fresh)).principal.expiresMs, old.key.expiresMs)
    world.clock.jump(HOUR_MS)
    await assert.rejects(world.callerOf(old), /not known here/)
    await world.callerOf(fresh)
    await world.callerOf(fresh)
    await assert.rejects(world.callerOf(fresh), /is used up: it was good for 5 requests/)
  })

  it('is not rotated back to life (K16)', async () => {
    await using world = openWorld()
    const { key } = await world.issue(world.owner, {})
    await world.keys.revoke(world.owner, key.id)
    await assert.rejects(world.keys.rotate(world.owner, key.id, 0), { code: 'conflict' })
  })

  it('lasts 90 days unless told otherwise (K7)', async () => {
    await using world = openWorld()
    const { key } = await world.issue(world.owner, {})
    assert.equal(key.expiresMs, START_MS + 90 * 24 * HOUR_MS)
    assert.equal((await world.issue(world.owner, { lifetimeMs: 0 })).key.expiresMs, undefined)
  })
})

function openWorld() {
  const db = openDatabase({ path: ':memory:' })
  const clock = new FakeClock(START_MS)
  const store = new SqliteKeyStore(db)
  const gate = createGate({ ledger: new SqliteLedger(db), clock, log: createLog('silent') })
  const principals = createPrincipals({ keys: store, pepper: randomBytes(32), clock })
  const cut: string[] = []
  const replaced: (readonly [string, number])[] = []
  const keys = createKeys({
    ...{ store, principals, gate, clock, random: (count) => randomBytes(count) },
    onRevoked: (id) => void cut.push(id),
    onReplaced: (id, untilMs) => void replaced.push([id, untilMs]),
  })
  const owner: Caller = { principal: OWNER, door: 'admin', requestId: 'test' }
  let names = 0
  const issue = (caller: Caller, fields: Partial<KeyWish>): Promise<Issued> => {
    names += 1
    const findRoot = async () => ({ id: ROOT, path: '/' })
    return keys.issue(caller, {
      ...{ name: `key ${names}`, verbs: VERBS, findRoot, mayTunnel: false, limits: {} },
      ...fields,
    })
  }
  const callerOf = async ({ text }: Issued, from = '10.0.0.1'): Promise<Caller> => {
    const principal = await principals.authenticate({ kind: 'bearer', secret: text }, from)
    return { principal, door: 'api', requestId: 'test' }
  }
  const recalled = (key: VirtualKey, from: string | undefined) =>
    principals.recall(key.id, { from, isUse: false }).catch(refusal)
  return {
    ...{ clock, keys, owner, cut, replaced, issue, callerOf },
    issuer: () => issue(owner, { limits: { mayIssue: true } }),
    /** Where and when the key is good, its parent is too, and has all of its verbs and at least its time. */
    async assertNarrower({ key }: Issued): Promise<void> {
      const parent = key.parent === undefined ? undefined : await store.byId(key.parent)
      if (parent === undefined) return
      for (const from of ADDRESSES) {
        const [one, above] = [await recalled(key, from), await recalled(parent, from)]
        if (one === undefined) continue
        assert.ok(above !== undefined, `${key.name} is good from ${from}, ${parent.name} is not`)
        assert.ok(one.verbs.every((verb) => above.verbs.includes(verb)))
        assert.ok(!one.mayTunnel || above.mayTunnel)
        assert.ok(
          (one.expiresMs ?? Number.POSITIVE_INFINITY) <= (above.expiresMs ?? Number.POSITIVE_INFINITY),
        )
      }
      const uses = (await store.byId(parent.id))?.use.count ?? 0
      assert.ok(uses <= (parent.limits.uses ?? uses))
    },
    [Symbol.asyncDispose]: () => db[Symbol.asyncDispose](),
  }
}

function refusal(failure: unknown): undefined {
  const { code, message } = GatewayError.from(failure)
  const isMistaken = message === 'the key would end before it begins'
  assert.ok(isMistaken || ['forbidden', 'unauthenticated'].includes(code), String(failure))
  return undefined
}
