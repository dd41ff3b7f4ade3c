import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startEmulator } from '../emulator.ts'
import { call } from '../testing/client.ts'

async function tell(url: string, method: string, body?: unknown): Promise<{ status: number; text: string }> {
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body) }
  const answer = await fetch(url, init)
  return { status: answer.status, text: await answer.text() }
}

describe('the control API', () => {
  it('explains itself, and hands out the CA', async () => {
    await using emulator = await startEmulator()
    const index = await tell(emulator.controlUrl, 'GET')
    for (const word of ['/snapshot', 'folder-listing', 'truncated-json', 'floodStatus', emulator.apiKey]) {
      assert.ok(index.text.includes(word), word)
    }
    assert.equal((await tell(`${emulator.controlUrl}/ca.pem`, 'GET')).text, emulator.caPem)
    const lost = await tell(`${emulator.controlUrl}/nope`, 'GET')
    assert.equal(lost.status, 404)
    assert.match(lost.text, /no GET \/nope here/)
  })

  it('seeds the account', async () => {
    await using emulator = await startEmulator()
    const url = `${emulator.controlUrl}/account`
    await tell(url, 'POST', [
      { mkdir: '/a' },
      { putFile: '/a/b.txt', text: 'hi' },
      { putFile: '/a/c.bin', base64: 'AAE=' },
      { putSynthetic: '/big.bin', sizeBytes: 300e9 },
      { putForest: '/many', folders: 10, filesPerFolder: 1 },
    ])
    assert.equal((await emulator.account.readFile('/a/b.txt')).toString(), 'hi')
    assert.equal(JSON.parse((await tell(url, 'GET')).text).files.length, 13)
    for (const seed of [{}, { putFile: '/x' }, { putSynthetic: '/x', sizeBytes: -1 }, 5]) {
      assert.equal((await tell(url, 'POST', seed)).status, 400, JSON.stringify(seed))
    }
  })

  it('queues faults, and refuses what is none', async () => {
    await using emulator = await startEmulator()
    const url = `${emulator.controlUrl}/faults`
    const waiting = await tell(url, 'POST', { at: 'file/ls', kind: 'status', status: 500, times: 'always' })
    assert.deepEqual(JSON.parse(waiting.text), [
      { at: 'file/ls', kind: 'status', status: 500, times: 'always', after: 0 },
    ])
    await assert.rejects(call(emulator, 'file/ls'), SyntaxError)
    const wrong = [
      { at: 'x' },
      { at: 'x', kind: 'status' },
      { at: 'x', kind: 'reset', color: 'red' },
      { kind: 'reset' },
      { at: 'x', kind: 'refusal', refusal: 'no' },
    ]
    for (const fault of wrong)
      assert.equal((await tell(url, 'POST', fault)).status, 400, JSON.stringify(fault))
    assert.equal((await tell(url, 'DELETE')).text, '[]\n')
    assert.equal((await call(emulator, 'file/ls')).status, 200)
  })

  it('changes rules and readings, and names every mistake', async () => {
    await using emulator = await startEmulator()
    const { controlUrl } = emulator
    await tell(`${controlUrl}/rules`, 'POST', { level: 'documented', timeScale: 60 })
    assert.deepEqual([emulator.rules().level, emulator.rules().timeScale], ['documented', 60])
    const rules = await tell(`${controlUrl}/rules`, 'POST', { level: 'strict', speed: 1, timeScale: 0 })
    assert.equal(rules.status, 400)
    for (const name of ['level', 'speed', 'timeScale']) assert.ok(rules.text.includes(name), name)
    await tell(`${controlUrl}/readings`, 'POST', { floodStatus: 429, listingLagMs: 5 })
    assert.equal(emulator.readings().floodStatus, 429)
    const readings = await tell(`${controlUrl}/readings`, 'POST', {
      floodStatus: 418,
      listingLagMs: 'x',
      nope: 1,
    })
    assert.equal(readings.status, 400)
    for (const name of ['floodStatus', 'listingLagMs', 'nope']) assert.ok(readings.text.includes(name), name)
    assert.equal(JSON.parse((await tell(`${controlUrl}/readings`, 'GET')).text).table.xid.item, 'C7')
  })

  it('shows and ends locks, and resets what was counted', async () => {
    await using emulator = await startEmulator({ rules: 'documented' })
    const { controlUrl } = emulator
    await call(emulator, 'folder/ls')
    await call(emulator, 'folder/ls')
    assert.equal(JSON.parse((await tell(`${controlUrl}/locks`, 'GET')).text)[0].cause, 'folder-listing')
    assert.equal((await tell(`${controlUrl}/locks`, 'DELETE')).text, '[]\n')
    assert.equal(JSON.parse((await tell(`${controlUrl}/snapshot`, 'GET')).text).calls['folder/ls'], 2)
    await tell(`${controlUrl}/reset`, 'POST')
    assert.deepEqual(emulator.snapshot().calls, {})
  })

  it('does not answer a web page', async () => {
    await using emulator = await startEmulator()
    const answer = await fetch(`${emulator.controlUrl}/snapshot`, {
      headers: { Origin: 'https://example.com' },
    })
    assert.equal(answer.status, 403)
    assert.ok(!(await answer.text()).includes(emulator.apiKey))
  })
})
