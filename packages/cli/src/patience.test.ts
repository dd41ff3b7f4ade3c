import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Clock, GatewayError } from '@guichet/core'
import { withPatience } from './patience.ts'

/** Time that passes as soon as somebody waits for it. */
function hurriedClock(): Clock & { readonly waits: number[] } {
  const waits: number[] = []
  return {
    waits,
    nowMs: () => 0,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted()
      waits.push(ms)
    },
  }
}

function failing(times: number, error: GatewayError): () => Promise<string> {
  let left = times
  return async () => {
    left -= 1
    if (left >= 0) throw error
    return 'done'
  }
}

const BUSY = new GatewayError('unavailable', 'busy')

describe('patience', () => {
  it('tries again after 1, 2, 4 seconds', async () => {
    const clock = hurriedClock()
    const { signal } = new AbortController()
    assert.equal(await withPatience({ clock, signal, attemptsMax: 5 }, failing(3, BUSY)), 'done')
    assert.deepEqual(clock.waits, [1_000, 2_000, 4_000])
  })

  it('waits as long as it is told', async () => {
    const clock = hurriedClock()
    const { signal } = new AbortController()
    const paced = new GatewayError('paced', 'later', { retryAfterMs: 7_000 })
    await withPatience({ clock, signal, attemptsMax: 2 }, failing(1, paced))
    assert.deepEqual(clock.waits, [7_000])
  })

  it('ends after its attempts, for a long lock, and at once for what never gets better', async () => {
    const clock = hurriedClock()
    const { signal } = new AbortController()
    const patience = { clock, signal, attemptsMax: 3 }
    const locked = new GatewayError('locked', 'locked', { retryAfterMs: 3_600_000 })
    await assert.rejects(withPatience(patience, failing(1, locked)), { code: 'locked' })
    await assert.rejects(withPatience(patience, failing(1, new GatewayError('forbidden', 'no'))), {
      code: 'forbidden',
    })
    assert.deepEqual(clock.waits, [])
    await assert.rejects(withPatience(patience, failing(3, BUSY)), { code: 'unavailable' })
    assert.equal(clock.waits.length, 2)
  })

  it('does not outlast a signal', async () => {
    const stopped = AbortSignal.abort()
    const patience = { clock: hurriedClock(), signal: stopped, attemptsMax: 3 }
    await assert.rejects(withPatience(patience, failing(1, BUSY)), { code: 'unavailable' })
  })
})
