import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { frenchTime, parseFrenchTime } from './french-time.ts'

const instants = fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2040, 0, 1) })

describe('French local time', () => {
  it('is two hours ahead of UTC in summer, as an exchange of 2021 shows', () => {
    assert.equal(frenchTime(Date.UTC(2021, 5, 22, 12, 57, 25)), '2021-06-22 14:57:25')
    assert.equal(frenchTime(Date.UTC(2021, 11, 22, 12, 57, 25)), '2021-12-22 13:57:25')
  })

  it('agrees with the time zone database', () => {
    const paris = new Intl.DateTimeFormat('sv-SE', {
      timeZone: 'Europe/Paris',
      dateStyle: 'short',
      timeStyle: 'medium',
    })
    fc.assert(fc.property(instants, (ms) => assert.equal(frenchTime(ms), paris.format(ms))))
  })

  it('is read back to the second, but for the hour that autumn repeats', () => {
    fc.assert(
      fc.property(instants, (ms) => {
        const text = frenchTime(ms)
        assert.equal(frenchTime(parseFrenchTime(text) ?? 0), text)
      }),
    )
  })

  it('is not read from anything else', () => {
    for (const text of ['', 'now', '2021-06-22', '2021-06-22T14:57:25', '2021-13-22 14:57:25']) {
      assert.equal(parseFrenchTime(text), undefined, text)
    }
  })
})
