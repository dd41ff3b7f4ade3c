import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { createKeyText } from '@guichet/core'
import fc from 'fast-check'
import { createLog, scrub } from './log.ts'
import type { LogFacts } from './log-fields.ts'

const CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_='
const apiKeys = fc
  .array(fc.constantFrom(...CHARACTERS), { minLength: 32, maxLength: 32 })
  .map((characters) => characters.join(''))
  .filter((text) => /[A-Z]/.test(text) && /[a-z]/.test(text))
const virtualKeys = fc.constant(0).map(() => createKeyText((count) => randomBytes(count)))
/** Where a secret may stand in what is logged. */
const places = fc.constantFrom<(secret: string) => LogFacts>(
  (secret) => ({ [secret]: 1 }),
  (secret) => ({ path: `/v1/${secret}.cgi` }),
  (secret) => ({ target: `https://x.example/?api_key=${secret}&a=1` }),
  (secret) => ({ reason: `Authorization: Bearer ${secret}` }),
  (secret) => ({ cause: [{ er: { text: `"${secret}"\n${secret}` } }] }),
  (secret) => ({ cause: new Error(`it failed with ${secret}`).stack }),
)
/** How it may be written there. */
const writings = fc.constantFrom<(secret: string) => string>(
  (secret) => secret,
  (secret) => Buffer.from(secret).toString('base64'),
  (secret) => Buffer.from(`user:${secret}`).toString('base64url'),
  (secret) => Buffer.from(secret).toString('hex'),
  (secret) => [...secret].map((one) => `%${one.charCodeAt(0).toString(16)}`).join(''),
  (secret) => [...secret].map((one) => `\\u00${one.charCodeAt(0).toString(16)}`).join(''),
)

describe('the log', () => {
  it('never writes a key, whatever field it stands in (K18)', () => {
    fc.assert(
      fc.property(
        fc.oneof(apiKeys, virtualKeys),
        writings,
        places,
        fc.boolean(),
        (key, write, place, isMessage) => {
          const secret = write(key)
          const lines: string[] = []
          const log = createLog('debug', { write: (line: string) => void lines.push(line) })
          log.warn(isMessage ? {} : place(secret), isMessage ? `the key ${secret} is bad` : 'a message')
          const written = lines.join('')
          assert.ok(written.length > 0)
          assert.ok(!written.includes(secret), written)
          assert.ok(!written.includes(JSON.stringify(secret).slice(1, -1)), written)
        },
      ),
    )
  })

  it('blanks what stands behind Bearer and Basic', () => {
    const basic = Buffer.from('user:password').toString('base64')
    assert.equal(scrub(`Basic ${basic}, bearer abcdefgh.ijk`), 'Basic [secret], bearer [secret]')
  })

  it('leaves checksums, identifiers and names alone', () => {
    for (const line of [
      'ab'.repeat(64),
      'd41d8cd98f00b204e9800998ecf8427e',
      '{"path":"/backup/2026-06-01/holiday pictures.tar.gz","folder":12345}',
      'file m0000000000000000014 of k-abcdefgh',
    ])
      assert.equal(scrub(line), line)
  })

  it('writes no field that is not listed, whoever gave it (K18)', () => {
    const lines: string[] = []
    const log = createLog('debug', { write: (line: string) => void lines.push(line) })
    const facts: object = { code: 'invalid', headers: { cookie: 'SID=abc' }, passphrase: 'correct horse' }
    log.info(facts, 'a message')
    const { level: _level, time: _time, ...written } = JSON.parse(lines.join(''))
    assert.deepEqual(written, {
      code: 'invalid',
      headers: '[not listed]',
      passphrase: '[not listed]',
      msg: 'a message',
    })
  })

  it('writes one line of JSON for each entry, at its level and above', () => {
    const lines: string[] = []
    const log = createLog('warn', { write: (line: string) => void lines.push(line) })
    log.debug({}, 'no')
    log.info({}, 'no')
    log.warn({ code: 'x' }, 'yes')
    log.error({}, 'two\nlines')
    assert.equal(lines.length, 2)
    assert.ok(lines.every((line) => line.split('\n').length === 2 && JSON.parse(line)))
  })
})
