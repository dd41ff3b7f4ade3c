import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { createKeyText, GatewayError, VERBS } from '@guichet/core'
import { type Counter, openCounter } from './counter.testing.ts'
import { refusalOf } from './proxy/refusals.ts'

const SECRETS = ['k7Qz-Wm2RtY9_xB4=nLp3HsVd8GjC5fA', createKeyText((count) => randomBytes(count))]
const WRITINGS: readonly ((secret: string) => string)[] = [
  (secret) => secret,
  (secret) => Buffer.from(`any:${secret}`).toString('base64url'),
  (secret) => Buffer.from(secret).toString('hex'),
  (secret) => [...secret].map((one) => `%${one.charCodeAt(0).toString(16)}`).join(''),
]
const WRITTEN = SECRETS.flatMap((secret) => WRITINGS.map((write) => ({ secret, text: write(secret) })))

let counter: Counter
before(async () => {
  counter = await openCounter()
})
after(() => counter[Symbol.asyncDispose]())

function assertHidden(said: string, { secret, text }: (typeof WRITTEN)[number], where: string): void {
  for (const one of [text, secret]) assert.ok(!said.includes(one), `${where}: ${said}`)
}

describe('a key in the wrong place of a request', () => {
  it('is in no answer that refuses, at any door, and in no line of the log (K18)', async () => {
    const { text: key } = await counter.key({ verbs: VERBS })
    for (const written of WRITTEN) {
      const { text } = written
      const answers = {
        'no door': await counter.ask({ path: `/somewhere/${text}` }),
        'the API, path': await counter.api(key, 'GET', `/${text}`),
        'the API, body': await counter.api(key, 'POST', '/remove', { at: [`/${text}/${text}`] }),
        'the API, query': await counter.api(key, 'GET', `/nodes?at=folder:${text}`),
        'the native door, path': await counter.native(key, `folder/${text}`, {}),
        'the native door, body': await counter.native(key, 'folder/ls', { folder_id: text }),
        'the native door, no JSON': await counter.native(key, 'file/info', `{"url": ${text}`),
      }
      for (const [where, answer] of Object.entries(answers)) {
        assert.ok(answer.status >= 400, `${where}: ${answer.status}`)
        assertHidden(answer.text, written, where)
      }
      assertHidden(counter.logged.join(''), written, 'the log')
    }
  })

  it('is in no refusal of the proxy (K18)', () => {
    for (const written of WRITTEN) {
      const error = new GatewayError('forbidden', `you may not reach ${written.text}`, {
        hint: `ask for ${written.text}`,
      })
      const { message, hint } = refusalOf(error)
      assertHidden(`${message} ${hint}`, written, 'the proxy')
    }
  })
})
