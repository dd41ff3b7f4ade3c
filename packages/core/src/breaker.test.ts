import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  type BreakerSignal,
  type BreakerState,
  CLOSED,
  isRecovering,
  LOCK_POLICY,
  observe,
  reachesOf,
  reachOf,
  sending,
  sinceNow,
  verdictOf,
} from './breaker.ts'
import { HOUR_MS, MINUTE_MS } from './clock.ts'

const NOW_MS = Date.UTC(2026, 0, 1)
const FLOOD = { kind: 'locked', scope: 'ip', isFlood: true, reason: 'Flood detected: IP Locked' } as const
const ANSWERED = { kind: 'answered' } as const

function waitMs(state: BreakerState, nowMs: number): number {
  const verdict = verdictOf(state, LOCK_POLICY, nowMs)
  assert.notEqual(verdict.kind, 'stop')
  return verdict.kind === 'wait' ? verdict.waitMs : 0
}

function after(state: BreakerState, signal: BreakerSignal, nowMs: number): BreakerState {
  return observe(state, LOCK_POLICY, signal, nowMs)
}

describe('a breaker', () => {
  it('leaves the host alone for the whole lock (T3)', () => {
    const open = after(CLOSED, FLOOD, NOW_MS)
    assert.equal(waitMs(open, NOW_MS), 5 * MINUTE_MS)
    assert.equal(waitMs(open, NOW_MS + 5 * MINUTE_MS - 1), 1)
    assert.equal(waitMs(open, NOW_MS + 5 * MINUTE_MS), 0)
  })

  it('waits an hour after the bare "IP Locked", and as long as 1fichier says where that is longer', () => {
    assert.equal(waitMs(after(CLOSED, { ...FLOOD, isFlood: false }, NOW_MS), NOW_MS), HOUR_MS)
    assert.equal(waitMs(after(CLOSED, { ...FLOOD, retryAfterMs: 3 * HOUR_MS }, NOW_MS), NOW_MS), 3 * HOUR_MS)
    assert.equal(waitMs(after(CLOSED, { ...FLOOD, retryAfterMs: 1_000 }, NOW_MS), NOW_MS), 5 * MINUTE_MS)
  })

  it('takes the late answers of one lock for one lock', () => {
    const open = after(CLOSED, FLOOD, NOW_MS)
    const again = after(open, FLOOD, NOW_MS + 1_000)
    assert.equal(waitMs(again, NOW_MS + 1_000), 5 * MINUTE_MS)
    assert.deepEqual(after(open, ANSWERED, NOW_MS + 1), open)
    assert.equal(again.kind === 'open' && again.locks, 1)
  })

  it('sends one probe after the lock, and lets the others wait for it', () => {
    const open = after(CLOSED, FLOOD, NOW_MS)
    const probeMs = NOW_MS + 5 * MINUTE_MS
    const probing = sending(open, probeMs)
    assert.equal(waitMs(probing, probeMs), LOCK_POLICY.probeMs)
    assert.equal(waitMs(after(probing, ANSWERED, probeMs + 500), probeMs + 500), 0)
  })

  it('sends another probe when the first one is lost', () => {
    const probing = sending(after(CLOSED, FLOOD, NOW_MS), NOW_MS + HOUR_MS)
    assert.equal(waitMs(probing, NOW_MS + HOUR_MS + LOCK_POLICY.probeMs), 0)
    const unanswered = after(probing, { kind: 'unanswered' }, NOW_MS + HOUR_MS)
    assert.equal(waitMs(unanswered, NOW_MS + HOUR_MS), LOCK_POLICY.probeMs / 4)
  })

  it('waits twice as long each time a probe is locked again, up to the longest wait', () => {
    let state: BreakerState = CLOSED
    let nowMs = NOW_MS
    const waits: number[] = []
    for (let lock = 0; lock < 7; lock += 1) {
      state = after(state, FLOOD, nowMs)
      waits.push(waitMs(state, nowMs) / MINUTE_MS)
      nowMs += waitMs(state, nowMs)
      state = sending(state, nowMs)
    }
    assert.deepEqual(waits, [5, 10, 20, 40, 80, 120, 120])
  })

  it('forgets its locks after a quiet hour, with or without an answer in between', () => {
    const closed = after(sending(after(CLOSED, FLOOD, NOW_MS), NOW_MS), ANSWERED, NOW_MS)
    assert.equal(waitMs(after(closed, FLOOD, NOW_MS + 1), NOW_MS + 1), 10 * MINUTE_MS)
    const laterMs = NOW_MS + HOUR_MS
    assert.deepEqual(after(closed, ANSWERED, laterMs), CLOSED)
    assert.equal(waitMs(after(closed, FLOOD, laterMs), laterMs), 5 * MINUTE_MS)
  })

  it('stops for a permanent refusal, whatever comes, until a person resumes', () => {
    const stopped = after(CLOSED, { kind: 'refused', reason: 'No such user' }, NOW_MS)
    for (const signal of [ANSWERED, FLOOD, { kind: 'unanswered' }] as const) {
      const verdict = verdictOf(after(stopped, signal, NOW_MS), LOCK_POLICY, NOW_MS + 24 * HOUR_MS)
      assert.deepEqual(verdict, { kind: 'stop', reason: 'No such user' })
    }
    assert.equal(sending(stopped, NOW_MS), stopped)
  })

  it('goes slower for a while after a lock', () => {
    const closed = after(sending(after(CLOSED, FLOOD, NOW_MS), NOW_MS), ANSWERED, NOW_MS)
    assert.equal(isRecovering(closed, LOCK_POLICY, NOW_MS), true)
    assert.equal(isRecovering(closed, LOCK_POLICY, NOW_MS + 10 * MINUTE_MS - 1), true)
    assert.equal(isRecovering(closed, LOCK_POLICY, NOW_MS + 10 * MINUTE_MS), false)
    assert.equal(isRecovering(CLOSED, LOCK_POLICY, 1), false)
  })

  it('waits no longer than its own length when the clock is set back', () => {
    const open = after(CLOSED, FLOOD, NOW_MS)
    const earlierMs = NOW_MS - 24 * HOUR_MS
    assert.equal(waitMs(sinceNow(open, earlierMs), earlierMs), 5 * MINUTE_MS)
    const probing = sending(open, NOW_MS)
    assert.equal(waitMs(sinceNow(probing, earlierMs), earlierMs), LOCK_POLICY.probeMs)
    assert.equal(sinceNow(open, NOW_MS + 1), open)
    assert.equal(sinceNow(CLOSED, NOW_MS), CLOSED)
  })

  it('never lets a call go within the shortest lock after a lock was met (R9)', () => {
    const signals = fc.constantFrom<BreakerSignal>(
      ANSWERED,
      FLOOD,
      { ...FLOOD, isFlood: false },
      { kind: 'unanswered' },
    )
    fc.assert(
      fc.property(fc.array(fc.record({ signal: signals, passMs: fc.nat(20 * MINUTE_MS) })), (steps) => {
        let nowMs = NOW_MS
        let state: BreakerState = CLOSED
        let lockedMs = -Infinity
        for (const { signal, passMs } of steps) {
          nowMs += passMs
          if (verdictOf(state, LOCK_POLICY, nowMs).kind === 'go') {
            assert.ok(nowMs - lockedMs >= LOCK_POLICY.floodMs)
            state = sending(state, nowMs)
          }
          state = after(state, signal, nowMs)
          if (signal.kind === 'locked') lockedMs = nowMs
        }
      }),
    )
  })
})

describe('reaches', () => {
  it('let a lock of the account call stop nothing else', () => {
    assert.equal(reachOf('user/info', 'lock'), 'account')
    assert.equal(reachOf('folder/ls', 'lock'), 'api')
    assert.deepEqual(reachesOf('user/info'), ['account', 'api'])
    assert.deepEqual(reachesOf('folder/ls'), ['api'])
  })

  it('let what only concerns downloads stop tokens only', () => {
    for (const why of ['customer', 'cdn', 'location'] as const) {
      assert.equal(reachOf('download/get_token', why), 'tokens')
      assert.equal(reachOf('file/cp', why), 'api')
    }
    assert.deepEqual(reachesOf('download/get_token'), ['tokens', 'api'])
  })

  it('let a refused account stop everything, wherever it is said', () => {
    for (const endpoint of ['user/info', 'folder/ls', 'download/get_token'] as const) {
      assert.equal(reachOf(endpoint, 'account'), 'api')
    }
  })
})
