import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { HOUR_MS, MINUTE_MS, SECOND_MS } from './clock.ts'
import { ENDPOINTS, type Endpoint } from './endpoints.ts'
import { parseFolderId } from './ids.ts'
import {
  CONSERVATIVE_RULES,
  countersAfter,
  countersAfterAnswer,
  countersAfterRefusal,
  countersAhead,
  countersOf,
  exclusiveCounters,
  type PacedCall,
  type PaceState,
  scaleRules,
  slowedRules,
  waitOf,
} from './pacing.ts'

const NOW_MS = Date.UTC(2026, 0, 1)
const RULES = CONSERVATIVE_RULES

function listing(folder: number): PacedCall {
  return { endpoint: 'folder/ls', folder: parseFolderId(folder) }
}

function merged(...states: readonly PaceState[]): PaceState {
  return new Map(states.flatMap((state) => [...state]))
}

/** The state after these calls were sent, each at its moment. */
function sent(calls: readonly (readonly [PacedCall, number])[]): PaceState {
  return calls.reduce<PaceState>(
    (state, [call, atMs]) => merged(state, countersAfter(RULES, state, call, atMs)),
    new Map(),
  )
}

describe('waitOf', () => {
  it('lets a first call of any kind go', () => {
    for (const endpoint of ENDPOINTS) {
      assert.equal(waitOf(RULES, new Map(), { endpoint }, NOW_MS).waitMs, 0)
    }
  })

  it('names the rule that asks for the longest wait', () => {
    const state = sent([[listing(7), NOW_MS]])
    assert.equal(waitOf(RULES, state, { endpoint: 'file/rm' }, NOW_MS).waitMs, 0)
    const other = waitOf(RULES, state, listing(8), NOW_MS + 1)
    assert.deepEqual([other.waitMs, other.rule?.id], [2_999, 'listing'])
    const same = waitOf(RULES, state, { endpoint: 'file/ls', folder: parseFolderId(7) }, NOW_MS + 1)
    assert.deepEqual([same.waitMs, same.rule?.id], [29_999, 'folder'])
  })

  it('keeps the listing of the whole account apart from those of folders', () => {
    const state = sent([[{ endpoint: 'file/ls', folder: -1 }, NOW_MS]])
    assert.equal(waitOf(RULES, state, { endpoint: 'file/ls', folder: -1 }, NOW_MS).waitMs, HOUR_MS)
    assert.equal(waitOf(RULES, state, listing(0), NOW_MS).waitMs, 3 * SECOND_MS)
  })

  it('asks for the account once in five minutes', () => {
    const state = sent([[{ endpoint: 'user/info' }, NOW_MS]])
    assert.equal(waitOf(RULES, state, { endpoint: 'user/info' }, NOW_MS + MINUTE_MS).waitMs, 4 * MINUTE_MS)
  })

  it('asks for one and the same time, whatever time it is asked at', () => {
    const state = sent([[listing(7), NOW_MS]])
    for (const atMs of [0, 1, 500, 29_999]) {
      assert.equal(waitOf(RULES, state, listing(7), NOW_MS + atMs).waitMs, 30_000 - atMs)
    }
    assert.equal(waitOf(RULES, state, listing(7), NOW_MS + 30_000).waitMs, 0)
  })
})

describe('countersAfterAnswer', () => {
  it('counts the gap from the answer, since a call arrives somewhere before it', () => {
    const state = sent([[listing(7), NOW_MS]])
    const answered = merged(state, countersAfterAnswer(RULES, state, listing(7), NOW_MS + 5_000))
    assert.equal(waitOf(RULES, answered, listing(7), NOW_MS + 5_000).waitMs, 30_000)
    assert.equal(waitOf(RULES, answered, listing(8), NOW_MS + 5_000).waitMs, 3_000)
    assert.equal(waitOf(RULES, answered, { endpoint: 'file/rm' }, NOW_MS + 5_000).waitMs, 0)
  })

  it('belongs to rules that let one call through at a time', () => {
    assert.deepEqual(exclusiveCounters(RULES, listing(7)), ['listing', 'folder:7'])
    assert.deepEqual(exclusiveCounters(RULES, { endpoint: 'file/ls', folder: -1 }), ['listing', 'all-files'])
    assert.deepEqual(exclusiveCounters(RULES, { endpoint: 'file/rm' }), [])
    assert.deepEqual(
      countersOf(RULES, { endpoint: 'user/info' }).map(({ counter }) => counter),
      ['general', 'account'],
    )
  })
})

describe('countersAfterRefusal', () => {
  const call: PacedCall = { endpoint: 'file/info' }

  function refused(times: readonly number[]): PaceState {
    return times.reduce<PaceState>(
      (state, atMs) => merged(state, countersAfterRefusal(RULES, state, call, atMs)),
      new Map(),
    )
  }

  function every(count: number, gapMs: number): readonly number[] {
    return Array.from({ length: count }, (_, index) => NOW_MS + index * gapMs)
  }

  it('lets ten refusals in a minute pass', () => {
    assert.equal(waitOf(RULES, refused(every(10, 1)), call, NOW_MS + 9).waitMs, 0)
  })

  it('holds every call back by a growing gap after more than ten in a minute', () => {
    const waits = [11, 12, 13, 14, 15].map((count) => {
      const times = every(count, 1)
      return waitOf(RULES, refused(times), { endpoint: 'file/rm' }, times.at(-1) ?? 0).waitMs
    })
    assert.deepEqual(waits, [6_000, 12_000, 24_000, 48_000, 60_000])
  })

  it('forgets refusals after a minute', () => {
    const state = refused(every(15, 1))
    assert.equal(waitOf(RULES, state, call, NOW_MS + MINUTE_MS + 15).waitMs, 0)
  })

  it('never holds back longer than a minute, and not at all for refusals spread out', () => {
    assert.equal(waitOf(RULES, refused(every(200, 1)), call, NOW_MS + 199).waitMs, MINUTE_MS)
    assert.equal(waitOf(RULES, refused(every(200, 6_000)), call, NOW_MS + 199 * 6_000).waitMs, 0)
  })

  it('remembers a bounded number of moments', () => {
    assert.equal(refused(every(1_000, 1)).size, 20)
  })
})

describe('slowedRules', () => {
  it('halves the pace of what endpoints share, without bursts, and leaves the rest', () => {
    const slowed = slowedRules(RULES).map(({ id, burst, gapMs }) => [id, burst, gapMs])
    assert.deepEqual(slowed, [
      ['general', 1, 2_000],
      ['listing', 1, 6_000],
      ['folder', 1, 30_000],
      ['all-files', 1, HOUR_MS],
      ['account', 1, 5 * MINUTE_MS],
      ['refusals', 10, 6_000],
    ])
  })
})

describe('countersAhead', () => {
  it('leaves counters alone that a call has just set', () => {
    const state = sent([
      [listing(7), NOW_MS],
      [{ endpoint: 'file/ls', folder: -1 }, NOW_MS],
    ])
    assert.equal(countersAhead(RULES, state, NOW_MS).size, 0)
  })

  it('brings counters back that a clock set back has left far ahead', () => {
    const state = sent([[listing(7), NOW_MS]])
    const earlierMs = NOW_MS - 24 * HOUR_MS
    const mended = merged(state, countersAhead(RULES, state, earlierMs))
    assert.ok(waitOf(RULES, mended, listing(7), earlierMs).waitMs <= MINUTE_MS)
    assert.ok(waitOf(RULES, mended, { endpoint: 'file/rm' }, earlierMs).waitMs <= 3_000)
  })
})

/** wire.md §3, written down once more: how many calls of a kind any window may hold. */
const WINDOWS: readonly {
  readonly name: string
  readonly windowMs: number
  readonly most: number
  readonly counts: (call: PacedCall) => string | undefined
}[] = [
  { name: '3 a second', windowMs: 1_000, most: 3, counts: () => 'all' },
  {
    name: 'a listing in 3 s',
    windowMs: 3_000,
    most: 1,
    counts: (call) => (isListing(call) ? 'all' : undefined),
  },
  {
    name: 'a folder in 30 s',
    windowMs: 30_000,
    most: 1,
    counts: (call) => (isListing(call) && call.folder !== -1 ? `${call.folder}` : undefined),
  },
  {
    name: 'all files in an hour',
    windowMs: HOUR_MS,
    most: 1,
    counts: (call) => (call.folder === -1 ? 'all' : undefined),
  },
  {
    name: 'the account in 5 min',
    windowMs: 5 * MINUTE_MS,
    most: 1,
    counts: (call) => (call.endpoint === 'user/info' ? 'all' : undefined),
  },
]

function isListing(call: PacedCall): boolean {
  return call.endpoint === 'folder/ls' || call.endpoint === 'file/ls'
}

const ANY_CALL: fc.Arbitrary<PacedCall> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      endpoint: fc.constantFrom<Endpoint>('folder/ls', 'file/ls'),
      folder: fc.nat(4).map(parseFolderId),
    }),
  },
  { weight: 1, arbitrary: fc.constant<PacedCall>({ endpoint: 'file/ls', folder: -1 }) },
  { weight: 1, arbitrary: fc.constant<PacedCall>({ endpoint: 'user/info' }) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Endpoint>('file/rm', 'download/get_token').map((endpoint) => ({ endpoint })),
  },
)

describe('the conservative rules', () => {
  it('keep every window of wire.md §3 when each call goes as soon as it may (T1, R9)', () => {
    const arrivals = fc.array(fc.record({ call: ANY_CALL, pauseMs: fc.nat(4_000) }), {
      maxLength: 80,
      size: 'max',
    })
    fc.assert(
      fc.property(arrivals, (calls) => {
        let nowMs = NOW_MS
        let state: PaceState = new Map()
        const log: { readonly call: PacedCall; readonly atMs: number }[] = []
        for (const { call, pauseMs } of calls) {
          nowMs += pauseMs
          nowMs += Math.ceil(waitOf(RULES, state, call, nowMs).waitMs)
          assert.equal(waitOf(RULES, state, call, nowMs).waitMs, 0)
          state = merged(state, countersAfter(RULES, state, call, nowMs))
          log.push({ call, atMs: nowMs })
        }
        for (const window of WINDOWS) {
          for (const { call, atMs } of log) {
            const name = window.counts(call)
            if (name === undefined) continue
            const within = log.filter(
              (other) =>
                window.counts(other.call) === name &&
                other.atMs > atMs - window.windowMs &&
                other.atMs <= atMs,
            )
            assert.ok(within.length <= window.most, `${window.name}: ${within.length} at ${atMs - NOW_MS}`)
          }
        }
      }),
      { numRuns: 200 },
    )
  })

  it('are the same rules on a faster clock', () => {
    for (const rule of scaleRules(RULES, 50)) {
      const original = RULES.find(({ id }) => id === rule.id)
      assert.equal(rule.gapMs * 50, original?.gapMs)
      assert.equal(rule.burst, original?.burst)
    }
  })

  it('tell where each figure comes from', () => {
    for (const rule of RULES) assert.match(rule.source, /wire\.md §3/)
  })
})
