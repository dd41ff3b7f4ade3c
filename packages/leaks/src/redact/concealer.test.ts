import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { createKeyText } from '@guichet/core'
import fc from 'fast-check'
import { createConcealer, hideVirtualKeys } from './concealer.ts'

const CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_='
const apiKeys = fc
  .array(fc.constantFrom(...CHARACTERS), { minLength: 32, maxLength: 32 })
  .map((characters) => characters.join(''))
const virtualKeys = fc.constant(0).map(() => createKeyText((count) => randomBytes(count)))
const secrets = fc.oneof(apiKeys, virtualKeys)

const code = (one: string): string => one.charCodeAt(0).toString(16).padStart(2, '0')

/** Every way a secret may be written, made by other means than those that find it. */
const WRITINGS: Readonly<Record<string, (secret: string, salt: number) => string>> = {
  raw: (secret) => secret,
  base64: (secret, salt) => Buffer.from(`${'x'.repeat(salt % 4)}${secret}yy`).toString('base64'),
  base64url: (secret, salt) => Buffer.from('?'.repeat(salt % 4) + secret).toString('base64url'),
  'basic credentials': (secret, salt) => btoa(`${'user'.slice(0, salt % 5)}:${secret}`),
  hex: (secret) => Buffer.from(secret).toString('hex'),
  'hex in capitals': (secret) => Buffer.from(secret).toString('hex').toUpperCase(),
  'for a URL': (secret) => encodeURIComponent(secret).replaceAll('-', '%2d').replaceAll('_', '%5F'),
  'for a URL, each byte': (secret) => [...secret].map((one) => `%${code(one)}`).join(''),
  'for JSON': (secret) => secret.replace(/[-_=]/g, (one) => `\\u00${code(one)}`),
  'for JSON, each character': (secret) =>
    [...secret].map((one) => `\\u00${code(one).toUpperCase()}`).join(''),
  'JSON in JSON': (secret) => JSON.stringify(`"${[...secret].map((one) => `\\u00${code(one)}`).join('')}"`),
  'for HTML': (secret) => secret.replace(/[^A-Za-z]/g, (one) => `&#${one.charCodeAt(0)};`),
  'for HTML, hex': (secret) => secret.replace(/[^A-Za-z]/g, (one) => `&#x${code(one)};`),
  'in source text': (secret) => [...secret].map((one) => `\\x${code(one)}`).join(''),
  'UTF-16': (secret) => Buffer.from(secret, 'utf16le').toString('latin1'),
}

/** Whether so many characters of the secret in a row can be read in a text, by undoing what can be undone. */
function tells(text: string, secret: string, part = 12): boolean {
  const plain = text
    .replaceAll('\0', '')
    .replace(/%([0-9a-f]{2})|\\+(?:u00|x)([0-9a-f]{2})|&#x([0-9a-f]{2});/gi, (_all, ...digits) =>
      String.fromCharCode(
        Number.parseInt(
          digits.find((one) => one !== undefined),
          16,
        ),
      ),
    )
    .replace(/&#(\d+);/g, (_all, digits) => String.fromCharCode(Number(digits)))
  const readings = [
    plain,
    ...[...text.matchAll(/[0-9a-f]{24,}/gi)].map(([hex]) => Buffer.from(hex, 'hex').toString('latin1')),
  ]
  for (const [word] of text.matchAll(/[A-Za-z0-9+/_-]{16,}/g))
    for (const shift of [0, 1, 2, 3])
      readings.push(Buffer.from(word.slice(shift), 'base64').toString('latin1'))
  for (let at = 0; at + part <= secret.length; at += 1)
    if (readings.some((reading) => reading.includes(secret.slice(at, at + part)))) return true
  return false
}

const writings = fc.constantFrom(...Object.entries(WRITINGS))
const noise = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('gch_', 'g', '%', '\\', '\\u00', '&#', '67', 'Z2NoX', 'Bearer ', '\n', '"', '='),
)

describe('a concealer', () => {
  it('leaves nothing of a secret that it knows, in whatever writing (K18)', () => {
    fc.assert(
      fc.property(secrets, writings, fc.nat(12), noise, noise, (secret, [, write], salt, before, after) => {
        const text = `${before} ${write(secret, salt)} ${after}`
        assert.ok(tells(text, secret), text)
        const hidden = createConcealer([secret]).hide(text)
        assert.ok(!tells(hidden, secret), hidden)
        assert.ok(hidden.includes('[secret]'))
      }),
      { numRuns: 400 },
    )
  })

  it('leaves nothing of a virtual key that it has never seen (K13, K18)', () => {
    fc.assert(
      fc.property(virtualKeys, writings, fc.nat(12), noise, noise, (key, [, write], salt, before, after) => {
        const hidden = hideVirtualKeys(`${before} ${write(key, salt)} ${after}`)
        assert.ok(!tells(hidden, key.slice(4)), hidden)
      }),
      { numRuns: 400 },
    )
  })

  it('gives the same for every cut of a stream as for the whole (K18)', async () => {
    const secret = 'k7Qz-Wm2RtY9_xB4=nLp3HsVd8GjC5fA'
    const virtual = createKeyText((count) => randomBytes(count))
    const piece = fc.oneof(
      noise,
      fc
        .tuple(fc.constantFrom(secret, virtual, secret.slice(0, 20)), writings, fc.nat(12))
        .map(([text, [, write], salt]) => write(text, salt)),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 6 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        async (pieces, cuts) => {
          const concealer = createConcealer([secret])
          const bytes = Buffer.from(pieces.join(''))
          const places = cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b)
          const chunks = [0, ...places].map((place, index) =>
            bytes.subarray(place, places[index] ?? bytes.length),
          )
          const out = await Readable.from(
            chunks.filter(({ length }) => length > 0),
            { objectMode: false },
          )
            .compose(concealer.stream())
            .toArray()
          const whole = Buffer.concat(out.map((one: Uint8Array) => Buffer.from(one))).toString()
          assert.equal(whole, concealer.hide(pieces.join('')))
          for (const one of [secret, virtual]) assert.ok(!tells(whole, one, one.length), whole)
        },
      ),
      { numRuns: 400 },
    )
  })

  it('leaves everything else as it is', () => {
    const concealer = createConcealer(['k7Qz-Wm2RtY9_xB4=nLp3HsVd8GjC5fA'])
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        assert.equal(concealer.hide(text), text)
      }),
    )
    for (const text of ['gch_', 'gch_tooshort', 'ab'.repeat(64), 'k7Qz-Wm2RtY9', 'Été — 夏'])
      assert.equal(concealer.hide(text), text)
  })

  it('does not learn what would be found in everything', () => {
    assert.equal(createConcealer(['', 'a', 'short']).hide('a short text'), 'a short text')
  })
})
