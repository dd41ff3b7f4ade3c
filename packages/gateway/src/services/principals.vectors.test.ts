import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createKeyText } from '@guichet/core'
import { FakeClock } from '@guichet/testkit'
import { openDatabase, SqliteKeyStore } from '../stores/sqlite/index.ts'
import { createPrincipals, type Principals } from './principals.ts'

async function withPepper<T>(pepper: Uint8Array, work: (principals: Principals) => T): Promise<T> {
  await using db = openDatabase({ path: ':memory:' })
  return work(createPrincipals({ keys: new SqliteKeyStore(db), pepper, clock: new FakeClock(0) }))
}

describe('what is kept of a virtual key', () => {
  it('is HMAC-SHA-256 of its text under the pepper (K13)', async () => {
    const long = Buffer.alloc(131, 0xaa)
    // RFC 4231, test cases 1, 2, 6 and 7.
    for (const [pepper, text, mac] of [
      [
        Buffer.alloc(20, 0x0b),
        'Hi There',
        'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
      ],
      [
        Buffer.from('Jefe'),
        'what do ya want for nothing?',
        '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
      ],
      [
        long,
        'Test Using Larger Than Block-Size Key - Hash Key First',
        '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
      ],
      [
        long,
        'This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.',
        '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
      ],
    ] as const)
      assert.equal(await withPepper(pepper, ({ hash }) => hash(text)), mac)
  })

  it('differs with every bit of the pepper and with the key (K13)', async () => {
    const text = createKeyText((count) => Buffer.alloc(count, 7))
    const pepper = Buffer.alloc(32, 1)
    const hashes = new Set([await withPepper(pepper, ({ hash }) => hash(text))])
    for (let bit = 0; bit < 256; bit += 17) {
      const changed = Buffer.from(pepper)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      hashes.add(await withPepper(changed, ({ hash }) => hash(text)))
    }
    hashes.add(await withPepper(pepper, ({ hash }) => hash(`${text.slice(0, -1)}0`)))
    assert.equal(hashes.size, 18)
  })
})
