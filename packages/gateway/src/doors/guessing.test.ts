import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { createKeyText, GUESS_RULE } from '@guichet/core'
import { type Ask, type Counter, openCounter } from './counter.testing.ts'

const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** So many letters behind the prefix tell a key from others. */
const BEGINNING = 6
const wrongKey = (): string => createKeyText((count) => randomBytes(count))
/** A text with a right checksum that begins as another key does. */
function guessAt(text: string, number: number): string {
  const indices = [...text.slice(4, 4 + BEGINNING)].map((letter) => LETTERS.indexOf(letter))
  const rest = Array.from({ length: 64 }, (_, index) => (number * 7 + index) % LETTERS.length)
  return createKeyText((count) => Uint8Array.from([...indices, ...rest].slice(0, count)))
}

const DOORS: readonly Pick<Ask, 'path' | 'method' | 'headers'>[] = [
  { path: '/api/v1/children?at=/' },
  { path: '/v1/folder/ls.cgi', method: 'POST', headers: { 'content-type': 'application/json' } },
]

async function tryKeys(counter: Counter, count: number, ask: Partial<Ask> = {}) {
  const answers = []
  for (let tried = 0; tried < count; tried += 1)
    answers.push(await counter.ask({ path: '/api/v1/children?at=/', key: wrongKey(), ...ask }))
  return answers
}

describe('wrong keys at speed', () => {
  it('are told to come later, while a good key from the same address is served (R5)', async () => {
    await using counter = await openCounter()
    const { text } = await counter.key({ verbs: ['list'] })
    const answers = await tryKeys(counter, GUESS_RULE.free + 5)
    const statuses = answers.map(({ status }) => status)
    assert.deepEqual(statuses, [...Array(GUESS_RULE.free + 1).fill(401), ...Array(4).fill(429)])
    assert.equal(answers.at(-1)?.headers['retry-after'], '1')
    assert.match(String(answers.at(-1)?.json['message']), /too many wrong keys/)
    for (const door of DOORS) {
      const wrong = await counter.ask({ ...door, key: wrongKey() })
      assert.deepEqual([wrong.status, wrong.headers['retry-after']], [429, '1'], door.path)
      assert.equal((await counter.ask({ ...door, key: text })).status, 200, door.path)
    }
  })

  it('are slowed for longer each time, and forgiven after a while (R5)', async () => {
    await using counter = await openCounter()
    await tryKeys(counter, GUESS_RULE.free)
    for (const seconds of [1, 2, 4, 8]) {
      assert.equal((await tryKeys(counter, 1))[0]?.status, 401)
      const [late] = await tryKeys(counter, 1)
      assert.deepEqual([late?.status, late?.headers['retry-after']], [429, String(seconds)])
      counter.clock.jump(seconds * 1_000)
    }
    counter.clock.jump(GUESS_RULE.free * GUESS_RULE.forgiveMs)
    assert.equal((await tryKeys(counter, GUESS_RULE.free)).at(-1)?.status, 401)
  })

  it('fill no disk: the first are written down, the others counted in the next line (R5)', async () => {
    await using counter = await openCounter()
    await tryKeys(counter, 200)
    assert.equal(await counter.ledger.count(), GUESS_RULE.free + 1)
    const [last] = await counter.ledger.recent(1)
    assert.match(last?.reason ?? '', /the next from 127\.0\.0\.1 are only counted for 1 s/)
    counter.clock.jump(1_000)
    await tryKeys(counter, 1)
    const [next] = await counter.ledger.recent(1)
    assert.match(next?.reason ?? '', /; 179 more like it were refused before, and only counted/)
  })

  it('from one address are nothing to another one, whatever a client says about itself (R5)', async () => {
    await using counter = await openCounter({ trustedProxies: ['127.0.0.1'] })
    const by = (address: string) => ({ headers: { 'x-forwarded-for': address } })
    await tryKeys(counter, 50, by('192.0.2.1'))
    assert.equal((await tryKeys(counter, 1, by('192.0.2.1')))[0]?.status, 429)
    assert.equal((await tryKeys(counter, 1, by('192.0.2.2')))[0]?.status, 401)
    // The client can only write what stands left of its own address.
    assert.equal((await tryKeys(counter, 1, by('192.0.2.3, 192.0.2.1')))[0]?.status, 429)
    await using alone = await openCounter()
    await tryKeys(alone, 50)
    assert.equal((await tryKeys(alone, 1, by('192.0.2.4')))[0]?.status, 429, 'nobody named a proxy')
  })

  it('do not keep a client from being asked for its key first (R5)', async () => {
    await using counter = await openCounter()
    for (let count = 0; count < 50; count += 1) {
      const { status } = await counter.ask({ path: '/api/v1/children?at=/' })
      assert.equal(status, 401)
    }
    assert.equal(await counter.ledger.count(), GUESS_RULE.free + 1)
  })
})

describe('guesses at the rest of one key', () => {
  it('shut its beginning, also for the right text from where it was never good (R5)', async () => {
    await using counter = await openCounter({ trustedProxies: ['127.0.0.1'] })
    const { text } = await counter.key({ verbs: ['list'] })
    const ask = (key: string, address: string) =>
      counter.ask({ path: '/api/v1/children?at=/', key, headers: { 'x-forwarded-for': address } })
    assert.equal((await ask(text, '10.0.0.1')).status, 200)
    const guesses = Array.from({ length: GUESS_RULE.free + 1 }, (_, index) => guessAt(text, index))
    for (const [index, guess] of guesses.entries())
      assert.equal((await ask(guess, `10.1.0.${index}`)).status, 401)
    assert.equal((await ask(guessAt(text, 99), '10.2.0.1')).status, 429)
    assert.equal((await ask(text, '10.2.0.2')).status, 429, 'who guesses right does not learn it')
    assert.equal((await ask(text, '10.0.0.1')).status, 200, 'whom it was good for goes on')
    counter.clock.jump(GUESS_RULE.firstMs)
    assert.equal((await ask(text, '10.2.0.2')).status, 200)
  })

  it('are not taken for guesses when they are typing errors (R5)', async () => {
    await using counter = await openCounter({ trustedProxies: ['127.0.0.1'] })
    const { text } = await counter.key({ verbs: ['list'] })
    const wrong = `${text.slice(0, -1)}${text.endsWith('0') ? '1' : '0'}`
    const ask = (key: string, address: string) =>
      counter.ask({ path: '/api/v1/children?at=/', key, headers: { 'x-forwarded-for': address } })
    for (let index = 0; index < 60; index += 1) await ask(wrong, `10.1.0.${index}`)
    assert.equal((await ask(text, '10.2.0.1')).status, 200)
  })
})

describe('a key that is no good', () => {
  it('is answered in the same way whether it is unknown, wrong or malformed (R5)', async () => {
    await using counter = await openCounter()
    const { text } = await counter.key({ verbs: ['list'] })
    const texts = [
      wrongKey(),
      `${text.slice(0, -1)}~`,
      text.slice(0, -1),
      `${text}x`,
      'x',
      'x'.repeat(5_000),
      '"',
    ]
    for (const door of DOORS) {
      const answers = []
      for (const key of texts) {
        for (const authorization of [
          `Bearer ${key}`,
          `Basic ${Buffer.from(`u:${key}`).toString('base64')}`,
        ]) {
          counter.clock.jump(GUESS_RULE.forgiveMs)
          const { status, headers, text } = await counter.ask({
            ...door,
            headers: { ...door.headers, authorization },
          })
          const { date: _date, 'x-request-id': id = '', ...told } = headers
          answers.push(JSON.stringify([status, told, text.replace(String(id), 'ID')]))
        }
      }
      assert.equal(new Set(answers).size, 1, answers.join('\n'))
    }
  })
})
