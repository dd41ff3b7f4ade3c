import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError, HOUR_MS, MINUTE_MS } from '@guichet/core'
import { FLOOD, folder, keyOf, NOT_FOUND, World } from './world.testing.ts'

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

  it('gives it away as soon when the clock is set back meanwhile', async () => {
    await using world = await World.open()
    const hanging = [1, 2].map(() => world.ask('file/rm', { treatment: { backMs: HOUR_MS } }))
    const next = world.ask('file/mv')
    await world.clock.advance(MINUTE_MS)
    world.clock.jump(-24 * HOUR_MS)
    await world.clock.until(next, 3 * MINUTE_MS)
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

  it('goes on when the clock is set back (R2)', async () => {
    await using world = await World.open()
    await world.clock.until(world.ask('folder/ls', { folder: folder(7) }))
    world.clock.jump(-24 * HOUR_MS)
    const asked = performance.now()
    await world.clock.until(world.ask('folder/ls', { folder: folder(8) }), MINUTE_MS)
    await world.clock.until(world.ask('folder/ls', { folder: folder(7) }), 2 * MINUTE_MS)
    assert.ok(performance.now() - asked < 5_000)
  })

  it('goes on when the clock is set back between its start and its first call', async () => {
    await using world = await World.open()
    await world.clock.until(world.ask('folder/ls', { folder: folder(7) }))
    await world.restart()
    world.clock.jump(-24 * HOUR_MS)
    await world.clock.until(world.ask('folder/ls', { folder: folder(8) }), MINUTE_MS)
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

  it('lets a crowd in the back keep nobody urgent out, nor one key the others (T5)', async () => {
    await using world = await World.open(5)
    const ends: string[] = []
    const ask = (name: string, options: Parameters<World['ask']>[1]): Promise<unknown> =>
      world.ask('file/rm', options).then(
        (atMs) => ends.push(`${name} at ${atMs}`),
        (failure: GatewayError) => ends.push(`${name} ${failure.code}`),
      )
    const crowd = [1, 2, 3, 4, 5, 6, 7].map((number) => ask(`${number}`, { priority: 'scan' }))
    const other = [1, 2].map((number) => ask(`other ${number}`, { priority: 'scan', key: keyOf(1) }))
    const urgent = ask('urgent', { patienceMs: 5_000 })
    await world.clock.until(Promise.all([...crowd, ...other, urgent]))
    assert.deepEqual(ends, [
      ...['7 paced', '6 paced', '5 paced', '1 at 0', '2 at 0'],
      ...['urgent at 1000', '3 at 2000', 'other 1 at 3000', '4 at 4000', 'other 2 at 5000'],
    ])
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

function refusalOf(ask: Promise<unknown>): Promise<GatewayError> {
  return ask.then(
    () => assert.fail('it was not refused'),
    (failure: GatewayError) => failure,
  )
}
