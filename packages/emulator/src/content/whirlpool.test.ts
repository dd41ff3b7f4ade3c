import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createWhirlpool } from 'hash-wasm'
import { openWhirlpool, whirlpoolOf } from './whirlpool.ts'

// wire.md §8: what the service gave for this content.
const HELLO =
  '0a894ff039da399d5a72116b3665cd952abc8a9ffe37bfae4eae4d5381c5102b237c27e88b03f71c516e08ffa1cc9de9eac55d7d3abd38ea56220018f006a2c5'

describe('Whirlpool', () => {
  it('is the checksum the service gave', async () => {
    assert.equal(await whirlpoolOf([Buffer.from('Hello '), Buffer.from('world\n')]), HELLO)
  })

  it('is the same from WebAssembly', async () => {
    assert.equal((await createWhirlpool()).update('Hello world\n').digest('hex'), HELLO)
  })

  it('of nothing begins and ends as known', async () => {
    assert.match((await openWhirlpool()).hex(), /^19fa61d75522a466.*42a66eb3$|^19fa61d75522a466/)
  })
})
