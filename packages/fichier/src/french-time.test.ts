import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError, HOUR_MS, SECOND_MS } from '@guichet/core'
import fc from 'fast-check'
import { frenchTime, parseFrenchTime } from './french-time.ts'

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

  it('reads the hour that autumn repeats as its first pass', () => {
    assert.equal(parseFrenchTime('2021-10-31 02:30:00'), Date.parse('2021-10-31T00:30:00Z'))
    assert.equal(frenchTime(Date.parse('2021-10-31T01:30:00Z')), '2021-10-31 02:30:00')
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
        assert.equal(back, ms - HOUR_MS)
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
