import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { createKeyText, createWrapToken } from '@guichet/core'
import { openTestWorld } from '../../world.testing.ts'

describe('guichet key check', () => {
  it('knows a key by its checksum, without any gateway, and repeats none (K13)', async () => {
    await using test = await openTestWorld()
    const text = createKeyText((count) => randomBytes(count))
    const typo = `${text.slice(0, -1)}${text.endsWith('a') ? 'b' : 'a'}`
    const cases: readonly [text: string, exit: number, words: RegExp][] = [
      [text, 0, /a virtual key of Guichet, whole/],
      [typo, 2, /a character of it is wrong or missing/],
      [text.slice(0, 20), 2, /a character of it is wrong or missing/],
      [createWrapToken((count) => randomBytes(count)), 2, /a token that fetches a key, not a key/],
      ['aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0x=', 2, /not a virtual key.*\n.*may be an API key/],
      ['hello', 2, /is not a virtual key/],
    ]
    for (const [given, exit, words] of cases) {
      for (const ran of [
        await test.run(['key', 'check', '-'], `${given}\n`),
        await test.run(['key', 'check', given]),
      ]) {
        assert.equal(ran.exit, exit, ran.errors)
        assert.match(ran.output + ran.errors, words)
        assert.ok(!(ran.output + ran.errors).includes(given.slice(4, 20)) || given === 'hello', ran.errors)
      }
    }
    const told = await test.run(['key', 'check', '-', '--json'], text)
    assert.deepEqual(JSON.parse(told.output), { isKey: true })
  })
})
