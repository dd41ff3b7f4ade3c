import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { type Emulator, startEmulator } from './emulator.ts'
import { type Answer, ask, call, directUrl, report, upload } from './testing/client.ts'
import { manualTimers } from './timers.ts'

const API = 'https://api.1fichier.com/v1'

function bare(
  emulator: Emulator,
  path: string,
  headers: Readonly<Record<string, string>>,
  body = '',
): Promise<Answer> {
  return ask(emulator, `${API}/${path}`, { method: 'POST', headers, body })
}

describe('the API', () => {
  it('wants the JSON content type on every call, even on a GET', async () => {
    await using emulator = await startEmulator()
    const answer = await ask(emulator, `${API}/upload/get_upload_server.cgi`)
    assert.deepEqual(JSON.parse(answer.body.toString()), { message: 'Content-Type not JSON #24' })
    const headers = { 'Content-Type': 'application/json' }
    const server = await ask(emulator, `${API}/upload/get_upload_server.cgi`, { headers })
    assert.match(server.body.toString(), /"id":"[A-Za-z0-9]{10}"/)
  })

  it('tells a missing key from a wrong one, in three readings', async () => {
    await using emulator = await startEmulator()
    const json = { 'Content-Type': 'application/json' }
    assert.equal((await bare(emulator, 'file/ls.cgi', json)).status, 401)
    const wrong = { ...json, Authorization: 'Bearer wrong' }
    const seen: string[] = []
    for (const wrongKey of ['not-authenticated', 'no-such-user', 'bad-token'] as const) {
      emulator.setReadings({ wrongKey })
      const { status, body } = await bare(emulator, 'file/ls.cgi', wrong)
      seen.push(`${status} ${JSON.parse(body.toString()).message}`)
    }
    assert.deepEqual(seen, ['401 Not authenticated #247', '403 No such user #93', '403 Bad token'])
  })

  it('takes an empty body and an empty string, and refuses broken JSON', async () => {
    await using emulator = await startEmulator()
    const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${emulator.apiKey}` }
    for (const body of ['', '""', '{}']) {
      assert.equal((await bare(emulator, 'user/info.cgi', headers, body)).status, 200, body)
    }
    assert.equal((await bare(emulator, 'user/info.cgi', headers, '{"a":')).status, 400)
  })

  it('changes the order of keys, and is readable with pretty', async () => {
    await using emulator = await startEmulator()
    const orders = new Set<string>()
    for (let n = 0; n < 12; n += 1) orders.add(Object.keys((await call(emulator, 'user/info')).json).join())
    assert.ok(orders.size > 6)
    const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${emulator.apiKey}` }
    const pretty = await bare(emulator, 'remote/ls.cgi', headers, '{"pretty":1}')
    assert.match(pretty.body.toString(), /\n {3}"/)
  })

  it('compresses for a client that offers it', async () => {
    await using emulator = await startEmulator()
    const headers = {
      'Content-Type': 'application/json',
      'Accept-Encoding': 'gzip',
      Authorization: `Bearer ${emulator.apiKey}`,
    }
    const answer = await bare(emulator, 'remote/ls.cgi', headers)
    assert.equal(answer.headers['content-encoding'], 'gzip')
    assert.equal(JSON.parse(gunzipSync(answer.body).toString()).status, 'OK')
  })

  it('explains a request that it does not know', async () => {
    await using emulator = await startEmulator()
    const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${emulator.apiKey}` }
    const unknown = await bare(emulator, 'folder/list.cgi', headers)
    assert.equal(unknown.status, 404)
    assert.match(unknown.body.toString(), /POST https:\/\/api\.1fichier\.com\/v1\/folder\/list\.cgi/)
    assert.match(unknown.body.toString(), /folder\/ls\.cgi/)
    assert.match(unknown.body.toString(), /routes\/table\.ts/)
    const host = await ask(emulator, 'https://nothing.example.com/').catch((error: Error) => error.message)
    assert.match(String(host), /altnames/)
  })
})

describe('the rules on the wire', () => {
  it('answer a flood with 403, 429 or 200, and with Retry-After when told to', async () => {
    await using emulator = await startEmulator({ rules: 'documented', timers: manualTimers(0) })
    await call(emulator, 'folder/ls')
    const seen: string[] = []
    for (const floodStatus of [403, 429, 200] as const) {
      emulator.setReadings({ floodStatus })
      const { status, json, headers } = await call(emulator, 'folder/ls')
      seen.push(`${status} ${json['status']} ${json['message']} ${headers['retry-after']}`)
    }
    assert.deepEqual(seen, [
      '403 KO Flood detected: IP Locked #374 undefined',
      '429 KO Flood detected: IP Locked #374 undefined',
      '200 KO Flood detected: IP Locked #374 undefined',
    ])
    emulator.setReadings({ retryAfter: 'present' })
    assert.equal((await call(emulator, 'folder/ls')).headers['retry-after'], '300')
    const { broken, locks, callsInLock } = emulator.snapshot()
    assert.deepEqual(
      { broken, locks, callsInLock },
      { broken: { 'folder-listing': 1 }, locks: 1, callsInLock: 3 },
    )
  })

  it('leave downloads and uploads alone during a lock', async () => {
    const timers = manualTimers(0)
    await using emulator = await startEmulator({ rules: 'documented', timers })
    const { link } = await emulator.account.putFile('/a', Buffer.from('a'))
    const url = await directUrl(emulator, link)
    await call(emulator, 'file/ls', { folder_id: 0 })
    await call(emulator, 'file/ls', { folder_id: 0 })
    assert.equal(emulator.locks().length, 1)
    assert.equal((await ask(emulator, url)).body.toString(), 'a')
    timers.advance(300_000)
    assert.equal((await call(emulator, 'file/ls', { folder_id: 0 })).status, 200)
  })

  it('ban an address for refusals that go on', async () => {
    const timers = manualTimers(0)
    await using emulator = await startEmulator({ rules: 'documented', timers })
    for (let n = 0; n < 21; n += 1) {
      timers.advance(1_000)
      const { json } = await call(emulator, 'file/info', { url: 'https://1fichier.com/?nonesuch' })
      assert.equal(json['message'], 'Resource not found #469')
    }
    timers.advance(1_000)
    assert.equal((await call(emulator, 'remote/ls')).json['message'], 'IP Locked #79')
    assert.deepEqual(emulator.snapshot().broken, { refusals: 1 })
  })

  it('never spend a fault on a call that a lock answers', async () => {
    await using emulator = await startEmulator({ rules: 'documented', timers: manualTimers(0) })
    await call(emulator, 'folder/ls')
    await call(emulator, 'folder/ls')
    emulator.fault({ at: 'folder/ls', kind: 'reset' })
    assert.equal((await call(emulator, 'folder/ls')).status, 403)
    assert.equal(emulator.faults().length, 1)
  })
})

describe('key sightings', () => {
  it('name every host and path that saw the key, and in what place', async () => {
    await using emulator = await startEmulator()
    const { node, answer } = await upload(emulator, [{ name: 'file[]', filename: 'a', content: 'a' }])
    await report(emulator, node, answer)
    await call(emulator, 'file/ls')
    const clean = emulator.snapshot().keySightings.map(({ host, path, place }) => `${host}${path} ${place}`)
    assert.deepEqual(clean, [
      'api.1fichier.com/v1/upload/get_upload_server.cgi authorization',
      `${new URL(node).host}/upload.cgi authorization`,
      'api.1fichier.com/v1/file/ls.cgi authorization',
    ])
    emulator.resetCounters()
    await ask(emulator, `https://a-1.1fichier.com/p1?key=${emulator.apiKey}`, {
      headers: { Cookie: `key=${emulator.apiKey}`, Authorization: 'Basic abc' },
    })
    await call(emulator, 'file/info', { url: emulator.apiKey })
    const leaks = emulator.snapshot().keySightings.map(({ host, path, place }) => `${host}${path} ${place}`)
    assert.deepEqual(leaks.sort(), [
      'a-1.1fichier.com/p… authorization',
      'a-1.1fichier.com/p… header:cookie',
      'a-1.1fichier.com/p… url',
      'api.1fichier.com/v1/file/info.cgi authorization',
      'api.1fichier.com/v1/file/info.cgi body',
    ])
  })
})
