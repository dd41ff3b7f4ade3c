import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inParallel } from './parallel.ts'

describe('work in parallel', () => {
  it('does everything, so many at a time and no more', async () => {
    const done: number[] = []
    let running = 0
    let most = 0
    await inParallel([1, 2, 3, 4, 5], 2, async (item) => {
      running += 1
      most = Math.max(most, running)
      await Promise.resolve()
      running -= 1
      done.push(item)
    })
    assert.deepEqual(done.sort(), [1, 2, 3, 4, 5])
    assert.equal(most, 2)
  })

  it('takes nothing new after a failure, and waits for what is under way', async () => {
    const begun: number[] = []
    const slow = Promise.withResolvers<void>()
    const work = inParallel([1, 2, 3, 4], 2, async (item) => {
      begun.push(item)
      if (item === 1) throw new Error('no')
      await slow.promise
    })
    slow.resolve()
    await assert.rejects(work, /no/)
    assert.deepEqual(begun, [1, 2])
  })
})
