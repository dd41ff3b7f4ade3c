import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HOUR_MS, MINUTE_MS } from '@guichet/core'
import { SqliteFactStore } from '../../stores/sqlite/index.ts'
import { DOWN, FLOOD, folder, NO_CUSTOMER, REFUSED, World } from './world.testing.ts'

describe('the scheduler, locks', () => {
  it('sends nothing during a lock, then one probe, then goes on slowly (T3)', async () => {
    await using world = await World.open()
    await assert.rejects(world.clock.until(world.ask('file/rm', { treatment: { failure: FLOOD } })), FLOOD)
    const asks = [1, 2, 3, 4].map(() => world.ask('file/mv', { treatment: { backMs: 1_000 } }))
    await world.clock.until(Promise.all(asks))
    const openMs = 5 * MINUTE_MS
    assert.deepEqual(
      world.arrivals.slice(1).map(({ atMs }) => atMs - openMs),
      [0, 3_000, 6_000, 9_000],
    )
    await world.clock.advance(10 * MINUTE_MS)
    const later = [1, 2, 3].map(() => world.ask('file/mv'))
    const startMs = world.clock.nowMs() - world.startMs
    assert.deepEqual(await world.clock.until(Promise.all(later)), [startMs, startMs, startMs + 1_000])
  })

  it('waits twice as long when the probe is locked again', async () => {
    await using world = await World.open()
    for (let lock = 0; lock < 3; lock += 1) {
      await assert.rejects(world.clock.until(world.ask('file/rm', { treatment: { failure: FLOOD } })), FLOOD)
    }
    assert.deepEqual(
      world.arrivals.map(({ atMs }) => atMs / MINUTE_MS),
      [0, 5, 15],
    )
    assert.equal(world.scheduler.status().upstream.locksMet, 3)
  })

  it('lets another probe go when the first one has no answer', async () => {
    await using world = await World.open()
    await assert.rejects(world.clock.until(world.ask('file/rm', { treatment: { failure: FLOOD } })), FLOOD)
    const lost = world.ask('file/mv', { treatment: { failure: DOWN } })
    const next = world.ask('file/cp')
    await assert.rejects(world.clock.until(lost), DOWN)
    assert.equal(await world.clock.until(next), 5 * MINUTE_MS + 30_000)
  })

  it('does not take a late answer from before the lock for the end of it', async () => {
    await using world = await World.open()
    const late = world.ask('file/mv', { treatment: { backMs: 100_000 } })
    const locked = world.ask('file/rm', { treatment: { failure: FLOOD } })
    const after = world.ask('file/cp')
    await assert.rejects(world.clock.until(locked), FLOOD)
    await world.clock.until(late)
    assert.equal(world.scheduler.status().scheduler.locks[0]?.state, 'open')
    assert.equal(await world.clock.until(after), 5 * MINUTE_MS)
  })

  it('stops only the account call for a lock of the account call', async () => {
    await using world = await World.open()
    await assert.rejects(world.clock.until(world.ask('user/info', { treatment: { failure: FLOOD } })), FLOOD)
    assert.equal(await world.clock.until(world.ask('file/rm')), 0)
    await assert.rejects(world.ask('user/info', { patienceMs: 0 }), { code: 'locked' })
    assert.deepEqual(
      world.scheduler.status().scheduler.locks.map(({ reach, state }) => [reach, state]),
      [['account', 'open']],
    )
  })

  it('never repeats a permanent refusal, tells who waits, and goes on when a person resumes', async () => {
    await using world = await World.open()
    const refused = world.ask('folder/ls', { folder: folder(7), treatment: { failure: REFUSED } })
    const waiting = [1, 2, 3].map(() => world.ask('folder/ls', { folder: folder(7) }))
    await assert.rejects(world.clock.until(refused), REFUSED)
    for (const ask of waiting) await assert.rejects(ask, { code: 'account-refused', hint: /mend/ })
    await world.clock.advance(24 * HOUR_MS)
    await assert.rejects(world.ask('user/info'), {
      code: 'account-refused',
      message: /does not know this user/,
    })
    await world.restart()
    await assert.rejects(world.ask('file/rm'), { code: 'account-refused' })
    assert.equal(world.arrivals.length, 1)
    world.witness.forgive()
    await world.scheduler.resume()
    await world.clock.until(world.ask('file/rm'))
    assert.deepEqual(world.scheduler.status().scheduler.locks, [])
  })

  it('stops only tokens when the account may not download', async () => {
    await using world = await World.open()
    const token = world.ask('download/get_token', { treatment: { failure: NO_CUSTOMER } })
    await assert.rejects(world.clock.until(token), NO_CUSTOMER)
    await assert.rejects(world.ask('download/get_token'), { code: 'account-refused' })
    assert.equal(await world.clock.until(world.ask('folder/ls', { folder: folder(7) })), 0)
  })
})

describe('the scheduler, across restarts', () => {
  it('keeps pace and locks through kill -9, even in the middle of a call', async () => {
    await using world = await World.open()
    void world.ask('folder/ls', { folder: folder(7), treatment: { thereMs: 10, backMs: 5_000 } })
    void world.ask('user/info', { treatment: { backMs: 5_000 } })
    await world.clock.advance(1_000)
    await world.restart()
    const listing = world.ask('folder/ls', { folder: folder(7) })
    const account = world.ask('user/info')
    assert.equal(await world.clock.until(listing), 40_000)
    assert.equal(await world.clock.until(account), 5 * MINUTE_MS + 10_000)
    await assert.rejects(world.clock.until(world.ask('file/rm', { treatment: { failure: FLOOD } })), FLOOD)
    await world.restart()
    await assert.rejects(world.ask('file/rm', { patienceMs: 0 }), { code: 'locked' })
    assert.equal(world.scheduler.status().scheduler.locks[0]?.state, 'open')
  })

  it('keeps the counts of calls, written at most once a second', async () => {
    await using world = await World.open()
    await world.clock.until(world.ask('file/rm'))
    world.scheduler.count('upload.cgi')
    world.scheduler.count('direct')
    world.scheduler.count('direct')
    await world.clock.advance(1_000)
    await world.restart()
    const { calls, total, locksMet } = world.scheduler.status().upstream
    assert.deepEqual([calls, total, locksMet], [{ 'file/rm': 1, 'upload.cgi': 1, direct: 2 }, 4, 0])
    world.scheduler.count('dir')
    await world.scheduler[Symbol.asyncDispose]()
    const saved = await new SqliteFactStore(world.db).get('upstream-calls')
    assert.deepEqual(saved?.value, { calls: { ...calls, dir: 1 }, locksMet: 0 })
  })

  it('sends nothing when its store cannot be written (R2)', async () => {
    await using world = await World.open()
    await world.clock.until(world.ask('file/rm'))
    world.db.prepare('PRAGMA query_only = ON').get()
    await assert.rejects(world.clock.until(world.ask('file/mv')), { code: 'internal' })
    assert.equal(world.arrivals.length, 1)
    world.db.prepare('PRAGMA query_only = OFF').get()
    await world.clock.until(world.ask('file/mv'))
  })

  it('refuses new calls and whoever waits when it is closed, and ends what is under way', async () => {
    await using world = await World.open()
    const under = world.ask('folder/ls', { folder: folder(7), treatment: { backMs: 5_000 } })
    const waiting = world.ask('folder/ls', { folder: folder(7) })
    await world.clock.settle()
    const closing = world.scheduler[Symbol.asyncDispose]()
    await assert.rejects(waiting, { code: 'unavailable' })
    await assert.rejects(world.ask('file/rm'), { code: 'unavailable' })
    await world.clock.until(closing)
    assert.equal(await under, 5_000)
    assert.equal(world.clock.sleeping, 0)
  })
})

describe('the status of the scheduler', () => {
  it('shows who waits, for how long and for what', async () => {
    await using world = await World.open()
    const asks = [7, 7, 8].map((number) =>
      world.ask('folder/ls', { folder: folder(number), priority: 'sync' }),
    )
    await world.clock.settle()
    const { waiting, locks, rules } = world.scheduler.status().scheduler
    assert.deepEqual(
      waiting.map(({ endpoint, key, priority, reason }) => [endpoint, key, priority, reason]),
      [
        ['folder/ls', 'owner', 'sync', 'rule folder'],
        ['folder/ls', 'owner', 'sync', 'rule listing'],
      ],
    )
    assert.equal(waiting[0]?.waitMs, 30_000)
    assert.deepEqual(locks, [])
    assert.equal(rules.length, 6)
    await world.clock.until(Promise.all(asks))
  })
})
