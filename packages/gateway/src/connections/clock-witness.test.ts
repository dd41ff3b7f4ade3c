import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError, HOUR_MS, type HttpResponse, MINUTE_MS } from '@guichet/core'
import { FakeClock } from '@guichet/testkit'
import { openDatabase, SqliteFactStore } from '../stores/sqlite/index.ts'
import { witnessClock } from './clock-witness.ts'

const START_MS = Date.UTC(2026, 5, 1)

describe('the witness of the clock', () => {
  it('notes how far 1fichier is ahead, from answers to calls that were made anyway (U6)', async () => {
    await using test = world()
    assert.equal(await test.noted(), undefined)
    test.aheadMs = 10 * MINUTE_MS
    await test.ask()
    assert.deepEqual(await test.noted(), { value: { offsetMs: 10 * MINUTE_MS }, atMs: START_MS })
    assert.equal(test.asked, 1)
  })

  it('writes again when the difference has changed or an hour has passed, and not for the noise of a second', async () => {
    await using test = world()
    await test.ask()
    test.aheadMs = 1_000
    await test.ask()
    assert.deepEqual((await test.noted())?.value, { offsetMs: 0 })
    test.aheadMs = 6_000
    await test.ask()
    assert.deepEqual((await test.noted())?.value, { offsetMs: 6_000 })
    await test.clock.advance(HOUR_MS + 1)
    await test.ask()
    assert.equal((await test.noted())?.atMs, START_MS + HOUR_MS + 1)
  })

  it('says nothing without a date, and passes on what cannot be noted', async () => {
    await using test = world()
    test.headers = () => ({})
    await test.ask()
    test.headers = () => ({ date: 'yesterday' })
    await test.ask()
    assert.equal(await test.noted(), undefined)
    const full = witnessClock(test.exchange, {
      clock: test.clock,
      facts: { get: async () => undefined, put: () => Promise.reject(new GatewayError('disk-full', 'full')) },
    })
    test.headers = () => dated(START_MS)
    assert.equal((await full(REQUEST)).status, 200)
  })
})

const REQUEST = {
  method: 'POST',
  url: new URL('https://api.1fichier.com/v1/folder/ls.cgi'),
  headers: {},
} as const

function world() {
  const db = openDatabase({ path: ':memory:' })
  const facts = new SqliteFactStore(db)
  const clock = new FakeClock(START_MS)
  const test = {
    clock,
    asked: 0,
    aheadMs: 0,
    headers: (): Record<string, string> => dated(clock.nowMs() + test.aheadMs),
    exchange,
    ask: async (): Promise<void> => void (await witnessed(REQUEST)),
    noted: () => facts.get('clock'),
    [Symbol.asyncDispose]: () => db[Symbol.asyncDispose](),
  }
  async function exchange(): Promise<HttpResponse> {
    test.asked += 1
    return { status: 200, headers: test.headers(), body: (async function* () {})() }
  }
  const witnessed = witnessClock(exchange, { facts, clock })
  return test
}

function dated(ms: number): Record<string, string> {
  return { date: new Date(ms).toUTCString() }
}
