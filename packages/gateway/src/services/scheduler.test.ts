import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError, HOUR_MS, MINUTE_MS } from '@guichet/core'
import { SqliteFactStore } from '../stores/sqlite/index.ts'
import { DOWN, FLOOD, folder, keyOf, NO_CUSTOMER, NOT_FOUND, REFUSED, World } from './scheduler-world.test.ts'

describe('the scheduler, pace', () => {
  it('lets a first call go at once and gives its answer', async () => {
    await using world = await World.open()
    assert.equal(await world.clock.until(world.ask('file/rm')), 0)
    const answer = world.scheduler.run(
      { call: { endpoint: 'file/mv' }, key: 'owner', priority: 'write' },
      async () => 'yes',
    )
    assert.equal(await answer, 'yes')
  })

  it('rejects with what the call rejects with', async () => {
    await using world = await World.open()
    await assert.rejects(
      world.clock.until(world.ask('file/rm', { treatment: { failure: NOT_FOUND } })),
      NOT_FOUND,
    )
    const bug = new TypeError('a bug')
    const turn = { call: { endpoint: 'file/mv' }, key: 'owner', priority: 'write' } as const
    await assert.rejects(
      world.scheduler.run(turn, () => Promise.reject(bug)),
      bug,
    )
  })

  it('lets nobody behind wait for a call that its own rule holds back', async () => {
    await using world = await World.open()
    const asks = [
      world.ask('folder/ls', { folder: folder(7) }),
      world.ask('folder/ls', { folder: folder(7) }),
      world.ask('folder/ls', { folder: folder(8) }),
      world.ask('file/rm'),
    ]
    assert.deepEqual(await world.clock.until(Promise.all(asks)), [0, 30_000, 3_000, 0])
  })

  it('counts the gap between listings from the answer', async () => {
    await using world = await World.open()
    const asks = [1, 2].map((number) =>
      world.ask('folder/ls', { folder: folder(number), treatment: { thereMs: 4_000, backMs: 1_000 } }),
    )
    await world.clock.until(Promise.all(asks))
    assert.deepEqual(
      world.arrivals.map(({ atMs }) => atMs),
      [4_000, 12_000],
    )
  })

  it('keeps at most two calls under way, and lets others pass a slow listing', async () => {
    await using world = await World.open()
    const slow = world.ask('folder/ls', { folder: folder(7), treatment: { backMs: 60_000 } })
    const others = [1, 2, 3].map(() => world.ask('file/rm', { treatment: { backMs: 5_000 } }))
    await world.clock.until(Promise.all([slow, ...others]))
    assert.deepEqual(
      world.arrivals.map(({ atMs }) => atMs),
      [0, 0, 5_000, 10_000],
    )
  })

  it('gives the place of a call that hangs to another', async () => {
    await using world = await World.open()
    const hanging = [1, 2].map(() => world.ask('file/rm', { treatment: { backMs: HOUR_MS } }))
    const next = world.ask('file/mv')
    assert.equal(await world.clock.until(next), 2 * MINUTE_MS)
    await world.clock.until(Promise.all(hanging))
  })

  it('slows down after many refusals, since they may ban (wire.md §3)', async () => {
    await using world = await World.open()
    const times: number[] = []
    for (let call = 0; call < 14; call += 1) {
      await world.clock.until(world.ask('file/info', { treatment: { failure: NOT_FOUND } }).catch(() => 0))
      times.push(world.arrivals.at(-1)?.atMs ?? 0)
    }
    assert.deepEqual(times.slice(9), [8_000, 9_000, 15_000, 27_000, 51_000])
  })

  it('does not count a call of which not one byte left the machine', async () => {
    await using world = await World.open()
    const failure = new GatewayError('upstream-down', 'no route', { facts: { sent: false } })
    const turn = { call: { endpoint: 'user/info' }, key: 'owner', priority: 'interactive' } as const
    await assert.rejects(
      world.scheduler.run(turn, () => Promise.reject(failure)),
      failure,
    )
    assert.equal(await world.clock.until(world.ask('user/info')), 0)
  })

  it('goes on when the clock is set back', async () => {
    await using world = await World.open()
    await world.clock.until(world.ask('folder/ls', { folder: folder(7) }))
    world.clock.jump(-24 * HOUR_MS)
    const asked = performance.now()
    await world.clock.until(world.ask('folder/ls', { folder: folder(8) }), MINUTE_MS)
    await world.clock.until(world.ask('folder/ls', { folder: folder(7) }), 2 * MINUTE_MS)
    assert.ok(performance.now() - asked < 5_000)
  })
})

describe('the scheduler, order', () => {
  it('serves the more urgent first', async () => {
    await using world = await World.open()
    const done: string[] = []
    const asks = (['scan', 'sync', 'write', 'stream', 'interactive'] as const).flatMap((priority) =>
      [1, 2].map(() => world.ask('file/rm', { priority }).then(() => done.push(priority))),
    )
    await world.clock.until(Promise.all(asks))
    // The two that came first found the line empty; each fourth turn goes to whoever has waited longest.
    assert.deepEqual(done, [
      ...['scan', 'scan', 'interactive', 'sync', 'interactive'],
      ...['stream', 'stream', 'sync', 'write', 'write'],
    ])
  })

  it('takes turns between the keys of a priority, and keeps the order of each key', async () => {
    await using world = await World.open()
    const done: string[] = []
    const asks = [1, 1, 1, 1, 2, 2, 3].map((key, place) =>
      world.ask('file/rm', { key: keyOf(key) }).then(() => done.push(`${key}${place}`)),
    )
    await world.clock.until(Promise.all(asks))
    assert.deepEqual(done, ['10', '11', '12', '24', '36', '13', '25'])
  })

  it('serves the last one too, however many more urgent calls come (T5)', async () => {
    await using world = await World.open()
    let isServed = false
    const last = world.ask('file/rm', { priority: 'scan' })
    const first = Array.from({ length: 5 }, () => world.ask('file/rm'))
    const scan = world.ask('file/rm', { priority: 'scan' }).then((atMs) => {
      isServed = true
      return atMs
    })
    const flood: Promise<number>[] = []
    for (let second = 0; second < 60 && !isServed; second += 1) {
      flood.push(world.ask('file/rm'), world.ask('file/rm'))
      await world.clock.advance(1_000)
    }
    assert.ok((await scan) < 30_000)
    await world.clock.until(Promise.all([last, ...first, ...flood]))
  })
})

describe('the scheduler, patience', () => {
  it('refuses at once whoever would wait too long, with the true time to come back', async () => {
    await using world = await World.open()
    await world.clock.until(world.ask('folder/ls', { folder: folder(7) }))
    const refused = world.ask('folder/ls', { folder: folder(7), patienceMs: 10_000 })
    const failure = await refusalOf(refused)
    assert.equal(failure.code, 'paced')
    assert.match(failure.message, /folder\/ls.*30 s.*rule folder/)
    assert.equal(failure.retryAfterMs, 30_000)
    await world.clock.advance(30_000)
    assert.equal(
      await world.clock.until(world.ask('folder/ls', { folder: folder(7), patienceMs: 0 })),
      30_000,
    )
  })

  it('counts those who wait before, for whoever has no time', async () => {
    await using world = await World.open()
    const before = Array.from({ length: 10 }, () => world.ask('file/rm'))
    const failure = await refusalOf(world.ask('file/rm', { patienceMs: 5_000 }))
    assert.equal(failure.retryAfterMs, 9_000)
    const urgent = world.ask('file/rm', { patienceMs: 9_000 })
    const times = await world.clock.until(Promise.all([...before, urgent]))
    assert.equal(times.at(-1), 9_000)
  })

  it('tells those who wait in vain when a lock comes', async () => {
    await using world = await World.open()
    const locked = world.ask('file/rm', { treatment: { backMs: 500, failure: FLOOD } })
    const patient = [1, 2].map(() => world.ask('file/mv', { priority: 'write' }))
    const hasty = world.ask('file/mv', { priority: 'scan', patienceMs: 20_000 })
    await assert.rejects(world.clock.until(locked), FLOOD)
    const failure = await refusalOf(hasty)
    assert.equal(failure.code, 'locked')
    // The lock, and then one who waits before it at half the pace.
    assert.ok((failure.retryAfterMs ?? 0) >= 5 * MINUTE_MS + 2_000)
    const times = await world.clock.until(Promise.all(patient))
    assert.deepEqual(times, [0, 500 + 5 * MINUTE_MS])
  })

  it('refuses as soon as more urgent calls have made the deadline hopeless', async () => {
    await using world = await World.open()
    const waiting = world.ask('file/rm', { priority: 'scan' })
    const more = [1, 2].map(() => world.ask('file/rm', { priority: 'scan' }))
    const hasty = world.ask('file/rm', { priority: 'scan', patienceMs: 3_500 })
    const urgent = Array.from({ length: 6 }, () => world.ask('file/rm'))
    const failure = await world.clock.until(refusalOf(hasty))
    assert.equal(failure.code, 'paced')
    assert.equal(world.clock.nowMs() - world.startMs, 3_000)
    await world.clock.until(Promise.all([waiting, ...more, ...urgent]))
  })

  it('bounds the line, and says when there may be room', async () => {
    await using world = await World.open(5)
    const asks = Array.from({ length: 7 }, () => world.ask('file/rm'))
    const failure = await refusalOf(world.ask('file/rm'))
    assert.equal(failure.code, 'paced')
    assert.match(failure.message, /too many calls wait/)
    assert.equal(failure.retryAfterMs, 6_000)
    await world.clock.until(Promise.all(asks))
  })

  it('lets a caller leave the line', async () => {
    await using world = await World.open()
    const leaving = new AbortController()
    const asks = [1, 2, 3].map(() => world.ask('file/rm'))
    const left = world.ask('file/rm', { signal: leaving.signal })
    leaving.abort()
    await assert.rejects(left, { code: 'cancelled' })
    await assert.rejects(world.ask('file/rm', { signal: leaving.signal }), { code: 'cancelled' })
    await world.clock.until(Promise.all(asks))
    assert.equal(world.arrivals.length, 3)
  })
})

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

function refusalOf(ask: Promise<unknown>): Promise<GatewayError> {
  return ask.then(
    () => assert.fail('it was not refused'),
    (failure: GatewayError) => failure,
  )
}
