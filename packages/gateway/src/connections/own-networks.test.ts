import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPublicAddress } from '@guichet/core'
import { type Interfaces, isOwnAddress } from './own-networks.ts'

const shared = { netmask: '', mac: '', internal: false }

/** A home with a prefix of its provider's, a server's public address, and a tunnel that takes everything. */
const INTERFACES: Interfaces = {
  lan: [
    { ...shared, address: '192.168.1.5', family: 'IPv4', cidr: '192.168.1.5/24' },
    { ...shared, address: '2a01:e0a:1:2::5', family: 'IPv6', scopeid: 0, cidr: '2a01:e0a:1:2::5/64' },
  ],
  wan: [{ ...shared, address: '51.15.20.30', family: 'IPv4', cidr: '51.15.20.30/32' }],
  tun: [{ ...shared, address: '8.8.4.1', family: 'IPv4', cidr: '8.8.4.1/0' }],
  odd: [{ ...shared, address: '9.9.9.9', family: 'IPv4', cidr: null }],
  none: undefined,
}

describe('an address of this machine and its networks', () => {
  it('is told, also where it is a public one', () => {
    for (const address of [
      '192.168.1.77',
      '2a01:e0a:1:2::5',
      '2a01:e0a:1:2:dead:beef:0:1',
      '51.15.20.30',
      '::ffff:51.15.20.30',
      '::ffff:330f:141e',
    ])
      assert.equal(isOwnAddress(address, INTERFACES), true, address)
    assert.equal(isPublicAddress('2a01:e0a:1:2:dead:beef:0:1'), true)
  })

  it('is told from the others', () => {
    for (const address of ['51.15.20.31', '2a01:e0a:1:3::5', '1.1.1.1', '2606:4700::1111', '9.9.9.9'])
      assert.equal(isOwnAddress(address, INTERFACES), false, address)
    assert.equal(isOwnAddress('127.0.0.1'), true, 'the loopback of the machine that this runs on')
  })
})
