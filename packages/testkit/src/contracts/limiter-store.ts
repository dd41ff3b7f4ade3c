import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BreakerState, LimiterStore } from '@guichet/core'

const OPEN: BreakerState = {
  kind: 'open',
  locks: 2,
  openedMs: 1_000,
  untilMs: 2_000.5,
  reason: 'Flood detected: IP Locked #374',
  scope: 'ip',
}

/** What every `LimiterStore` does. `open` gives an empty one. */
export function limiterStoreContract(name: string, open: () => Promise<LimiterStore>): void {
  describe(`${name} is a LimiterStore`, () => {
    it('knows nothing at first', async () => {
      const { counters, breakers } = await (await open()).load()
      assert.equal(counters.size, 0)
      assert.equal(breakers.size, 0)
    })

    it('gives back the last value of each counter, to a part of a millisecond', async () => {
      const store = await open()
      await store.saveCounters(
        new Map([
          ['general', 10.25],
          ['folder:7', 20],
        ]),
      )
      await store.saveCounters(new Map([['general', 11.5]]))
      await store.saveCounters(new Map())
      assert.deepEqual(
        (await store.load()).counters,
        new Map([
          ['folder:7', 20],
          ['general', 11.5],
        ]),
      )
    })

    it('keeps counters of today through thousands of writes', async () => {
      const store = await open()
      const nowMs = Date.UTC(2026, 0, 1)
      await store.saveCounters(new Map([['all-files', nowMs + 3_600_000]]))
      for (let write = 0; write < 2_500; write += 1)
        await store.saveCounters(new Map([['general', nowMs + write]]))
      assert.equal((await store.load()).counters.get('all-files'), nowMs + 3_600_000)
    })

    it('gives back the last state of each reach', async () => {
      const store = await open()
      await store.saveBreaker('api', OPEN)
      await store.saveBreaker('tokens', { kind: 'stopped', sinceMs: 1, reason: 'Must be a customer' })
      await store.saveBreaker('tokens', { kind: 'closed', locks: 0, sinceMs: 5 })
      assert.deepEqual(
        (await store.load()).breakers,
        new Map([
          ['api', OPEN],
          ['tokens', { kind: 'closed', locks: 0, sinceMs: 5 }],
        ]),
      )
    })
  })
}
