import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { obscureRclone, revealRclone } from './rclone-obscure.ts'

describe("rclone's obscured values", () => {
  it('are revealed as rclone itself does', () => {
    // Made with `rclone obscure` of rclone 1.60.1.
    assert.equal(revealRclone('5WLFT49tjMXWCQkiOPQd2OJ71g'), 'abc')
  })

  it('come back as they went in', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme-ascii', minLength: 1 }),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        (plain, iv) => assert.equal(revealRclone(obscureRclone(plain, iv)), plain),
      ),
    )
  })

  it('are told from what rclone did not make', () => {
    for (const text of ['', 'short', 'no base64 at all, but long enough', 'A'.repeat(64)])
      assert.equal(revealRclone(text), undefined)
  })
})
