import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { createKeyText } from '@guichet/core'
import { upstreamCalls } from '../clients.ts'
import { call, type Stand, startStand } from '../stand.ts'
import { basic, deniedSince, ledgerOf, speak, statusesIn } from './outside.ts'

const GUESSES = 2_000
const GUESSERS = 20
const wrongKey = (): string => createKeyText((count) => randomBytes(count))

describe('somebody without a key', () => {
  let stand: Stand
  let key: string
  before(async () => {
    stand = await startStand()
    key = (await stand.issue('read')).key
  })
  after(() => stand[Symbol.asyncDispose]())

  async function ask(text: string, headers: Record<string, string> = {}) {
    const answer = await fetch(`${stand.url}/api/v1/children?at=/`, {
      headers: { authorization: `Bearer ${text}`, ...headers },
    })
    return { status: answer.status, retryAfter: answer.headers.get('retry-after'), text: await answer.text() }
  }

  it('tries keys at speed, is slowed, fills no disk, and is in nobody’s way (R5)', async (test) => {
    const mark = ledgerOf(stand).length
    const began = performance.now()
    const calls = upstreamCalls(stand)
    const answers: Awaited<ReturnType<typeof ask>>[] = []
    const guesser = async (): Promise<void> => {
      for (let tried = 0; tried < GUESSES / GUESSERS; tried += 1) answers.push(await ask(wrongKey()))
    }
    await Promise.all(Array.from({ length: GUESSERS }, guesser))
    const tookMs = performance.now() - began
    const statuses = answers.map(({ status }) => status)
    assert.deepEqual([...new Set(statuses)].sort(), [401, 429])
    const judged = statuses.filter((status) => status === 401).length
    assert.ok(judged <= 60, `${judged} of ${GUESSES} were judged`)
    assert.ok(answers.every(({ status, retryAfter }) => status === 401 || Number(retryAfter) >= 1))
    assert.equal(upstreamCalls(stand), calls, 'nothing went upstream')
    assert.equal((await ask(key)).status, 200, 'a good key from the same address is served')
    const lines = deniedSince(stand, mark)
    assert.equal(lines.length, judged)
    assert.ok(lines.every(({ key: who, verb }) => who === 'nobody' && verb === 'authenticate'))
    assert.ok(lines.some(({ reason }) => /the next from 127\.0\.0\.1 are only counted/.test(reason)))
    test.diagnostic(`${GUESSES} guesses in ${Math.round(tookMs)} ms: ${judged} judged, ${lines.length} lines`)
  })

  it('says that it is somebody else each time, and is not believed (R5, K9)', async () => {
    const claims = Array.from({ length: 40 }, (_, index) => ({
      'x-forwarded-for': `198.51.100.${index}`,
      'x-real-ip': `198.51.100.${index}`,
      forwarded: `for=198.51.100.${index}`,
    }))
    const answers = []
    for (const claim of claims) answers.push(await ask(wrongKey(), claim))
    assert.ok(answers.filter(({ status }) => status === 429).length >= 15, 'it counts as one')
    const lines = ledgerOf(stand).filter(({ reason, target }) => /198\.51\.100/.test(reason + target))
    assert.deepEqual(lines, [], 'its words are nowhere taken for its address')
  })

  it('learns no difference between the doors, the schemes and the kinds of wrong keys (R5)', async () => {
    const texts = [wrongKey(), `${key.slice(0, -1)}~`, key.slice(0, -1), 'x', key.toLowerCase()]
    for (const text of texts) {
      for (const authorization of [`Bearer ${text}`, basic(text)]) {
        const answer = await ask(text, { authorization })
        assert.ok([401, 429].includes(answer.status))
        assert.ok(!answer.text.includes(text), 'what was sent is not repeated')
      }
      const native = await call(stand, text, 'folder/ls', {})
      assert.ok([401, 429].includes(native.status))
      const tunnel = await speak(
        stand.url,
        `CONNECT api.1fichier.com:443 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${basic(text)}\r\n\r\n`,
      )
      assert.ok([407, 429].includes(statusesIn(tunnel)[0] ?? 0), tunnel)
    }
  })
})
