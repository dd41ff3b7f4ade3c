import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError } from '@guichet/core'
import { FakeClock } from '@guichet/testkit'
import { singleFlight } from './single-flight.ts'

describe('single flight', () => {
  it('makes one call of a thousand identical questions (T6)', async () => {
    const clock = new FakeClock()
    const flights = singleFlight<number>()
    let calls = 0
    const run = async (): Promise<number> => {
      calls += 1
      await clock.sleep(1_000)
      return calls
    }
    const answers = Array.from({ length: 1_000 }, () => flights('listing', undefined, run))
    assert.deepEqual(new Set(await clock.until(Promise.all(answers))), new Set([1]))
    assert.equal(calls, 1)
  })

  it('asks anew once the answer is there, and for another question', async () => {
    const flights = singleFlight<string>()
    const asked: string[] = []
    const ask = (key: string): Promise<string> =>
      flights(key, undefined, async () => {
        asked.push(key)
        return key
      })
    await Promise.all([ask('a'), ask('b'), ask('a')])
    await ask('a')
    assert.deepEqual(asked, ['a', 'b', 'a'])
  })

  it('shares a failure that is not the first caller’s own', async () => {
    const flights = singleFlight<string>()
    const down = new GatewayError('upstream-down', 'no answer')
    let calls = 0
    const run = async (): Promise<string> => {
      calls += 1
      throw down
    }
    const results = await Promise.allSettled([1, 2, 3].map(() => flights('x', undefined, run)))
    assert.deepEqual(
      results.map((result) => result.status === 'rejected' && result.reason),
      [down, down, down],
    )
    assert.equal(calls, 1)
  })

  it('lets one leave, the first one too, and goes on for the others', async () => {
    const clock = new FakeClock()
    const flights = singleFlight<string>()
    const leaving = new AbortController()
    const run = async (signal: AbortSignal): Promise<string> => {
      await clock.sleep(1_000, signal)
      return 'answer'
    }
    const first = flights('x', leaving.signal, run)
    const second = flights('x', undefined, run)
    leaving.abort()
    await assert.rejects(first, { code: 'cancelled' })
    assert.equal(await clock.until(second), 'answer')
  })

  it('aborts the call only when all have left', async () => {
    const clock = new FakeClock()
    const flights = singleFlight<string>()
    const leaving = [new AbortController(), new AbortController()]
    let isAborted = false
    const run = async (signal: AbortSignal): Promise<string> => {
      signal.addEventListener('abort', () => {
        isAborted = true
      })
      await clock.sleep(1_000, signal)
      return 'answer'
    }
    const answers = leaving.map(({ signal }) => flights('x', signal, run))
    leaving[0]?.abort()
    assert.equal(isAborted, false)
    leaving[1]?.abort()
    assert.equal(isAborted, true)
    for (const answer of answers) await assert.rejects(answer, { code: 'cancelled' })
    assert.equal(await clock.until(flights('x', undefined, run)), 'answer')
  })

  it('hands over when the first caller was cancelled or had no patience', async () => {
    for (const code of ['cancelled', 'paced', 'locked'] as const) {
      const flights = singleFlight<string>()
      const own = new GatewayError(code, 'for the first one only')
      const first = flights('x', undefined, () => Promise.reject(own))
      const second = flights('x', undefined, async () => 'asked by the second')
      const third = flights('x', undefined, () => assert.fail('nobody asks a third time'))
      await assert.rejects(first, own)
      assert.equal(await second, 'asked by the second')
      assert.equal(await third, 'asked by the second')
    }
  })

  it('does not begin for a caller who has gone already', async () => {
    const flights = singleFlight<string>()
    const run = (): never => assert.fail('nobody asks')
    await assert.rejects(flights('x', AbortSignal.abort(), run), { code: 'cancelled' })
  })

  it('takes a call that throws at once for one that rejects', async () => {
    const flights = singleFlight<string>()
    const bug = new TypeError('a bug')
    const run = (): never => {
      throw bug
    }
    await assert.rejects(flights('x', undefined, run), bug)
    assert.equal(await flights('x', undefined, async () => 'later'), 'later')
  })
})
