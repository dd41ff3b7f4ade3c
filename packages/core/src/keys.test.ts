import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { allowsVerb, createKeyText, isKeyText, mayBeApiKey, parseVerbs, VERBS } from './index.ts'

describe('the text of a virtual key', () => {
  it('passes where a tool expects an API key of 1fichier, and is told apart from one (K13)', () => {
    for (let round = 0; round < 50; round += 1) {
      const text = createKeyText((count) => randomBytes(count))
      assert.match(text, /^[A-Za-z0-9\-_=]{32}$/)
      assert.ok(isKeyText(text))
      assert.ok(!mayBeApiKey(text))
    }
  })

  it('fails its checksum when one character is wrong', () => {
    const text = createKeyText((count) => randomBytes(count))
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 31 }), fc.constantFrom(...'0Az9'), (at, character) => {
        fc.pre(text[at] !== character)
        assert.ok(!isKeyText(text.slice(0, at) + character + text.slice(at + 1)))
      }),
    )
  })

  it('asks for more randomness when bytes are too large to be fair', () => {
    let calls = 0
    createKeyText((count) => new Uint8Array(count).fill(calls++ === 0 ? 255 : 7))
    assert.equal(calls, 2)
  })
})

describe('verbs', () => {
  it('come in a fixed order, once, from words and sets', () => {
    assert.deepEqual(parseVerbs('delete, read,list'), ['list', 'stat', 'download', 'delete'])
    assert.deepEqual(parseVerbs('all'), VERBS)
  })

  it('are refused all at once when unknown', () => {
    assert.throws(() => parseVerbs('list,fly,swim'), /unknown verb: fly, swim/)
    assert.throws(() => parseVerbs(' , '), /no verb/)
  })

  it('include stat in list, and nothing else', () => {
    assert.ok(allowsVerb(['list'], 'stat'))
    assert.ok(!allowsVerb(['stat'], 'list'))
    assert.ok(!allowsVerb(['upload'], 'delete'))
  })
})
