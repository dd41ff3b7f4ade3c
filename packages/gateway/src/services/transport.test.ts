import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { describe, it } from 'node:test'
import { parseCredentials } from './principals.ts'
import { refuseOverheard, transportOf } from './transport.ts'

function from(remoteAddress: string | undefined, headers: Record<string, string> = {}): IncomingMessage {
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage
}

describe('a request without TLS', () => {
  it('is in clear unless it comes from this machine, or by https to a named proxy (R5)', () => {
    const https = { 'x-forwarded-proto': 'https' }
    for (const [request, transport] of [
      [from('127.0.0.1'), 'machine'],
      [from('127.9.9.9'), 'machine'],
      [from('::1'), 'machine'],
      [from('::ffff:127.0.0.1'), 'machine'],
      [from('127.0.0.1', https), 'machine'],
      [from('192.0.2.1'), 'clear'],
      [from('192.0.2.1', https), 'clear'],
      [from('10.0.0.9'), 'clear'],
      [from('10.0.0.9', https), 'tls'],
      [from('10.0.0.9', { 'x-forwarded-proto': 'http' }), 'clear'],
      [from('10.0.0.9', { 'x-forwarded-proto': 'https, http' }), 'clear'],
      [from('2001:db8::1'), 'clear'],
      [from(undefined), 'clear'],
    ] as const)
      assert.equal(transportOf(request, ['10.0.0.9']), transport, request.socket.remoteAddress)
  })

  it('does not carry a key as Basic in clear, and says what to do (R5)', () => {
    const basic = parseCredentials(`Basic ${Buffer.from('any:key').toString('base64')}`)
    assert.throws(() => refuseOverheard(basic, 'clear'), { code: 'forbidden', hint: /--tls-cert/ })
    refuseOverheard(basic, 'machine')
    refuseOverheard(basic, 'tls')
    refuseOverheard(parseCredentials('Bearer key'), 'clear')
    refuseOverheard(undefined, 'clear')
  })
})
