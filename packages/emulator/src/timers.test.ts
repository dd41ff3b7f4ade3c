import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { manualTimers, systemTimers } from './timers.ts'

describe('timers', () => {
  it('wake a sleeper when the time has come, and not before', async () => {
    const timers = manualTimers(1_000)
    let isAwake = false
    const sleep = timers.wait(500, new AbortController().signal).then(() => {
      isAwake = true
    })
    timers.advance(499)
    await Promise.resolve()
    assert.equal(isAwake, false)
    timers.advance(1)
    await sleep
    assert.equal(timers.nowMs(), 1_500)
    assert.equal(timers.waiting(), 0)
  })

  for (const [name, timers] of [
    ['manual', manualTimers(0)],
    ['system', systemTimers()],
  ] as const) {
    it(`call a ${name} wait off with the reason of the signal`, async () => {
      const controller = new AbortController()
      const sleep = timers.wait(60_000, controller.signal)
      controller.abort(new Error('enough'))
      await assert.rejects(sleep, /enough/)
      await assert.rejects(timers.wait(1, controller.signal), /enough/)
    })
  }
})
