import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Exchange, HttpRequest } from '@guichet/core'
import { shutWhileSealed } from './shut-exchange.ts'

const request: HttpRequest = { method: 'GET', url: new URL('https://a-1.1fichier.com/p1'), headers: {} }

/** Answers with a byte, and then with nothing until it is told to stop. */
function stalling(): { exchange: Exchange; calls: () => number } {
  let calls = 0
  return {
    calls: () => calls,
    exchange: async ({ signal }) => {
      calls += 1
      async function* body(): AsyncGenerator<Uint8Array> {
        yield Buffer.from('x')
        await new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason))
        })
      }
      return { status: 200, headers: {}, body: body() }
    },
  }
}

it('lets nothing out while the keyholder is sealed (K2)', async () => {
  const upstream = stalling()
  let isSealed = true
  const way = shutWhileSealed(upstream.exchange, async () => isSealed)
  await assert.rejects(way.exchange(request), { code: 'sealed', facts: { sent: false } })
  assert.equal(upstream.calls(), 0)
  isSealed = false
  assert.equal((await way.exchange(request)).status, 200)
})

it('cuts what is under way, also what has not begun (K2)', async () => {
  const upstream = stalling()
  const asked = Promise.withResolvers<boolean>()
  let asks = 0
  const way = shutWhileSealed(upstream.exchange, async () => (asks++ === 0 ? false : asked.promise))
  const { body } = await way.exchange(request)
  const chunks = body[Symbol.asyncIterator]()
  assert.equal(Buffer.from((await chunks.next()).value).toString(), 'x')
  const reading = chunks.next()
  const beginning = way.exchange(request)
  way.shut()
  asked.resolve(false)
  await assert.rejects(reading, { code: 'sealed', facts: { sent: true } })
  await assert.rejects(beginning, { code: 'sealed', facts: { sent: false } })
  assert.equal(upstream.calls(), 1)
})
