import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createKeyText, TRAITS } from '@guichet/core'

const MAIN = join(import.meta.dirname, 'main.ts')
const VIRTUAL_KEY = createKeyText((count) => randomBytes(count))
const API_KEY = 'k7Qz-Wm2RtY9_xB4=nLp3HsVd8GjC5fA'

/** A process in which something fails outside of every wait. */
async function crash(
  how: 'thrown' | 'rejected',
  env: Readonly<Record<string, string>>,
): Promise<{ readonly exit: number | null; readonly errors: string }> {
  const failure = `new Error('it broke with ${VIRTUAL_KEY}, Bearer ${API_KEY} and ${btoa(VIRTUAL_KEY)}')`
  const fail = how === 'thrown' ? `throw ${failure}` : `Promise.reject(${failure})`
  // Once the program has come so far that it listens.
  const wait = `const timer = setInterval(() => { if (process.listenerCount('uncaughtException') > 0) { clearInterval(timer); ${fail} } }, 20)`
  const code = `data:text/javascript,${encodeURIComponent(wait)}`
  const child = spawn(process.execPath, ['--import', code, MAIN, 'emulator', '--port', '0'], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  const pieces: Buffer[] = []
  child.stderr.on('data', (piece: Buffer) => pieces.push(piece))
  const exit = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { exit, errors: Buffer.concat(pieces).toString() }
}

describe('a process that breaks', () => {
  for (const how of ['thrown', 'rejected'] as const) {
    it(`says so in one clean line, without a key: ${how} (K18)`, async () => {
      const { exit, errors } = await crash(how, {})
      assert.equal(exit, TRAITS.internal.exit)
      assert.match(errors, /^error: something failed in a way that guichet does not know$/m)
      assert.doesNotMatch(errors, /\bat .*:\d+:\d+|it broke/)
    })
  }

  it('hides keys in the details, too (K18)', async () => {
    const { errors } = await crash('rejected', { GUICHET_DEBUG: '1' })
    assert.match(errors, /it broke with /)
    for (const secret of [VIRTUAL_KEY, API_KEY, btoa(VIRTUAL_KEY).slice(4, -4)])
      assert.ok(!errors.includes(secret), errors)
  })
})
