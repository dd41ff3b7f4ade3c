import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createWasmWhirlpool, createWhirlpool, hasNativeWhirlpool } from './digester.ts'
import { type Hashers, openHashers } from './hashers.ts'

/** wire.md §8: the checksum that 1fichier itself gave for this content. */
const HELLO_WORLD =
  '0a894ff039da399d5a72116b3665cd952abc8a9ffe37bfae4eae4d5381c5102b237c27e88b03f71c516e08ffa1cc9de9eac55d7d3abd38ea56220018f006a2c5'

describe('hashing while content streams', () => {
  it('gives the checksum that 1fichier gives', async () => {
    await using hashers = openHashers({ size: 1 })
    assert.equal(await digestOf(hashers, [Buffer.from('Hello world\n')]), HELLO_WORLD)
    assert.match(await digestOf(hashers, []), /^19fa61d75522a466[0-9a-f]+42a66eb3$/)
  })

  it('is the same digest by OpenSSL and by WebAssembly', async () => {
    const content = randomBytes(300_000)
    const wasm = await createWasmWhirlpool()
    const best = await createWhirlpool()
    wasm.update(content)
    best.update(content)
    assert.equal(wasm.digest(), best.digest())
    assert.ok(hasNativeWhirlpool(), 'the tests run with --openssl-legacy-provider, as the launcher does')
  })

  it('does not care how the content is cut (R8)', async () => {
    await using hashers = openHashers({ size: 2 })
    const content = randomBytes(2_500_000)
    const expected = await inline(content)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 2_499_999 }), { maxLength: 12 }), async (cuts) => {
        const bounds = [0, ...cuts.toSorted((a, b) => a - b), content.length]
        const parts = bounds.slice(1).map((end, index) => content.subarray(bounds[index], end))
        assert.equal(await digestOf(hashers, parts), expected)
      }),
      { numRuns: 25 },
    )
  })

  it('may be given the same buffer again as soon as an update has resolved', async () => {
    await using hashers = openHashers({ size: 1 })
    const hasher = hashers.whirlpool()
    const buffer = Buffer.alloc(700_000)
    const whole = Buffer.alloc(700_000 * 5)
    for (let round = 0; round < 5; round += 1) {
      buffer.fill(round + 1)
      whole.fill(round + 1, round * 700_000, (round + 1) * 700_000)
      await hasher.update(buffer)
    }
    buffer.fill(0xff)
    assert.equal(await hasher.digest(), await inline(whole))
  })

  it('keeps many digests of one thread apart, and goes on when some are abandoned', async () => {
    await using hashers = openHashers({ size: 1 })
    const contents = Array.from({ length: 12 }, () => randomBytes(1_300_000))
    const digests = await Promise.all(
      contents.map(async (content, index) => {
        const hasher = hashers.whirlpool()
        await hasher.update(content.subarray(0, 1_200_000))
        if (index % 3 === 0) {
          hasher.abandon()
          return undefined
        }
        await hasher.update(content.subarray(1_200_000))
        return await hasher.digest()
      }),
    )
    for (const [index, content] of contents.entries()) {
      assert.equal(digests[index], index % 3 === 0 ? undefined : await inline(content))
    }
  })

  it('fails what is under way when it is closed, instead of hanging', async () => {
    const hashers = openHashers({ size: 1 })
    const hasher = hashers.whirlpool()
    await hasher.update(randomBytes(3_000_000))
    const digest = hasher.digest()
    await Promise.all([assert.rejects(digest, { code: 'internal' }), hashers[Symbol.asyncDispose]()])
    await assert.rejects(hasher.update(Buffer.alloc(2_000_000)), { code: 'internal' })
  })
})

async function digestOf(hashers: Hashers, parts: readonly Uint8Array[]): Promise<string> {
  const hasher = hashers.whirlpool()
  for (const part of parts) await hasher.update(part)
  return await hasher.digest()
}

async function inline(content: Uint8Array): Promise<string> {
  const digester = await createWhirlpool()
  digester.update(content)
  return digester.digest()
}
