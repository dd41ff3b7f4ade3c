import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { hideCredentials, hideKeys } from './hide-keys.ts'

const KEY = 'k7Qz-Wm2RtY9_xB4=nLp3HsVd8GjC5fA'

describe('what may be an API key', () => {
  it('is hidden wherever it stands in a text, in whatever writing (K18)', () => {
    for (const written of [
      KEY,
      Buffer.from(KEY).toString('base64'),
      Buffer.from(`me:${KEY}`).toString('base64'),
      Buffer.from(KEY).toString('hex'),
      encodeURIComponent(KEY),
      [...KEY].map((one) => `%${one.charCodeAt(0).toString(16)}`).join(''),
      [...KEY].map((one) => `\\u00${one.charCodeAt(0).toString(16)}`).join(''),
      KEY.replaceAll('-', '&#45;').replaceAll('=', '&#x3d;'),
    ]) {
      const hidden = hideKeys(`before ${written} after`)
      assert.equal(hidden, 'before [secret] after')
      assert.equal(hideKeys(`/v1/x.cgi?k=${written}&a=1`).includes(written), false)
    }
  })

  it('is none where it is a checksum, an identifier or a name', () => {
    for (const text of [
      'ab'.repeat(64),
      'd41d8cd98f00b204e9800998ecf8427e',
      '3031323334353637383930313233343536373839303132333435363738393031',
      '{"path":"/backup/2026-06-01/holiday pictures.tar.gz","folder":12345}',
      'file m0000000000000000014 of k-abcdefgh',
      '/a%20long%20path%2Fwith%20many%2FNames%20of%20Folders%20in%20it',
    ])
      assert.equal(hideKeys(text), text)
  })

  it('goes with whatever stands behind Bearer, Basic and api_key', () => {
    assert.equal(
      hideCredentials(
        'Basic dXNlcjpwYXNzd29yZA==, bearer abcdefgh.ijk, ?api_key=abcdefghij&x=1, {"apiKey":"abcdefghij"}',
      ),
      'Basic [secret], bearer [secret], ?api_key=[secret]&x=1, {"apiKey":"[secret]"}',
    )
  })

  it('takes the time of its length, also for texts made to be slow', () => {
    for (const text of [
      'A'.repeat(2e5),
      '%41'.repeat(1e5),
      '\\'.repeat(2e5),
      '&#'.repeat(1e5),
      'gch_'.repeat(1e5),
      '67'.repeat(1e5),
    ]) {
      const began = performance.now()
      hideCredentials(text)
      assert.ok(performance.now() - began < 2_000, `${text.slice(0, 8)}: ${performance.now() - began} ms`)
    }
  })

  it('is hidden once: what is hidden stays as it is', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(KEY, ' ', '=', 'Bearer ', 'gch_', 'api_key='), { maxLength: 8 }),
        (parts) => {
          const once = hideCredentials(parts.join(''))
          assert.equal(hideCredentials(once), once)
        },
      ),
    )
  })
})
