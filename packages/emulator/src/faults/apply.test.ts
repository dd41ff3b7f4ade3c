import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Emulator, startEmulator } from '../emulator.ts'
import { type Answer, ask, call, directUrl, listIn, multipart, report, upload } from '../testing/client.ts'
import { manualTimers } from '../timers.ts'
import type { FaultKind } from './faults.ts'

const FILE = { name: 'file[]', filename: 'test.txt', content: 'Hello world\n' }

describe('a fault of the API', () => {
  it('resets the connection before or after the operation', async () => {
    await using emulator = await startEmulator()
    emulator.fault({ at: 'folder/mkdir', kind: 'reset' })
    emulator.fault({ at: 'folder/mkdir', kind: 'reset-after' })
    await assert.rejects(call(emulator, 'folder/mkdir', { name: 'before' }), /socket hang up|ECONNRESET/)
    await assert.rejects(call(emulator, 'folder/mkdir', { name: 'after' }), /socket hang up|ECONNRESET/)
    assert.deepEqual(emulator.account.list('/')?.folders, ['after'])
    assert.deepEqual(emulator.snapshot().faults, { reset: 1, 'reset-after': 1 })
  })

  it('cuts the answer, halves its JSON, or lies about its length', async () => {
    await using emulator = await startEmulator()
    emulator.fault({ at: 'folder/ls', kind: 'cut', afterBytes: 10 })
    emulator.fault({ at: 'folder/ls', kind: 'truncated-json' })
    emulator.fault({ at: 'folder/ls', kind: 'wrong-length', byBytes: 5 })
    const cut = await list(emulator)
    assert.deepEqual([cut.body.length, cut.brokenBy], [10, 'ECONNRESET'])
    const truncated = await list(emulator)
    assert.equal(truncated.brokenBy, undefined)
    assert.throws(() => JSON.parse(truncated.body.toString()))
    const wrong = await list(emulator)
    assert.equal(wrong.body.length, Number(wrong.headers['content-length']) - 5)
    assert.equal(wrong.brokenBy, 'ECONNRESET')
  })

  it('answers HTML in place of JSON, with the operation done only on request', async () => {
    await using emulator = await startEmulator()
    emulator.fault({ at: 'folder/mkdir', kind: 'html' })
    emulator.fault({ at: 'folder/mkdir', kind: 'html', done: true })
    for (const name of ['no', 'yes'])
      await assert.rejects(call(emulator, 'folder/mkdir', { name }), SyntaxError)
    assert.deepEqual(emulator.account.list('/')?.folders, ['yes'])
  })

  it('leads elsewhere, says what it was told to, or repeats the credentials, and does nothing', async () => {
    await using emulator = await startEmulator()
    const location = 'https://elsewhere.example.com/'
    emulator.fault({ at: 'folder/mkdir', kind: 'redirect', status: 307, location })
    emulator.fault({ at: 'folder/mkdir', kind: 'forged', body: '{"url":"elsewhere.example.com"}' })
    emulator.fault({ at: 'folder/mkdir', kind: 'echo' })
    const make = (): Promise<Answer> =>
      ask(emulator, 'https://api.1fichier.com/v1/folder/mkdir.cgi', {
        method: 'POST',
        headers: { Authorization: `Bearer ${emulator.apiKey}`, 'Content-Type': 'application/json' },
        body: '{"name":"x"}',
      })
    const redirect = await make()
    assert.deepEqual([redirect.status, redirect.headers['location']], [307, location])
    assert.equal((await make()).body.toString(), '{"url":"elsewhere.example.com"}')
    assert.match((await make()).body.toString(), new RegExp(`Bearer ${emulator.apiKey}`))
    assert.deepEqual(emulator.account.list('/')?.folders, [])
  })

  const statuses: readonly (readonly [FaultKind, number, RegExp])[] = [
    [{ kind: 'status', status: 502 }, 502, /Can&#39;t connect DB/],
    [{ kind: 'maintenance' }, 503, /in maintenance/],
    [{ kind: 'too-many' }, 429, /Too many requests/],
    [{ kind: 'flood', scope: 'ip' }, 403, /Flood detected: IP Locked #\d+/],
    [{ kind: 'flood', scope: 'user' }, 403, /Flood detected: User Locked #\d+/],
    [{ kind: 'flood', scope: 'key' }, 403, /Flood detected: User APK Locked #\d+/],
    [{ kind: 'refusal', refusal: 'not-authenticated' }, 401, /Not authenticated #247/],
    [{ kind: 'refusal', refusal: 'no-such-user' }, 403, /No such user #93/],
    [{ kind: 'refusal', refusal: 'must-be-customer' }, 403, /Must be a customer \(Premium, Access\) #236/],
    [{ kind: 'refusal', refusal: 'owner-locked' }, 403, /Owner locked #649/],
    [{ kind: 'refusal', refusal: 'one-location' }, 403, /Only 1 location\(s\) allowed at a time #887/],
  ]
  for (const [kind, status, text] of statuses) {
    it(`answers ${JSON.stringify(kind)} with HTTP ${status}`, async () => {
      await using emulator = await startEmulator()
      emulator.fault({ at: '*', ...kind })
      const answer = await list(emulator)
      assert.equal(answer.status, status)
      assert.match(answer.body.toString(), text)
      assert.equal(answer.headers['retry-after'], undefined)
      assert.equal((await list(emulator)).status, 200)
    })
  }

  it('gives Retry-After when it is told to', async () => {
    await using emulator = await startEmulator()
    emulator.fault({ at: '*', kind: 'too-many', retryAfterSeconds: 7 })
    assert.equal((await list(emulator)).headers['retry-after'], '7')
  })

  it('can make a flood answer a real lock', async () => {
    await using emulator = await startEmulator()
    emulator.fault({ at: 'folder/ls', kind: 'flood', scope: 'key', locks: true })
    await list(emulator)
    assert.equal((await list(emulator)).status, 403)
    assert.equal(emulator.locks()[0]?.callsDuring, 1)
    emulator.forgive()
    assert.equal((await list(emulator)).status, 200)
  })

  it('floods other hosts with a page', async () => {
    await using emulator = await startEmulator({ readings: { floodStatus: 429 } })
    emulator.fault({ at: 'dir', kind: 'flood', scope: 'ip' })
    const answer = await ask(emulator, 'https://1fichier.com/dir/abDEf123?json=1')
    assert.equal(answer.status, 429)
    assert.match(answer.body.toString(), /^<!DOCTYPE html>.*IP Locked.*Will be unlocked within 1h/s)
  })

  it('halves the limits from then on', async () => {
    await using emulator = await startEmulator({ rules: 'documented', timers: manualTimers(0) })
    emulator.fault({ at: 'folder/ls', kind: 'halve-limits' })
    assert.equal((await list(emulator)).status, 200)
    assert.equal(emulator.rules().strictness, 2)
    assert.equal((await call(emulator, 'remote/ls')).status, 403)
  })

  it('waits on the timers of the emulator', async () => {
    const timers = manualTimers(0)
    await using emulator = await startEmulator({ timers })
    emulator.fault({ at: 'folder/ls', kind: 'slow', delayMs: 60_000 })
    const answer = list(emulator)
    while (timers.waiting() === 0) await new Promise((resolve) => setImmediate(resolve))
    timers.advance(60_000)
    assert.equal((await answer).status, 200)
  })

  it('never answers until the client or the emulator is gone', async () => {
    const emulator = await startEmulator()
    emulator.fault({ at: 'folder/ls', kind: 'stall', times: 2 })
    const impatient = new AbortController()
    const first = list(emulator, impatient.signal)
    while (emulator.snapshot().faults['stall'] !== 1) await new Promise((resolve) => setImmediate(resolve))
    impatient.abort()
    await assert.rejects(first, { name: 'AbortError' })
    const second = assert.rejects(list(emulator), /socket hang up|ECONNRESET/)
    while (emulator.snapshot().faults['stall'] !== 2) await new Promise((resolve) => setImmediate(resolve))
    await emulator[Symbol.asyncDispose]()
    await second
  })
})

describe('a fault of an upload', () => {
  it('cuts the request, and nothing is stored', async () => {
    await using emulator = await startEmulator()
    emulator.fault({ at: 'upload.cgi', kind: 'cut', afterBytes: 1_000 })
    const big = { ...FILE, content: Buffer.alloc(1_000_000, 'x') }
    await assert.rejects(upload(emulator, [big]), /socket hang up|ECONNRESET|EPIPE/)
    assert.equal(emulator.snapshot().uploads.files, 0)
    assert.ok(emulator.snapshot().bytesUp < 1_000_000)
  })

  it('stores a changed byte, with the checksum of what is stored', async () => {
    await using emulator = await startEmulator()
    emulator.fault({ at: 'upload.cgi', kind: 'corrupt' })
    const { node, answer } = await upload(emulator, [FILE])
    const [link] = listIn(await report(emulator, node, answer), 'links')
    assert.doesNotMatch(String(link?.['whirlpool']), /^0a894ff0/)
    const stored = await emulator.account.readFile('/test.txt')
    assert.notEqual(stored.toString(), FILE.content)
    assert.equal(stored.subarray(1).toString(), FILE.content.slice(1))
  })

  it('carries the upload out and loses the redirect', async () => {
    const timers = manualTimers(0)
    await using emulator = await startEmulator({ timers })
    emulator.fault({ at: 'upload.cgi', kind: 'reset-after' })
    await assert.rejects(upload(emulator, [FILE]), /socket hang up|ECONNRESET/)
    timers.advance(60_000)
    assert.equal((await call(emulator, 'file/ls')).json['count'], 1)
  })

  it('lets end.pl be late, as HTML or without links', async () => {
    await using emulator = await startEmulator()
    emulator.fault({ at: 'end.pl', kind: 'end-late' })
    emulator.fault({ at: 'end.pl', kind: 'end-late', shape: 'empty' })
    const { node, answer } = await upload(emulator, [FILE])
    const url = `${node}${answer.headers.location}`
    const page = await ask(emulator, url, { headers: { JSON: '1' } })
    assert.match(page.body.toString(), /Veuillez patienter/)
    assert.deepEqual((await report(emulator, node, answer))['links'], [])
    assert.deepEqual(emulator.account.files(), [])
    assert.equal(listIn(await report(emulator, node, answer), 'links').length, 1)
  })

  it('has a node that cannot open its storage', async () => {
    await using emulator = await startEmulator()
    emulator.fault({ at: 'upload.cgi', kind: 'node-cannot-open' })
    const { answer } = await upload(emulator, [FILE])
    assert.match(answer.body.toString(), /Ne peut ouvrir le fichier destination/)
    assert.equal((await upload(emulator, [FILE])).answer.status, 302)
  })

  it('reads the body of a refused upload before it answers', async () => {
    await using emulator = await startEmulator()
    emulator.fault({ at: 'upload.cgi', kind: 'maintenance' })
    const body = multipart([{ ...FILE, content: Buffer.alloc(3_000_000) }])
    const answer = await ask(emulator, 'https://up1.1fichier.com/upload.cgi?id=x', { method: 'POST', body })
    assert.equal(answer.status, 503)
  })
})

describe('a fault of a download', () => {
  it('cuts, spoils, stretches or ignores', async () => {
    await using emulator = await startEmulator()
    const bytes = Buffer.alloc(500_000, 'x')
    const { link } = await emulator.account.putFile('/a', bytes)
    const url = await directUrl(emulator, link)
    emulator.fault({ at: 'direct', kind: 'cut', afterBytes: 300_000 })
    emulator.fault({ at: 'direct', kind: 'corrupt', offset: 400_000 })
    emulator.fault({ at: 'direct', kind: 'wrong-length', byBytes: 9 })
    emulator.fault({ at: 'direct', kind: 'ignore-range' })
    emulator.fault({ at: 'direct', kind: 'html' })
    const cut = await ask(emulator, url)
    assert.deepEqual([cut.body.length, cut.brokenBy], [300_000, 'ECONNRESET'])
    const spoilt = await ask(emulator, url, { headers: { Range: 'bytes=399990-' } })
    assert.equal(spoilt.body.indexOf(0x78 ^ 0xff), 10)
    assert.equal((await ask(emulator, url)).brokenBy, 'ECONNRESET')
    const whole = await ask(emulator, url, { headers: { Range: 'bytes=5-' } })
    assert.deepEqual([whole.status, whole.body.length], [200, 500_000])
    const page = await ask(emulator, url)
    assert.match(String(page.headers['content-type']), /^text\/html/)
    assert.ok((await ask(emulator, url)).body.equals(bytes))
  })

  it('ends a link before its time', async () => {
    await using emulator = await startEmulator()
    const { link } = await emulator.account.putFile('/a', Buffer.from('a'))
    const url = await directUrl(emulator, link)
    emulator.fault({ at: 'direct', kind: 'expired-link' })
    for (let n = 0; n < 2; n += 1) assert.match((await ask(emulator, url)).body.toString(), /expired/)
    assert.equal((await ask(emulator, await directUrl(emulator, link))).body.toString(), 'a')
  })

  it('refuses in HTML', async () => {
    await using emulator = await startEmulator()
    emulator.fault({ at: 'direct', kind: 'refusal', refusal: 'professional-equipment' })
    const answer = await ask(emulator, 'https://a-1.1fichier.com/p1')
    assert.equal(answer.status, 403)
    assert.match(
      answer.body.toString(),
      /<html>.*Premium status is only allowed .* residential private connections/s,
    )
  })
})

describe('a client that goes away', () => {
  it('leaves the emulator able to serve the next', async () => {
    await using emulator = await startEmulator()
    const { link } = await emulator.account.putSynthetic('/huge', { sizeBytes: 1e11, seed: 'x' })
    const url = await directUrl(emulator, link)
    const leaving = new AbortController()
    const download = ask(emulator, url, { signal: leaving.signal })
    while (emulator.snapshot().bytesDown < 1_000_000) await new Promise((resolve) => setImmediate(resolve))
    leaving.abort()
    const ended = await download.catch((failure: unknown) => failure)
    assert.ok(ended)
    assert.equal((await list(emulator)).status, 200)
  })
})

function list(emulator: Emulator, signal?: AbortSignal): Promise<Answer> {
  return ask(emulator, 'https://api.1fichier.com/v1/folder/ls.cgi', {
    method: 'POST',
    body: '{}',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${emulator.apiKey}` },
    ...(signal === undefined ? {} : { signal }),
  })
}
