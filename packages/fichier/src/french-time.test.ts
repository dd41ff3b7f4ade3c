import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError, HOUR_MS, SECOND_MS } from '@guichet/core'
import fc from 'fast-check'
import { frenchCeiling, frenchFloor, frenchTime, parseFrenchTime } from './french-time.ts'

describe('French time', () => {
  it('is two hours ahead of UTC in summer and one in winter', () => {
    // rclone#5421: listed so in an answer whose Date was 12:58:17 GMT.
    assert.equal(parseFrenchTime('2021-06-22 14:57:25'), Date.parse('2021-06-22T12:57:25Z'))
    assert.equal(parseFrenchTime('2021-01-22 14:57:25'), Date.parse('2021-01-22T13:57:25Z'))
  })

  it('changes in the second that the law says', () => {
    const cases = [
      ['2021-03-28 01:59:59', '2021-03-28T00:59:59Z'],
      ['2021-03-28 03:00:00', '2021-03-28T01:00:00Z'],
      ['2021-10-31 01:59:59', '2021-10-30T23:59:59Z'],
      ['2021-10-31 03:00:00', '2021-10-31T02:00:00Z'],
    ] as const
    for (const [local, utc] of cases) {
      assert.equal(parseFrenchTime(local), Date.parse(utc), local)
      assert.equal(frenchTime(Date.parse(utc)), local)
    }
  })

  it('reads the hour that autumn repeats as its second pass', () => {
    assert.equal(parseFrenchTime('2021-10-31 02:00:00'), Date.parse('2021-10-31T01:00:00Z'))
    assert.equal(parseFrenchTime('2021-10-31 02:59:59'), Date.parse('2021-10-31T01:59:59Z'))
    assert.equal(frenchTime(Date.parse('2021-10-31T00:30:00Z')), '2021-10-31 02:30:00')
    assert.equal(frenchTime(Date.parse('2021-10-31T01:30:00Z')), '2021-10-31 02:30:00')
  })

  it('bounds a window by moments that cannot be mistaken', () => {
    const cases = [
      ['2021-10-31T00:30:00Z', '2021-10-31 01:59:59', '2021-10-31 02:30:00'],
      ['2021-10-31T01:30:00Z', '2021-10-31 02:30:00', '2021-10-31 03:00:00'],
      ['2021-06-22T12:57:25.001Z', '2021-06-22 14:57:25', '2021-06-22 14:57:26'],
      ['2021-03-28T01:00:00Z', '2021-03-28 03:00:00', '2021-03-28 03:00:00'],
    ] as const
    for (const [utc, floor, ceiling] of cases) {
      assert.equal(frenchFloor(Date.parse(utc)), floor, utc)
      assert.equal(frenchCeiling(Date.parse(utc)), ceiling, utc)
    }
  })

  it('leaves nothing out of a window, whether times are compared as texts, as first or as second passes', () => {
    const endMs = Date.parse('2021-10-31T01:00:00Z')
    const nearby = fc.integer({ min: endMs - 3 * HOUR_MS, max: endMs + 3 * HOUR_MS })
    const second = parseFrenchTime
    const first = (text: string): number =>
      text.startsWith('2021-10-31 02') ? (second(text) ?? 0) - HOUR_MS : (second(text) ?? 0)
    fc.assert(
      fc.property(nearby, nearby, (one, other) => {
        const [ms, limitMs] = [Math.floor(one / SECOND_MS) * SECOND_MS, other]
        const [after, before] = [frenchFloor(limitMs), frenchCeiling(limitMs)]
        if (ms >= limitMs) {
          assert.ok(frenchTime(ms) >= after && ms >= first(after) && ms >= (second(after) ?? 0))
        } else assert.ok(frenchTime(ms) <= before && ms <= first(before) && ms <= (second(before) ?? 0))
      }),
    )
  })

  it('reads the hour that spring skips as if winter time went on', () => {
    assert.equal(parseFrenchTime('2021-03-28 02:30:00'), Date.parse('2021-03-28T01:30:00Z'))
  })

  it('comes back the same for every hour from 2019 to 2030 but the repeated one', () => {
    let repeated = 0
    for (let ms = Date.UTC(2019, 0, 1); ms < Date.UTC(2031, 0, 1); ms += HOUR_MS) {
      const back = parseFrenchTime(frenchTime(ms))
      if (back !== ms) {
        repeated += 1
        assert.equal(back, ms + HOUR_MS)
      }
    }
    assert.equal(repeated, 12, 'one hour a year')
  })

  it('agrees with the time zone database of the machine', () => {
    const paris = new Intl.DateTimeFormat('sv-SE', {
      timeZone: 'Europe/Paris',
      dateStyle: 'short',
      timeStyle: 'medium',
    })
    const seconds = fc.integer({ min: Date.UTC(1997, 0) / SECOND_MS, max: Date.UTC(2037, 0) / SECOND_MS })
    fc.assert(
      fc.property(seconds, (second) => {
        const ms = second * SECOND_MS
        assert.equal(frenchTime(ms), paris.format(ms))
      }),
    )
  })

  it('takes what stands for "never" as absent', () => {
    for (const text of [
      '',
      '  ',
      '1970-01-01',
      '1970-01-01 00:00:00',
      '1970-01-01 01:00:00',
      '0000-00-00 00:00:00',
    ]) {
      assert.equal(parseFrenchTime(text), undefined)
    }
  })

  it('refuses moments that do not exist, naming the place', () => {
    const impossible = [
      '2021-02-30 10:00:00',
      '2021-02-29 10:00:00',
      '2021-13-01 10:00:00',
      '2021-00-10 10:00:00',
      '2021-06-22 24:00:00',
      '2021-06-22 14:60:00',
      '2021-06-22 14:57:60',
      '2021-06-22',
      '2021-06-22T14:57:25Z',
      '22/06/2021 14:57',
      '1969-06-22 14:57:25',
      'yesterday',
    ]
    for (const text of impossible) {
      assert.throws(
        () => parseFrenchTime(text, 'file/ls: "date"'),
        (failure) =>
          failure instanceof GatewayError &&
          failure.code === 'upstream-changed' &&
          failure.message.startsWith('file/ls: "date" is'),
        text,
      )
    }
    assert.equal(parseFrenchTime('2024-02-29 10:00:00'), Date.parse('2024-02-29T09:00:00Z'))
  })
})
