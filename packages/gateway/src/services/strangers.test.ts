import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GUESS_RULE } from '@guichet/core'
import { FakeClock } from '@guichet/testkit'
import { plainAddress } from './addresses.ts'
import { createStrangers, createWelcome, neighbourhoodOf } from './strangers.ts'

describe('those whom nobody knows', () => {
  it('are remembered up to a number, and only as long as something stands against them (R5)', () => {
    const clock = new FakeClock()
    const strangers = createStrangers(clock)
    for (let count = 0; count < 25_000; count += 1) strangers.missed(`address ${count}`)
    assert.equal(strangers.count(), 10_000)
    clock.jump(GUESS_RULE.forgiveMs * 2)
    for (let count = 0; count < 10_000; count += 1) strangers.missed('one address')
    assert.equal(strangers.count(), 1)
  })

  it('are shut out one by one: what stands against one is nothing to another (R5)', () => {
    const strangers = createStrangers(new FakeClock())
    for (let count = 0; count <= GUESS_RULE.free; count += 1) strangers.missed('192.0.2.1')
    assert.equal(strangers.shutMs('192.0.2.1'), GUESS_RULE.firstMs)
    assert.equal(strangers.shutMs('192.0.2.2'), 0)
  })

  it('count as one where they have a whole network of IPv6 (R5)', () => {
    for (const [address, neighbourhood] of [
      ['192.0.2.1', '192.0.2.1'],
      ['::ffff:192.0.2.1', '192.0.2.1'],
      ['2001:db8:1:2::5', '2001:db8:1:2::/64'],
      ['2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
      ['2001:db8::5', '2001:db8:0:0::/64'],
      ['::1', '0:0:0:0::/64'],
      ['fe80::1%eth0', 'fe80:0:0:0::/64'],
      ['nonsense', 'an address that is not known'],
    ] as const)
      assert.equal(neighbourhoodOf(plainAddress(address)), neighbourhood, address)
  })
})

describe('those who are welcome', () => {
  it('are remembered up to a number, the latest longest (R5)', () => {
    const welcome = createWelcome()
    for (let count = 0; count < 20_000; count += 1) welcome.add('192.0.2.1', String(count))
    assert.equal(welcome.has('192.0.2.1', '0'), false)
    assert.equal(welcome.has('192.0.2.1', '19999'), true)
    assert.equal(welcome.has('192.0.2.2', '19999'), false)
  })
})
