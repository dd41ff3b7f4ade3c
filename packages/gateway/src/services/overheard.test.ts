import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { describe, it } from 'node:test'
import { mayBeOverheard, refuseOverheard } from './overheard.ts'
import { parseCredentials } from './principals.ts'

function from(remoteAddress: string | undefined, headers: Record<string, string> = {}): IncomingMessage {
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage
}

describe('a request without TLS', () => {
  it('may be overheard unless it comes from this machine, or by https to a named proxy (R5)', () => {
    const https = { 'x-forwarded-proto': 'https' }
    for (const [request, isOverheard] of [
      [from('127.0.0.1'), false],
      [from('127.9.9.9'), false],
      [from('::1'), false],
      [from('::ffff:127.0.0.1'), false],
      [from('192.0.2.1'), true],
      [from('192.0.2.1', https), true],
      [from('10.0.0.9'), true],
      [from('10.0.0.9', https), false],
      [from('10.0.0.9', { 'x-forwarded-proto': 'http' }), true],
      [from('10.0.0.9', { 'x-forwarded-proto': 'https, http' }), true],
      [from('2001:db8::1'), true],
      [from(undefined), true],
    ] as const)
      assert.equal(mayBeOverheard(request, ['10.0.0.9']), isOverheard, request.socket.remoteAddress)
  })

  it('does not carry a key as Basic then, and says what to do (R5)', () => {
    const basic = parseCredentials(`Basic ${Buffer.from('any:key').toString('base64')}`)
    assert.throws(() => refuseOverheard(basic, true), { code: 'forbidden', hint: /--tls-cert/ })
    refuseOverheard(basic, false)
    refuseOverheard(parseCredentials('Bearer key'), true)
    refuseOverheard(undefined, true)
  })
})
