import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseApproval } from './approvals.ts'

describe('the threshold of an approval', () => {
  it('is a number of files, a size, or one of each (K14)', () => {
    assert.deepEqual(parseApproval(['100']), { overFiles: 100 })
    assert.deepEqual(parseApproval(['10GB', '0']), { overBytes: 10 * 2 ** 30, overFiles: 0 })
    assert.deepEqual(parseApproval([]), {})
  })

  it('is refused with every problem at once (K14)', () => {
    assert.throws(
      () => parseApproval(['many', '1', '2', '1GB', '2GB']),
      /"many" is neither.*"2" is a second.*"2GB"/,
    )
  })
})
