import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Endpoint, type GatewayError, HOUR_MS, MINUTE_MS } from '@guichet/core'
import fc from 'fast-check'
import { PRIORITIES } from './line.ts'
import { type Ask, DOWN, FLOOD, folder, keyOf, NO_CUSTOMER, NOT_FOUND, World } from './world.testing.ts'

/** What happens at some moment: somebody asks, or the gateway is killed and started again. */
type Step =
  | { readonly kind: 'ask'; readonly pauseMs: number; readonly endpoint: Endpoint; readonly ask: Ask }
  | { readonly kind: 'kill'; readonly pauseMs: number }

const PAUSE_MS = fc.oneof(fc.constant(0), fc.nat(2_000), fc.nat(2 * MINUTE_MS))
const WAY_MS = fc.oneof(fc.constant(0), fc.nat(300), fc.nat(8_000))

const FAILURE: fc.Arbitrary<GatewayError | undefined> = fc.oneof(
  { weight: 30, arbitrary: fc.constant(undefined) },
  { weight: 4, arbitrary: fc.constant(NOT_FOUND) },
  { weight: 2, arbitrary: fc.constant(DOWN) },
  { weight: 2, arbitrary: fc.constant(FLOOD) },
  { weight: 1, arbitrary: fc.constant(NO_CUSTOMER) },
)

const CALL: fc.Arbitrary<{ readonly endpoint: Endpoint; readonly folder?: Ask['folder'] }> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      endpoint: fc.constantFrom<Endpoint>('folder/ls', 'file/ls'),
      folder: fc.nat(5).map(folder),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ endpoint: 'file/ls', folder: -1 } as const) },
  { weight: 1, arbitrary: fc.constant({ endpoint: 'user/info' } as const) },
  {
    weight: 8,
    arbitrary: fc
      .constantFrom<Endpoint>('download/get_token', 'upload/get_upload_server', 'file/rm', 'file/mv')
      .map((endpoint) => ({ endpoint })),
  },
)

const ASK: fc.Arbitrary<Step> = fc
  .record({
    pauseMs: PAUSE_MS,
    call: CALL,
    key: fc.nat(4).map(keyOf),
    priority: fc.constantFrom(...PRIORITIES),
    patienceMs: fc.option(fc.nat(MINUTE_MS), { nil: undefined, freq: 4 }),
    thereMs: WAY_MS,
    backMs: WAY_MS,
    failure: FAILURE,
  })
  .map(({ pauseMs, call, key, priority, patienceMs, thereMs, backMs, failure }) => ({
    kind: 'ask',
    pauseMs,
    endpoint: call.endpoint,
    ask: {
      key,
      priority,
      patienceMs,
      ...(call.folder === undefined ? {} : { folder: call.folder }),
      treatment: { thereMs, backMs, ...(failure === undefined ? {} : { failure }) },
    },
  }))

const STEP: fc.Arbitrary<Step> = fc.oneof(
  { weight: 40, arbitrary: ASK },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill'), pauseMs: PAUSE_MS }) },
)

describe('the scheduler under random load', () => {
  it('breaks no rule of wire.md §3, sends nothing in a lock, and loses nobody (T1, T3, R9)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(STEP, { minLength: 20, maxLength: 120, size: 'max' }), async (steps) => {
        await using world = await World.open()
        let asked: Promise<number>[] = []
        for (const step of steps) {
          await world.clock.advance(step.pauseMs)
          if (step.kind === 'ask') {
            asked.push(world.ask(step.endpoint, step.ask))
          } else {
            // Who waited at the dead gateway asks nobody any more.
            asked = []
            await world.restart()
          }
        }
        // The world objects at its end to whatever its witness has seen.
        await world.clock.until(Promise.allSettled(asked), 400 * HOUR_MS)
      }),
      { numRuns: 120 },
    )
  })

  it('keeps the order of each key for calls of one kind', async () => {
    const asks = fc.array(
      fc.record({
        key: fc.nat(2),
        endpoint: fc.constantFrom<Endpoint>('file/rm', 'folder/ls'),
        pauseMs: fc.nat(500),
      }),
      { minLength: 5, maxLength: 60, size: 'max' },
    )
    await fc.assert(
      fc.asyncProperty(asks, async (steps) => {
        await using world = await World.open()
        const served = new Map<string, number[]>()
        const answers: Promise<unknown>[] = []
        for (const [place, { key, endpoint, pauseMs }] of steps.entries()) {
          await world.clock.advance(pauseMs)
          const name = `${key} ${endpoint}`
          const ask = { key: keyOf(key), ...(endpoint === 'folder/ls' ? { folder: folder(place) } : {}) }
          answers.push(
            world.ask(endpoint, ask).then(() => served.set(name, [...(served.get(name) ?? []), place])),
          )
        }
        await world.clock.until(Promise.all(answers))
        for (const [name, places] of served) {
          assert.deepEqual(
            places,
            places.toSorted((one, other) => one - other),
            name,
          )
        }
      }),
      { numRuns: 50 },
    )
  })

  it('makes ten busy clients wait six hours without one lock (T1)', async () => {
    await using world = await World.open()
    const endMs = world.startMs + 6 * HOUR_MS
    const served = new Array<number>(10).fill(0)
    const clients = served.map(async (_, client) => {
      for (let round = 0; world.clock.nowMs() < endMs; round += 1) {
        const place = { folder: folder((round * 7 + client) % 40) }
        const kind = (['folder/ls', 'file/rm', 'download/get_token', 'user/info'] as const)[
          (round + client) % 4
        ]
        const ask = { key: keyOf(client), priority: PRIORITIES[client % 5] ?? 'scan' } as const
        const treatment = { thereMs: (round * 37) % 400, backMs: (client * 53) % 300 }
        await world.ask(kind ?? 'file/mv', { ...ask, ...(kind === 'folder/ls' ? place : {}), treatment })
        served[client] = (served[client] ?? 0) + 1
      }
    })
    await world.clock.until(Promise.all(clients), 12 * HOUR_MS)
    // Each client asks for the account every fourth time: 72 of those fit into six hours, shared by ten.
    assert.ok(Math.min(...served) >= 10, served.join(' '))
    assert.equal(world.scheduler.status().upstream.locksMet, 0)
  })
})
