import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import { GatewayError } from '@guichet/core'
import type { Target } from './closed-list.ts'
import { type Resolve, Upstream } from './upstream.ts'

const CALL: Target = { method: 'POST', host: 'api.1fichier.com', path: '/v1/folder/ls.cgi', kind: 'call' }
const KEY = Buffer.from('canary-key-0123456789-abcdef_=ZZ')

/** Sends one call and gives its failure, and how often the name was asked for. */
async function failureFor(...addresses: readonly string[]) {
  let asked = 0
  const resolve: Resolve = (_name, _options, done) => {
    asked += 1
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }
  using upstream = new Upstream({ resolve })
  const { answer, request, sent } = upstream.send(CALL, {}, KEY, new AbortController().signal)
  request.end()
  const failure = await answer.then(
    () => assert.fail('nothing may answer'),
    (reason: unknown) => GatewayError.from(reason),
  )
  return { failure, asked, sent: sent() }
}

describe('the API key (R3)', () => {
  it('is sent nowhere when the name of 1fichier leads into a network of ours (R3)', async () => {
    for (const inner of ['127.0.0.1', '10.0.0.1', '169.254.169.254', '::1', '::ffff:127.0.0.1', 'fd00::1']) {
      const { failure, sent, asked } = await failureFor(inner)
      assert.deepEqual([failure.code, failure.facts, sent, asked], ['forbidden', { sent: false }, false, 1])
      assert.match(failure.message, /which is not a public address/)
    }
  })

  it('is sent nowhere when one address among public ones is not public (R3)', async () => {
    const { failure } = await failureFor('203.0.114.1', '192.168.1.1')
    assert.equal(failure.code, 'forbidden')
  })

  it('is not sent to a server of this machine that the name has been bent to (R3)', async () => {
    let connections = 0
    const server = createServer((socket) => {
      connections += 1
      socket.destroy()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    await failureFor('127.0.0.1')
    assert.equal(connections, 0)
    await new Promise((resolve) => server.close(resolve))
  })
})
