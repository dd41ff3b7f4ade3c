import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { printable, table } from './print.ts'

describe('what is printed', () => {
  it('never steers the terminal, whatever a name holds', () => {
    assert.equal(printable('\u001b[31mred\u001b[0m'), 'red')
    assert.equal(printable('a\u0007b\u0085c'), 'a\ufffdb\ufffdc')
    assert.equal(printable('gpj.\u202eexe'), 'gpj.\ufffdexe')
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must be gone
        assert.doesNotMatch(printable(text), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
      }),
    )
  })

  it('leaves ordinary names as they are', () => {
    assert.equal(printable('Été à la plage — 夏 🏖.jpg'), 'Été à la plage — 夏 🏖.jpg')
  })

  it('has its columns below each other', () => {
    assert.deepEqual(
      table(
        [
          ['a', '1'],
          ['bbb', '22'],
        ],
        [1],
      ),
      ['a     1', 'bbb  22'],
    )
  })
})
