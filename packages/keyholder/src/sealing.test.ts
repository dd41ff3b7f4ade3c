import assert from 'node:assert/strict'
import { argon2Sync } from 'node:crypto'
import { describe, it } from 'node:test'
import { Secret } from '@guichet/core'
import { type Box, deriveKey, seal, unseal } from './sealing.ts'

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex')

describe('the derivation of keys', () => {
  it('is Argon2id as RFC 9106 defines it (K1)', () => {
    // Section 5.3. It uses a secret and associated data, which the vault does without.
    const tag = argon2Sync('argon2id', {
      message: Buffer.alloc(32, 1),
      nonce: Buffer.alloc(16, 2),
      secret: Buffer.alloc(8, 3),
      associatedData: Buffer.alloc(12, 4),
      passes: 3,
      memory: 32,
      parallelism: 4,
      tagLength: 32,
    })
    assert.equal(
      tag.toString('hex'),
      '0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659',
      'Node computes something else',
    )
  })

  it('gives the keys of the reference implementation (K1)', async () => {
    // The tests of phc-winner-argon2: passes, log2 of KiB, parallelism, password, salt.
    for (const [passes, log, parallelism, password, salt, key] of [
      [2, 16, 1, 'password', 'somesalt', '09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7'],
      [2, 8, 1, 'password', 'somesalt', '9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe'],
      [2, 8, 2, 'password', 'somesalt', '6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037'],
      [1, 16, 1, 'password', 'somesalt', 'f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98'],
      [4, 16, 1, 'password', 'somesalt', '9025d48e68ef7395cca9079da4c4ec3affb3c8911fe4f86d1a2520856f63172c'],
      [
        2,
        16,
        1,
        'differentpassword',
        'somesalt',
        '0b84d652cf6b0c4beaef0dfe278ba6a80df6696281d7e0d2891b817d8c458fde',
      ],
      [2, 16, 1, 'password', 'diffsalt', 'bdf32b05ccc42eb15d58fd19b1f856b113da1e9a5874fdcc544308565aa8141c'],
    ] as const) {
      const cost = { passes, memoryKiB: 2 ** log, parallelism }
      const derived = await deriveKey(new Secret(password), Buffer.from(salt), cost)
      assert.equal(derived.toString('hex'), key, `${password} ${salt} ${JSON.stringify(cost)}`)
    }
  })
})

interface Vector {
  readonly what: string
  readonly key: Buffer
  readonly nonce: Buffer
  readonly associated: Buffer
  readonly plain: Buffer
  readonly sealed: Buffer
}

const KEY = hex('feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308')
const PLAIN = hex(`d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
  1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255`)
const SEALED = hex(`522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
  8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad`)

/** McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 13 to 16. */
const VECTORS: readonly Vector[] = [
  {
    what: 'nothing',
    key: Buffer.alloc(32),
    nonce: Buffer.alloc(12),
    associated: Buffer.alloc(0),
    plain: Buffer.alloc(0),
    sealed: hex('530f8afbc74536b9a963b4f1c4cb738b'),
  },
  {
    what: 'one block of zeros',
    key: Buffer.alloc(32),
    nonce: Buffer.alloc(12),
    associated: Buffer.alloc(0),
    plain: Buffer.alloc(16),
    sealed: hex('cea7403d4d606b6e074ec5d3baf39d18 d0d1c8a799996bf0265b98b5d48ab919'),
  },
  {
    what: 'four blocks',
    key: KEY,
    nonce: hex('cafebabefacedbaddecaf888'),
    associated: Buffer.alloc(0),
    plain: PLAIN,
    sealed: Buffer.concat([SEALED, hex('b094dac5d93471bdec1a502270e3cc6c')]),
  },
  {
    what: 'a broken block and associated data',
    key: KEY,
    nonce: hex('cafebabefacedbaddecaf888'),
    associated: hex('feedfacedeadbeeffeedfacedeadbeefabaddad2'),
    plain: PLAIN.subarray(0, 60),
    sealed: Buffer.concat([SEALED.subarray(0, 60), hex('76fc6ece0f4e1768cddf8853bb2d551b')]),
  },
]

const boxOf = ({ nonce, sealed }: Pick<Vector, 'nonce' | 'sealed'>): Box => ({
  nonce: nonce.toString('base64'),
  sealed: sealed.toString('base64'),
})
const flipped = (bytes: Buffer, bit: number): Buffer => {
  const changed = Buffer.from(bytes)
  changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return changed
}

describe('sealing', () => {
  for (const vector of VECTORS) {
    it(`is AES-256-GCM for ${vector.what} (K1)`, () => {
      const { key, nonce, plain, associated } = vector
      assert.deepEqual(seal(key, plain, associated, nonce), boxOf(vector))
      assert.deepEqual(unseal(key, boxOf(vector), associated), plain)
    })

    it(`is refused after any change, for ${vector.what} (K1)`, () => {
      const { key, nonce, associated, sealed } = vector
      const refuse = (box: Box, why: string, aad = associated, with_ = key): void =>
        assert.equal(unseal(with_, box, aad), undefined, why)
      for (let bit = 0; bit < sealed.length * 8; bit += 1)
        refuse(boxOf({ nonce, sealed: flipped(sealed, bit) }), `bit ${bit} of the content or tag`)
      for (let bit = 0; bit < nonce.length * 8; bit += 1)
        refuse(boxOf({ nonce: flipped(nonce, bit), sealed }), `bit ${bit} of the nonce`)
      for (let bit = 0; bit < key.length * 8; bit += 1)
        refuse(boxOf(vector), `bit ${bit} of the key`, associated, flipped(key, bit))
      refuse(boxOf(vector), 'more associated data', Buffer.concat([associated, Buffer.alloc(1)]))
      if (associated.length > 0) refuse(boxOf(vector), 'less associated data', associated.subarray(1))
      for (let length = 0; length < sealed.length; length += 1)
        refuse(boxOf({ nonce, sealed: sealed.subarray(0, length) }), `cut to ${length} bytes`)
      refuse(boxOf({ nonce, sealed: Buffer.concat([sealed, Buffer.alloc(1)]) }), 'one byte more')
      for (const length of [0, 1, 8, 11, 13, 16])
        refuse(boxOf({ nonce: Buffer.alloc(length), sealed }), `a nonce of ${length} bytes`)
    })
  }

  it('uses another nonce each time (K1)', () => {
    const boxes = Array.from({ length: 1_000 }, () => seal(KEY, PLAIN, Buffer.alloc(0)).nonce)
    assert.equal(new Set(boxes).size, boxes.length)
  })
})
