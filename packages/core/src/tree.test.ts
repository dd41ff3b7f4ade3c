import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { OWN_WRITE_GRACE_MS, ownWriteWins, reconcile } from './tree.ts'

const ASKED_MS = Date.UTC(2026, 0, 1)
const YOUNG_MS = ASKED_MS - OWN_WRITE_GRACE_MS + 1
const OLD_MS = ASKED_MS - OWN_WRITE_GRACE_MS
const NONE: ReadonlyMap<string, number> = new Map()

describe('reconcile', () => {
  it('takes a listing as it is where we wrote nothing', () => {
    const known = [
      { id: 'gone', ownMs: undefined },
      { id: 'kept', ownMs: undefined },
    ]
    assert.deepEqual(reconcile(['kept', 'new'], known, NONE, NONE, ASKED_MS), {
      take: ['kept', 'new'],
      drop: ['gone'],
    })
  })

  it('leaves a young own write as it is, shown or not', () => {
    const known = [
      { id: 'written', ownMs: YOUNG_MS },
      { id: 'added', ownMs: ASKED_MS + 5 },
    ]
    assert.deepEqual(reconcile(['written'], known, NONE, NONE, ASKED_MS), { take: [], drop: [] })
  })

  it('takes nothing that we have just removed or moved elsewhere', () => {
    const removed = new Map([['removed', YOUNG_MS]])
    const elsewhere = new Map([
      ['moved', YOUNG_MS],
      ['met elsewhere', undefined],
    ])
    assert.deepEqual(reconcile(['removed', 'moved', 'met elsewhere'], [], removed, elsewhere, ASKED_MS), {
      take: ['met elsewhere'],
      drop: [],
    })
  })

  it('believes the listing once our write is old', () => {
    const known = [
      { id: 'lost', ownMs: OLD_MS },
      { id: 'changed', ownMs: OLD_MS },
    ]
    const removed = new Map([['back', OLD_MS]])
    assert.deepEqual(reconcile(['changed', 'back'], known, removed, NONE, ASKED_MS), {
      take: ['changed', 'back'],
      drop: ['lost'],
    })
    assert.equal(ownWriteWins(undefined, ASKED_MS), false)
  })

  it('never takes and drops the same, and never touches what is ours (R9)', () => {
    const id = fc.constantFrom<string>('a', 'b', 'c', 'd')
    const ownMs = fc.option(fc.constantFrom(OLD_MS, YOUNG_MS), { nil: undefined })
    const known = fc.uniqueArray(fc.record({ id, ownMs }), { selector: (entry) => entry.id })
    fc.assert(
      fc.property(fc.uniqueArray(id), known, (listed, held) => {
        const { take, drop } = reconcile(listed, held, NONE, NONE, ASKED_MS)
        const ours = held.filter((entry) => entry.ownMs === YOUNG_MS).map((entry) => entry.id)
        assert.ok(take.every((one) => listed.includes(one) && !ours.includes(one) && !drop.includes(one)))
        assert.ok(drop.every((one) => !listed.includes(one) && !ours.includes(one)))
      }),
    )
  })
})
