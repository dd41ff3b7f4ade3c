import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseRange } from './ranges.ts'

describe('a Range header', () => {
  it('asks for a closed, an open and a last part', () => {
    assert.deepEqual(parseRange('bytes=2-4', 10), { kind: 'part', start: 2, end: 5 })
    assert.deepEqual(parseRange('bytes=2-', 10), { kind: 'part', start: 2, end: 10 })
    assert.deepEqual(parseRange('bytes=-3', 10), { kind: 'part', start: 7, end: 10 })
    assert.deepEqual(parseRange('bytes=-30', 10), { kind: 'part', start: 0, end: 10 })
    assert.deepEqual(parseRange('bytes=2-400', 10), { kind: 'part', start: 2, end: 10 })
  })

  it('cannot be met behind the end', () => {
    assert.deepEqual(parseRange('bytes=10-', 10), { kind: 'unsatisfiable' })
    assert.deepEqual(parseRange('bytes=-0', 10), { kind: 'unsatisfiable' })
  })

  it('counts as absent when it is none, turned round, or several', () => {
    for (const header of [undefined, 'bytes=-', 'lines=1-2', 'bytes=4-2', 'bytes=0-1,4-5']) {
      assert.deepEqual(parseRange(header, 10), { kind: 'whole' }, header)
    }
  })
})
