import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createMasker } from './masking.ts'

function masked(texts: readonly string[], chunks: readonly Uint8Array[]): string {
  const masker = createMasker(texts, '#')
  return Buffer.concat([...chunks.map((chunk) => masker.push(chunk)), masker.end()]).toString('latin1')
}

function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  return [0, ...places].map((place, index) => bytes.subarray(place, places[index] ?? bytes.length))
}

describe('masking', () => {
  it('hides a text however its chunks are cut', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 40 })
    const secret = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 3, maxLength: 8 })
    fc.assert(
      fc.property(
        fc.array(letters, { maxLength: 6 }),
        secret,
        fc.array(fc.nat(), { maxLength: 12 }),
        (parts, text, cuts) => {
          const whole = parts.join(text)
          const bytes = Buffer.from(whole, 'latin1')
          assert.equal(masked([text], split(bytes, cuts)), whole.replaceAll(text, '#'))
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('lets nothing of several texts through, and loses nothing else', () => {
    const noise = fc.string({ unit: fc.constantFrom('x', 'y', 'g', 'c'), maxLength: 20 })
    const texts = ['gch_0123456789', 'Z3VpY2hldDpnY2hf']
    const piece = fc.oneof(noise, fc.constantFrom(...texts))
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 10 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (pieces, cuts) => {
          const expected = pieces.map((text) => (texts.includes(text) ? '#' : text)).join('')
          assert.equal(masked(texts, split(Buffer.from(pieces.join(''), 'latin1'), cuts)), expected)
        },
      ),
      { numRuns: 1_000 },
    )
  })

  it('replaces the longer of two texts that begin at one place', () => {
    assert.equal(masked(['abc', 'abcdef'], [Buffer.from('xabc'), Buffer.from('def.abc.')]), 'x#.#.')
  })

  it('passes bytes on that are no text at all', () => {
    const bytes = Buffer.from([0, 255, 128, 10, 13, 254])
    const masker = createMasker(['secret'])
    assert.deepEqual(Buffer.concat([masker.push(bytes), masker.end()]), bytes)
  })

  it('holds nothing back that cannot be the beginning of a text', () => {
    assert.equal(createMasker(['secret']).push(Buffer.from('password: ')).toString(), 'password: ')
  })
})
