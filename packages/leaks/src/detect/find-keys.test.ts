import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { createKeyText, createWrapToken } from '@guichet/core'
import fc from 'fast-check'
import { findKeys } from './find-keys.ts'

const API_KEY = 'k7Qz-Wm2RtY9_xB4=nLp3HsVd8GjC5fA'
const VIRTUAL_KEY = createKeyText((count) => randomBytes(count))

function places(text: string, path?: string): readonly string[] {
  return findKeys(text, { path }).map(
    ({ rule, encoding, line, column, start, end }) =>
      `${line}:${column} ${rule} ${encoding} ${text.slice(start, end)}`,
  )
}

describe('what is found in a text', () => {
  it('has its place, its rule, and a fingerprint that does not tell it (K19)', () => {
    const text = `# settings\n[one]\ntype = fichier\napi_key = ${API_KEY}\n`
    const [finding, ...more] = findKeys(text)
    assert.equal(more.length, 0)
    assert.deepEqual(
      { ...finding, secret: finding?.secret.expose() },
      {
        kind: 'api-key',
        rule: '1fichier-tool-setting',
        confidence: 'certain',
        encoding: 'plain',
        start: text.indexOf(API_KEY),
        end: text.indexOf(API_KEY) + 32,
        line: 4,
        column: 11,
        fingerprint: finding?.fingerprint,
        secret: API_KEY,
      },
    )
    assert.match(finding?.fingerprint ?? '', /^[0-9a-f]{16}$/)
    assert.ok(!JSON.stringify(finding).includes(API_KEY))
    assert.equal(findKeys(`FICHIER_KEY=${API_KEY}`)[0]?.fingerprint, finding?.fingerprint)
  })

  it('may be a token that fetches a virtual key: by its checksum as well (K12, K19)', () => {
    const token = createWrapToken((count) => randomBytes(count))
    assert.deepEqual(places(`see https://x/unwrap#${token}.`), [`1:22 guichet-virtual-key plain ${token}`])
    const wrong = `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`
    assert.deepEqual(places(`see ${wrong}`), [])
  })

  it('is named by what stands around it', () => {
    assert.deepEqual(places(`FICHIER_KEY="${API_KEY}"`), [`1:14 1fichier-named-key plain ${API_KEY}`])
    assert.deepEqual(places(`curl -H "Authorization: Bearer ${API_KEY}" https://api.1fichier.com/v1/x.cgi`), [
      `1:32 1fichier-request plain ${API_KEY}`,
    ])
    assert.deepEqual(places(`# 1fichier\napi_key: ${API_KEY}`), [`2:10 1fichier-key-nearby plain ${API_KEY}`])
    assert.deepEqual(places(`1fichier wants ${API_KEY}`), [`1:16 1fichier-bare-key plain ${API_KEY}`])
    assert.deepEqual(places(`api_key: ${API_KEY}`), [])
    assert.deepEqual(places(`api_key: ${API_KEY}`, 'notes/1fichier.txt'), [
      `1:10 1fichier-key-nearby plain ${API_KEY}`,
    ])
  })

  it('may stand in encodings, and in encodings of encodings (K13, K19)', () => {
    const base64 = Buffer.from(`key=${VIRTUAL_KEY}`).toString('base64')
    assert.deepEqual(places(`x ${base64}`), [`1:3 guichet-virtual-key base64 ${base64}`])
    const twice = Buffer.from(base64).toString('hex')
    assert.deepEqual(places(`x ${twice}`), [`1:3 guichet-virtual-key hex ${twice}`])
    const escaped = VIRTUAL_KEY.replace('_', '\\u005f')
    assert.deepEqual(places(`{"a":"%22","k":"${escaped}"}`), [`1:17 guichet-virtual-key escaped ${escaped}`])
  })

  it('is found with one character before or behind it, whatever that is (K13)', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 8 }),
        fc.string({ unit: 'binary', maxLength: 8 }),
        (before, after) => {
          const findings = findKeys(before + VIRTUAL_KEY + after)
          assert.equal(findings.length, 1)
          assert.equal(findings[0]?.start, before.length)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('never overlaps, and lies within the text, whatever the text is', () => {
    const piece = fc.constantFrom(
      VIRTUAL_KEY,
      API_KEY,
      'api_key=',
      '1fichier',
      ' ',
      '\n',
      '%5F',
      '\\u005f',
      '&#45;',
      Buffer.from(VIRTUAL_KEY).toString('base64'),
      Buffer.from(API_KEY).toString('hex'),
      'Bearer ',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
        const text = pieces.join('')
        let end = 0
        for (const finding of findKeys(text)) {
          assert.ok(finding.start >= end && finding.end > finding.start && finding.end <= text.length)
          end = finding.end
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('takes the time of its length, also for texts made to be slow', () => {
    for (const text of [
      '='.repeat(2e5),
      'a'.repeat(2e5),
      '%41'.repeat(1e5),
      `${'1fichier api_key='.repeat(1e4)}`,
      '[a]\n'.repeat(5e4),
      `"${'{'.repeat(1e5)}`,
    ]) {
      const began = performance.now()
      findKeys(`1fichier ${text} ${API_KEY}`)
      assert.ok(performance.now() - began < 3_000, `${text.slice(0, 10)}: ${performance.now() - began} ms`)
    }
  })
})
