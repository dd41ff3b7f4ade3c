import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { matchesGlob } from './glob.ts'

describe('patterns of names', () => {
  it('know anything, one character and sets', () => {
    const cases: readonly [string, string, boolean][] = [
      ['*.mkv', 'film.mkv', true],
      ['*.mkv', 'film.mkv.part', false],
      ['f?lm', 'film', true],
      ['f?lm', 'fllm', true],
      ['[a-c]1', 'b1', true],
      ['[!a-c]1', 'b1', false],
      ['[]x', '[]x', true],
      ['[abc', '[abc', true],
      ['a.b', 'axb', false],
      ['', '', true],
      ['*', '', true],
      ['?', '\u{1F600}', true],
      ['**a**', 'bab', true],
    ]
    for (const [pattern, name, is] of cases)
      assert.equal(matchesGlob(pattern, name), is, `${pattern} ${name}`)
  })

  it('mean what the regular expression of the same shape means', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 })
    const names = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 })
    fc.assert(
      fc.property(letters, names, (pattern, name) => {
        const expression = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`)
        assert.equal(matchesGlob(pattern, name), expression.test(name))
      }),
      { numRuns: 2_000 },
    )
  })

  it('are quick for patterns that make others slow', () => {
    assert.equal(matchesGlob('*a'.repeat(200), 'b'.repeat(5_000)), false)
  })
})
