import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { GUESS_RULE, type Guesses, isForgiven, miss, shutMs } from './guesses.ts'

const RULE = { free: 3, forgiveMs: 1_000, firstMs: 100, longestMs: 1_600 }

/** Tries at these moments; gives those that were judged. */
function judged(rule: typeof RULE, moments: readonly number[]): readonly number[] {
  let guesses: Guesses | undefined
  return moments.filter((nowMs) => {
    const isOpen = shutMs(rule, guesses, nowMs) === 0
    guesses = miss(rule, guesses, nowMs)
    return isOpen
  })
}

const gaps = fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 200 })
const momentsOf = (steps: readonly number[]): readonly number[] => {
  let nowMs = 1_000_000
  return steps.map((step) => {
    nowMs += step
    return nowMs
  })
}

describe('wrong keys', () => {
  it('are slowed by twice as much each time, up to a longest time (R5)', () => {
    let guesses: Guesses | undefined
    let nowMs = 0
    const waits: number[] = []
    for (let count = 0; count < 10; count += 1) {
      guesses = miss(RULE, guesses, nowMs)
      const leftMs = shutMs(RULE, guesses, nowMs)
      waits.push(leftMs)
      nowMs += leftMs
    }
    assert.deepEqual(waits, [0, 0, 0, 100, 200, 400, 800, 1_600, 1_600, 1_600])
  })

  it('are judged no more often than they are forgiven, whenever they come (R5)', () => {
    fc.assert(
      fc.property(gaps, (steps) => {
        const moments = momentsOf(steps)
        const [first = 0] = moments
        const lastedMs = (moments.at(-1) ?? first) - first
        // Each miss that is judged was free, was forgiven, or shuts; it takes four doublings to the longest time, which
        // begin again when all is forgiven.
        const beginnings = 1 + lastedMs / (RULE.free * RULE.forgiveMs)
        const most = RULE.free + lastedMs / RULE.forgiveMs + 5 * beginnings + lastedMs / RULE.longestMs
        assert.ok(judged(RULE, moments).length <= most)
      }),
    )
  })

  it('that keep coming are judged about once in the longest time (R5)', () => {
    const hourMs = 3_600_000
    const moments = Array.from({ length: hourMs / 100 }, (_, index) => index * 100)
    const count = judged(GUESS_RULE, moments).length
    assert.ok(count >= 12 && count <= GUESS_RULE.free + 9 + 12, `${count} in an hour at ten a second`)
  })

  it('that come slowly are never slowed (R5)', () => {
    const moments = Array.from({ length: 500 }, (_, index) => index * RULE.forgiveMs)
    assert.equal(judged(RULE, moments).length, moments.length)
  })

  it('shut nobody out for longer than the longest time, also when the clock is set back (R5)', () => {
    fc.assert(
      fc.property(gaps, fc.integer({ min: -1e9, max: 1e9 }), (steps, jumpMs) => {
        let guesses: Guesses | undefined
        let lastMs = 0
        for (const nowMs of momentsOf(steps)) {
          guesses = miss(RULE, guesses, nowMs)
          lastMs = nowMs
        }
        const leftMs = shutMs(RULE, guesses, lastMs + jumpMs)
        assert.ok(leftMs >= 0 && leftMs <= RULE.longestMs)
      }),
    )
  })

  it('are forgotten after a while, and the times begin again (R5)', () => {
    fc.assert(
      fc.property(gaps, (steps) => {
        let guesses: Guesses | undefined
        let nowMs = 0
        for (const momentMs of momentsOf(steps)) {
          guesses = miss(RULE, guesses, momentMs)
          nowMs = momentMs
        }
        if (guesses === undefined) return
        nowMs += RULE.longestMs + RULE.free * RULE.forgiveMs
        assert.ok(isForgiven(RULE, guesses, nowMs))
        assert.deepEqual(miss(RULE, guesses, nowMs), miss(RULE, undefined, nowMs))
      }),
    )
  })
})
