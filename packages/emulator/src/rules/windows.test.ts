import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { admit, stricter, tolerant } from './windows.ts'

const limits = fc.record({
  count: fc.integer({ min: 1, max: 6 }),
  windowMs: fc.integer({ min: 1, max: 500 }),
})
const gaps = fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 60 })

describe('a sliding window', () => {
  it('is broken exactly when one call too many shares a stretch with the calls before it', () => {
    fc.assert(
      fc.property(limits, gaps, (limit, pauses) => {
        const calls: number[] = []
        let history: readonly number[] = []
        let nowMs = 0
        for (const pause of pauses) {
          nowMs += pause
          const shared = calls.filter((earlierMs) => nowMs - earlierMs < limit.windowMs).length
          const admission = admit(limit, history, nowMs)
          assert.equal(admission.broken, shared >= limit.count)
          assert.ok(admission.history.length <= limit.count)
          calls.push(nowMs)
          history = admission.history
        }
      }),
    )
  })

  it('lets two calls be exactly one stretch apart', () => {
    const limit = { count: 1, windowMs: 30_000 }
    assert.equal(admit(limit, [0], 29_999).broken, true)
    assert.equal(admit(limit, [0], 30_000).broken, false)
  })

  it('is shortened by a tolerance and never negative', () => {
    assert.equal(tolerant({ count: 1, windowMs: 100 }, 30).windowMs, 70)
    assert.equal(tolerant({ count: 1, windowMs: 100 }, 300).windowMs, 0)
  })

  it('allows exactly 1/strictness of the calls when it is made stricter', () => {
    fc.assert(
      fc.property(limits, fc.integer({ min: 1, max: 8 }), (limit, strictness) => {
        const strict = stricter(limit, strictness)
        assert.ok(strict.count >= 1)
        const ratio = limit.count / limit.windowMs / (strict.count / strict.windowMs)
        assert.ok(Math.abs(ratio - strictness) < 1e-9)
      }),
    )
  })
})
