import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { durationText, parseDuration, parseMoment, spanUpTo } from './times.ts'

describe('durations', () => {
  it('are read in days, hours, minutes and mixes of them', () => {
    const cases: readonly [string, number][] = [
      ['0', 0],
      ['30d', 30 * 86_400_000],
      ['12h', 12 * 3_600_000],
      ['90m', 90 * 60_000],
      ['1d12h', 36 * 3_600_000],
      ['2w', 14 * 86_400_000],
    ]
    for (const [text, ms] of cases) assert.equal(parseDuration(text), ms)
  })

  it('that are none are refused', () => {
    for (const text of ['', '30', 'd', '-1d', '1.5h', '30 d', '0d', '99999d', '1y', '1d ']) {
      assert.throws(() => parseDuration(text), { code: 'invalid' }, text)
    }
  })

  it('that must have an end are refused without one, and beyond the longest, in the words of durations', () => {
    const parse = spanUpTo(30 * 86_400_000)
    assert.equal(parse('30d'), 30 * 86_400_000)
    assert.throws(() => parse('0'), { code: 'invalid', message: '"0" is no time at all', hint: /up to 30d$/ })
    assert.throws(() => parse('31d'), { code: 'invalid', message: '"31d" is too long', hint: /up to 30d$/ })
  })

  it('are written with two units at the most', () => {
    assert.equal(durationText(0), '0s')
    assert.equal(durationText(999), '1s')
    assert.equal(durationText(250_000), '4m 10s')
    assert.equal(durationText(2 * 86_400_000 + 3 * 3_600_000 + 5_000), '2d 3h')
    assert.equal(durationText(86_400_000 + 5_000), '1d')
    assert.equal(durationText(-5), '0s')
  })

  it('are read back as they were written, to the unit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_440 }), (minutes) => {
        assert.equal(parseDuration(durationText(minutes * 60_000).replace(' ', '')), minutes * 60_000)
      }),
    )
  })
})

describe('moments', () => {
  const nowMs = Date.UTC(2026, 5, 1)

  it('are days and times of this machine, of another zone, or durations from now', () => {
    assert.equal(parseMoment('2h', nowMs), nowMs + 2 * 3_600_000)
    assert.equal(parseMoment('2026-12-24', nowMs), new Date(2026, 11, 24).getTime())
    assert.equal(parseMoment('2026-12-24T18:00', nowMs), new Date(2026, 11, 24, 18).getTime())
    assert.equal(parseMoment('2026-12-24 18:00', nowMs), new Date(2026, 11, 24, 18).getTime())
    assert.equal(parseMoment('2026-12-24T18:00:30Z', nowMs), Date.UTC(2026, 11, 24, 18, 0, 30))
    assert.equal(parseMoment('2026-12-24T18:00+02:00', nowMs), Date.UTC(2026, 11, 24, 16))
  })

  it('that are none are refused', () => {
    for (const text of ['', 'soon', '2026', '24.12.2026', '2026-13-01', '2026-12-24T', '18:00', '-2h', '1e3'])
      assert.throws(() => parseMoment(text, nowMs), { code: 'invalid' }, text)
  })
})
