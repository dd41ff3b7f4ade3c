import assert from 'node:assert/strict'
import { it } from 'node:test'
import { GatewayError } from '@guichet/core'
import fc from 'fast-check'
import { hostOfHeader, parseTarget } from './target.ts'

it('takes host and port apart', () => {
  assert.deepEqual(parseTarget('API.1fichier.com:443'), { host: 'api.1fichier.com', kind: 'name', port: 443 })
  assert.deepEqual(parseTarget('xn--bcher-kva.example:80'), {
    host: 'xn--bcher-kva.example',
    kind: 'name',
    port: 80,
  })
  assert.deepEqual(parseTarget('192.0.2.1:65535'), { host: '192.0.2.1', kind: 'address', port: 65_535 })
  assert.deepEqual(parseTarget('[2001:DB8::1]:443'), { host: '2001:db8::1', kind: 'address', port: 443 })
})

const REFUSED = [
  '',
  ':443',
  'example.org',
  'example.org:',
  'example.org:0',
  'example.org:0443',
  'example.org:65536',
  'example.org:443:443',
  'example.org:+443',
  'example.org:443 ',
  ' example.org:443',
  'example.org:443/',
  'https://example.org:443',
  'user@example.org:443',
  'user:pass@example.org:443',
  'example.org.:443',
  '1fichier.com.:443',
  '.example.org:443',
  'a..b:443',
  '-a.example:443',
  'a-.example:443',
  'exa mple.org:443',
  'exämple.org:443',
  'example.org%00.evil.example:443',
  'a\u0000b:443',
  `${'a'.repeat(64)}.example:443`,
  `${'a.'.repeat(127)}example:443`,
  '2130706433:443',
  '0x7f000001:443',
  '0x7f.0.0.1:443',
  '0177.0.0.1:443',
  '127.1:443',
  '127.0.0.01:443',
  '256.0.0.1:443',
  'example.0x:443',
  '1.2.3.4.5:443',
  '::1:443',
  '[::1]',
  '[::1]443',
  '[::1%lo]:443',
  '[fe80::1%25eth0]:443',
  '[127.0.0.1]:443',
  '[example.org]:443',
  '[[::1]]:443',
]

for (const text of REFUSED) {
  it(`refuses ${JSON.stringify(text.slice(0, 50))}`, () => {
    assert.throws(
      () => parseTarget(text),
      (error: unknown) => error instanceof GatewayError && error.code === 'invalid',
    )
  })
}

it('keeps what could be a password to itself', () => {
  assert.throws(
    () => parseTarget('any:s3cret@example.org:443'),
    (error: unknown) => error instanceof GatewayError && !error.message.includes('s3cret'),
  )
})

it('never throws anything but its own refusal, and what it accepts reads the same again', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme-ascii' }), fc.integer({ min: -1, max: 70_000 }), (host, port) => {
      try {
        const target = parseTarget(`${host}:${port}`)
        const written = target.host.includes(':') ? `[${target.host}]` : target.host
        assert.deepEqual(parseTarget(`${written}:${target.port}`), target)
      } catch (error) {
        assert.ok(error instanceof GatewayError)
      }
    }),
  )
})

it('reads a Host header with or without a port', () => {
  assert.deepEqual(hostOfHeader('API.1fichier.com'), { host: 'api.1fichier.com', port: undefined })
  assert.deepEqual(hostOfHeader('1fichier.com:443'), { host: '1fichier.com', port: 443 })
  for (const text of ['', 'a b', 'u@1fichier.com', '1fichier.com/', '1fichier.com,evil.example']) {
    assert.equal(hostOfHeader(text), undefined, text)
  }
})
