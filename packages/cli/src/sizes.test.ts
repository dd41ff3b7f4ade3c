import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseSizeTest, passesSize, sizeText } from './sizes.ts'

describe('sizes', () => {
  it('are written for people in units of 1024', () => {
    const cases: readonly [number, string][] = [
      [0, '0 B'],
      [1, '1 B'],
      [1023, '1023 B'],
      [1024, '1.0 KiB'],
      [1024 * 1024 - 1, '1.0 MiB'],
      [1_288_490_189, '1.2 GiB'],
      [300e9, '279.4 GiB'],
      [2 ** 60, '1024.0 PiB'],
    ]
    for (const [bytes, text] of cases) assert.equal(sizeText(bytes), text)
  })

  it('never need more than 10 characters below a thousand petabytes', () => {
    fc.assert(fc.property(fc.maxSafeNat(), (bytes) => sizeText(bytes).length <= 10))
  })

  it('are asked for as more, less or exactly so many', () => {
    assert.deepEqual(parseSizeTest('+1G'), { sign: '+', bytes: 2 ** 30 })
    assert.deepEqual(parseSizeTest('-1.5k'), { sign: '-', bytes: 1536 })
    assert.deepEqual(parseSizeTest('12MiB'), { sign: '=', bytes: 12 * 2 ** 20 })
    assert.equal(passesSize(parseSizeTest('+10'), 10), false)
    assert.equal(passesSize(parseSizeTest('-10'), 9), true)
    assert.equal(passesSize(parseSizeTest('10'), 10), true)
  })

  it('that are none are refused with an example', () => {
    for (const text of ['', 'G', '1X', '++1', '1 2', '-', '0x10']) {
      assert.throws(() => parseSizeTest(text), { code: 'invalid' }, text)
    }
  })
})
