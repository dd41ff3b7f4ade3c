import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { SyntheticWitness, syntheticBytes, syntheticRange } from './synthetic.ts'

describe('synthetic content', () => {
  it('has the same bytes at a place, whichever range they are read in', () => {
    const whole = syntheticBytes('seed', 0, 5_000)
    const ranges = fc.tuple(fc.nat(4_000), fc.nat(1_000))
    fc.assert(
      fc.property(ranges, ([start, length]) => {
        const range = Buffer.concat([...syntheticRange('seed', start, start + length)])
        assert.deepEqual(range, whole.subarray(start, start + length))
      }),
    )
  })

  it('is read anywhere in 300 GB at the price of the range', () => {
    const offset = 299_999_999_990
    const bytes = syntheticBytes('seed', offset, 10)
    assert.equal(bytes.length, 10)
    assert.deepEqual(bytes, syntheticBytes('seed', offset - 7, 17).subarray(7))
  })

  it('comes in pieces that join without a seam', () => {
    const pieces = [...syntheticRange('seed', 3, 700_003)]
    assert.ok(pieces.length > 1)
    assert.deepEqual(Buffer.concat(pieces), syntheticBytes('seed', 3, 700_000))
  })

  it('differs from seed to seed', () => {
    assert.notDeepEqual(syntheticBytes('one', 0, 16), syntheticBytes('two', 0, 16))
  })

  it('is recognised in any cut, and not after one wrong byte', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(cuts, fc.boolean(), (lengths, isSpoiled) => {
        const total = lengths.reduce((sum, length) => sum + length, 0)
        const bytes = syntheticBytes('two', 0, total)
        if (isSpoiled) bytes.writeUInt8(bytes.readUInt8(total - 1) ^ 1, total - 1)
        const witness = new SyntheticWitness(['one', 'two'])
        let offset = 0
        for (const length of lengths) {
          witness.watch(bytes.subarray(offset, offset + length))
          offset += length
        }
        const fitsOne = !isSpoiled || bytes.equals(syntheticBytes('one', 0, total))
        assert.equal(witness.seed() !== undefined, fitsOne)
      }),
    )
  })
})
