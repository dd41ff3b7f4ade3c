import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HOUR_MS } from '@guichet/core'
import { parseMoment } from './show.ts'

describe('a time in a question to the ledger', () => {
  const nowMs = Date.UTC(2026, 10, 20, 12)

  it('is how long ago', () => {
    assert.equal(parseMoment('2h', nowMs), nowMs - 2 * HOUR_MS)
    assert.equal(parseMoment('1d12h', nowMs), nowMs - 36 * HOUR_MS)
  })

  it('is a day or a moment, in local time unless it says otherwise', () => {
    assert.equal(parseMoment('2026-11-20', nowMs), new Date(2026, 10, 20).getTime())
    assert.equal(parseMoment('2026-11-20T21:05', nowMs), new Date(2026, 10, 20, 21, 5).getTime())
    assert.equal(parseMoment('2026-11-20T21:05:30Z', nowMs), Date.UTC(2026, 10, 20, 21, 5, 30))
    assert.equal(parseMoment('2026-11-20T21:05+02:00', nowMs), Date.UTC(2026, 10, 20, 19, 5))
  })

  it('is refused when it is neither', () => {
    for (const text of ['', 'yesterday', '2026-13-01', '2026-11-20 21:05', '12', 'h', '0x10'])
      assert.throws(() => parseMoment(text, nowMs), { code: 'invalid' }, text)
  })
})
