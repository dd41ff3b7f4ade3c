import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { it } from 'node:test'
import fc from 'fast-check'
import { isPublicAddress } from './public-address.ts'

const PUBLIC = [
  '1.1.1.1',
  '8.8.8.8',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.0',
  '169.253.255.255',
  '169.255.0.0',
  '172.15.255.255',
  '172.32.0.0',
  '192.167.255.255',
  '192.169.0.0',
  '198.17.255.255',
  '198.20.0.0',
  '223.255.255.255',
  '2001:4860:4860::8888',
  '2606:4700::1111',
  '2a00::',
  '2001:200::1',
  '::ffff:8.8.8.8',
  '::ffff:808:808',
  '64:ff9b::8.8.8.8',
  '2002:808:808::1',
]

const CLOSED = [
  '0.0.0.0',
  '0.255.255.255',
  '10.0.0.0',
  '10.255.255.255',
  '100.64.0.0',
  '100.100.100.200',
  '100.127.255.255',
  '127.0.0.1',
  '127.255.255.255',
  '168.63.129.16',
  '169.254.0.0',
  '169.254.169.254',
  '172.16.0.0',
  '172.31.255.255',
  '192.0.0.192',
  '192.0.2.1',
  '192.88.99.1',
  '192.168.0.0',
  '192.168.255.255',
  '198.18.0.0',
  '198.19.255.255',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '239.255.255.255',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::127.0.0.1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '0:0:0:0:0:ffff:10.0.0.1',
  '::ffff:0:127.0.0.1',
  '64:ff9b::127.0.0.1',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b:1::8.8.8.8',
  '100::1',
  '2001::1',
  '2001:0:8.8.8.8::',
  '2001:2::1',
  '2001:10::1',
  '2001:20::1',
  '2001:db8::1',
  '2002:7f00:1::1',
  '2002:a00:1::',
  '2002:c0a8:101::1',
  '3fff::1',
  '3fff:fff::1',
  '4000::1',
  '5f00::1',
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'fe80::1%eth0',
  '2606:4700::1111%eth0',
  'febf::1',
  'fec0::1',
  'ff02::1',
  'ffff::1',
]

const NO_ADDRESSES = [
  '',
  'localhost',
  '127.1',
  '0x7f.0.0.1',
  '2130706433',
  '0177.0.0.1',
  '1.2.3',
  '1.2.3.4 ',
  ':::',
]

for (const address of PUBLIC) {
  it(`${address} is public (R3)`, () => assert.equal(isPublicAddress(address), true))
}
for (const address of [...CLOSED, ...NO_ADDRESSES]) {
  it(`${JSON.stringify(address)} is not public (R3)`, () => assert.equal(isPublicAddress(address), false))
}

it('an IPv4 address is as public in IPv6 dress as it is without (R3)', () => {
  fc.assert(
    fc.property(fc.ipV4(), (v4) => {
      const hex = v4
        .split('.')
        .map((byte) => Number(byte).toString(16).padStart(2, '0'))
        .join('')
      const groups = `${hex.slice(0, 4)}:${hex.slice(4)}`
      const expected = isPublicAddress(v4)
      assert.equal(isPublicAddress(`::ffff:${v4}`), expected)
      assert.equal(isPublicAddress(`::ffff:${groups}`), expected)
      assert.equal(isPublicAddress(`64:ff9b::${groups}`), expected)
      assert.equal(isPublicAddress(`2002:${groups}::`), expected)
    }),
  )
})

it('what Node takes for no address is not public, and what it takes for one is read as it reads it (R3)', () => {
  const odd = fc.stringMatching(/^[0-9a-f:.%x]{0,40}$/)
  fc.assert(
    fc.property(fc.oneof(fc.ipV6(), fc.ipV4(), fc.ipV4Extended(), odd, fc.string()), (text) => {
      const isPublic = isPublicAddress(text)
      if (isIP(text) === 0) assert.equal(isPublic, false)
      // The canonical spelling of the same address, as the URL parser writes it.
      else if (isIP(text) === 6 && !text.includes('%')) {
        assert.equal(isPublic, isPublicAddress(new URL(`http://[${text}]`).hostname.slice(1, -1)))
      }
    }),
    { numRuns: 2_000 },
  )
})
