import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isIn, plainAddress, requireBlocks } from './addresses.ts'

describe('blocks of addresses', () => {
  const cases: readonly [address: string, blocks: readonly string[], isIn: boolean][] = [
    ['192.168.1.77', ['192.168.1.0/24'], true],
    ['192.168.2.1', ['192.168.1.0/24'], false],
    ['192.168.1.77', ['10.0.0.0/8', '192.168.1.77'], true],
    ['::ffff:192.168.1.77', ['192.168.1.0/24'], true],
    ['::FFFF:c0a8:14d', ['192.168.1.0/24'], true],
    ['192.168.1.77', ['::ffff:192.168.1.0/120'], true],
    ['192.168.2.77', ['::ffff:192.168.1.0/120'], false],
    ['2001:db8::1', ['2001:db8::/32'], true],
    ['2001:DB8:0:0::1', ['2001:db8::1'], true],
    ['2001:db9::1', ['2001:db8::/32'], false],
    ['fe80::1%eth0', ['fe80::/10'], true],
    ['10.0.0.1', ['0.0.0.0/0'], true],
    ['2001:db8::1', ['0.0.0.0/0'], false],
    ['10.0.0.1', ['::/0'], true],
    ['10.0.0.1', [], false],
  ]

  it('hold the addresses of both families, and IPv4 that was written as IPv6 (K9)', () => {
    for (const [address, blocks, expected] of cases)
      assert.equal(isIn(plainAddress(address), blocks), expected, `${address} in ${blocks.join()}`)
    assert.equal(isIn(undefined, ['0.0.0.0/0', '::/0']), false)
  })

  it('agree with arithmetic on every IPv4 address and length (K9)', () => {
    const v4 = fc.nat({ max: 0xffffffff })
    const text = (value: number): string => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.')
    fc.assert(
      fc.property(v4, v4, fc.integer({ min: 0, max: 32 }), (address, block, bits) => {
        const mask = bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0
        const expected = (address & mask) >>> 0 === (block & mask) >>> 0
        assert.equal(isIn(text(address), [`${text(block)}/${bits}`]), expected)
        assert.equal(isIn(plainAddress(`::ffff:${text(address)}`), [`${text(block)}/${bits}`]), expected)
      }),
    )
  })

  it('are refused all at once when they are none', () => {
    requireBlocks(['10.0.0.0/8', '::1', '::ffff:10.0.0.0/104', '1.2.3.4/32'])
    assert.throws(
      () => requireBlocks(['10.0.0.0/33', '10.0.0.0/8', 'home', '::/129', '::ffff:1.2.3.4/95', '1.2.3', '']),
      /"10.0.0.0\/33", "home", "::\/129", "::ffff:1.2.3.4\/95", "1.2.3", ""/,
    )
  })
})
