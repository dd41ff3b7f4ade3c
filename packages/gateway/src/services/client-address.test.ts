import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { clientAddress } from './client-address.ts'

const PROXIES = ['127.0.0.1', '10.0.0.0/8', 'fd00::/8']

describe('the address of a client', () => {
  const cases: readonly [
    peer: string,
    forwarded: string | undefined,
    client: string | undefined,
    why: string,
  ][] = [
    ['203.0.113.9', undefined, '203.0.113.9', 'no header'],
    ['203.0.113.9', '192.168.1.1', '203.0.113.9', 'a stranger’s header is its own invention'],
    ['::ffff:203.0.113.9', '192.168.1.1', '203.0.113.9', 'IPv4 inside IPv6'],
    ['127.0.0.1', undefined, '127.0.0.1', 'the proxy itself'],
    ['127.0.0.1', '203.0.113.9', '203.0.113.9', 'one proxy'],
    ['::ffff:127.0.0.1', '203.0.113.9', '203.0.113.9', 'the proxy as IPv4 inside IPv6'],
    ['127.0.0.1', '203.0.113.9, 10.1.2.3', '203.0.113.9', 'two proxies'],
    ['127.0.0.1', '192.168.1.1, 203.0.113.9', '203.0.113.9', 'a forged address before the real one'],
    ['127.0.0.1', '10.0.0.1, 203.0.113.9', '203.0.113.9', 'a forged proxy before the real client'],
    ['127.0.0.1', '192.168.1.1, 203.0.113.9, 10.1.2.3', '203.0.113.9', 'forged, behind two proxies'],
    ['127.0.0.1', '10.7.7.7, 10.1.2.3', '10.7.7.7', 'from inside the proxies’ own network'],
    ['127.0.0.1', ' , ,', '127.0.0.1', 'nothing in it'],
    ['127.0.0.1', '203.0.113.9:4711', '203.0.113.9', 'with a port'],
    ['fd00::1', '[2001:db8::5]:4711', '2001:db8::5', 'IPv6 with a port'],
    ['fd00::1', '2001:DB8:0::5', '2001:db8::5', 'IPv6 written otherwise'],
    ['127.0.0.1', '203.0.113.9, unknown', undefined, 'no address where the client should be'],
    ['127.0.0.1', '203.0.113.9, 1.2.3.4/0', undefined, 'a block is no address'],
  ]

  it('is believed from named proxies only, and read from the right (K9)', () => {
    for (const [peer, forwarded, client, why] of cases)
      assert.equal(clientAddress(requestFrom(peer, forwarded), PROXIES), client, why)
  })

  it('is the other end of the connection where no proxy is named (K9)', () => {
    assert.equal(clientAddress(requestFrom('127.0.0.1', '203.0.113.9'), []), '127.0.0.1')
  })
})

function requestFrom(peer: string, forwarded: string | undefined): IncomingMessage {
  const socket = new Socket()
  Object.defineProperty(socket, 'remoteAddress', { value: peer })
  const request = new IncomingMessage(socket)
  if (forwarded !== undefined) request.headers['x-forwarded-for'] = forwarded
  return request
}
