import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { type DirectContent, ROOT } from '@guichet/core'
import { FakeClock } from '@guichet/testkit'
import { createLog } from '../log.ts'
import { type Answer, type Counter, openCounter } from './counter.testing.ts'
import { listen } from './server.ts'
import type { Fault } from './upstream.testing.ts'

async function withDownload(lifetimeMs?: number) {
  const counter = await openCounter()
  counter.account.plant(ROOT, 'file.bin', new Uint8Array(5_000), 1e12)
  const { text, key } = await counter.key({ verbs: ['list', 'download'], ...(lifetimeMs && { lifetimeMs }) })
  await counter.native(text, 'folder/ls', {})
  const held = Promise.withResolvers<void>()
  counter.fail('openDirect', heldBack(held.promise))
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { authorization: `Bearer ${text}`, range: 'bytes=0-4000' }
    const request = httpRequest(
      { port: counter.port, path: '/api/v1/content?at=/file.bin', headers },
      resolve,
    )
    request.on('error', reject)
    request.end()
  })
  let bytes = 0
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  response.on('error', () => undefined)
  const closed = new Promise<number>((resolve) => response.once('close', () => resolve(bytes)))
  return { counter, text, key, held, closed }
}

/** The first byte at once, the others when they are let go. */
function heldBack(until: Promise<void>): Fault {
  return async (go) => {
    const content = (await go()) as DirectContent
    async function* body(): AsyncGenerator<Uint8Array> {
      for await (const chunk of content.body) {
        yield chunk.subarray(0, 1)
        await until
        yield chunk.subarray(1)
      }
    }
    return { ...content, body: body() }
  }
}

describe('what is under way', () => {
  it('is cut at once when its key is revoked, which is on disk before (K8)', async () => {
    const { counter, key, closed, held } = await withDownload()
    await using _ = counter
    const { json } = await counter.api(undefined, 'DELETE', `/keys/${key.id}`)
    assert.equal(typeof json['revokedMs'], 'number')
    assert.equal(await closed, 1)
    held.resolve()
  })

  it('is cut when its key expires, and other keys go on', async () => {
    const { counter, closed, held } = await withDownload(60_000)
    await using _ = counter
    await counter.key({ verbs: ['list'], lifetimeMs: 120_000 })
    await counter.clock.advance(60_000)
    assert.equal(await closed, 1)
    held.resolve()
  })

  it('may end when the gateway stops, while new work is refused', async () => {
    const { counter, text, closed, held } = await withDownload()
    await using _ = counter
    const kept = connect(counter.port, '127.0.0.1')
    kept.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
    await new Promise((resolve) => kept.once('data', resolve))
    const drained = counter.server.drain()
    await assert.rejects(counter.native(text, 'folder/ls', {}))
    kept.on('error', () => undefined)
    held.resolve()
    assert.equal(await closed, 4_001)
    await drained
    assert.equal(counter.clock.sleeping, 0)
  })

  it('ends without a fault in the log when the client leaves', async () => {
    const { counter, text, held } = await withDownload()
    await using _ = counter
    counter.fail('openDirect', heldBack(held.promise))
    const socket = connect(counter.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(
      `GET /api/v1/content?at=/file.bin HTTP/1.1\r\nHost: x\r\nRange: bytes=0-4000\r\nAuthorization: Bearer ${text}\r\n\r\n`,
    )
    await new Promise((resolve) => socket.once('data', resolve))
    socket.resetAndDestroy()
    held.resolve()
    while (!counter.logged.some((line) => /the client has left|"level":50/.test(line))) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.deepEqual(
      counter.logged.filter((line) => line.includes('"level":50')),
      [],
    )
  })

  it('is cut when it does not end in time', async () => {
    const { counter, closed, held } = await withDownload()
    await using _ = counter
    const drained = counter.server.drain()
    await counter.clock.advance(20_000)
    await drained
    assert.equal(await closed, 1)
    held.resolve()
  })

  it('is so much for one key, and not more; other keys and the owner go on', async () => {
    await using counter = await openCounter()
    const greedy = await counter.key({ verbs: ['list'] })
    const other = await counter.key({ verbs: ['list'] })
    const held = Promise.withResolvers<void>()
    counter.fail('listFolder', async (go) => {
      await held.promise
      return go()
    })
    const ask = (key?: string) => counter.api(key, 'GET', '/children?at=/')
    const asked = Array.from({ length: 1_600 }, () => ask(greedy.text))
    const refused: Answer[] = []
    await new Promise<void>((resolve) => {
      for (const answer of asked)
        answer.then((one) => (refused.push(one) === 1_600 - 1_500 ? resolve() : undefined))
    })
    for (const { status, json, headers } of refused) {
      assert.equal(status, 503)
      assert.match(String(json['message']), /1500 requests under way/)
      assert.equal(headers['retry-after'], '1')
    }
    const [theirs, owners] = [ask(other.text), ask()]
    held.resolve()
    assert.deepEqual([(await theirs).status, (await owners).status], [200, 200])
    const statuses = (await Promise.all(asked)).map(({ status }) => status)
    assert.equal(statuses.filter((status) => status === 200).length, 1_500)
    assert.equal((await ask(greedy.text)).status, 200)
  })

  it('leaves nothing open when the server goes', async () => {
    const { counter, closed, held } = await withDownload(60_000)
    await counter[Symbol.asyncDispose]()
    assert.equal(await closed, 1)
    assert.equal(counter.clock.sleeping, 0)
    held.resolve()
  })
})

describe('the one port', () => {
  it('tells whoever comes too early to come again, in the words of each door', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'doors-'))
    await using opened = new AsyncDisposableStack()
    opened.defer(() => rm(folder, { recursive: true }))
    const server = await listen({
      listen: { host: '127.0.0.1', port: 0 },
      adminSocket: path.join(folder, 'run', 'admin.sock'),
      random: (count) => new Uint8Array(count),
      clock: new FakeClock(),
      log: createLog('silent'),
    })
    opened.use(server)
    const ask = (at: string): Promise<Response> => fetch(`http://${server.address}${at}`)
    const [api, native, health] = [
      await ask('/api/v1/status'),
      await ask('/v1/user/info.cgi'),
      await ask('/healthz'),
    ]
    for (const { status, headers } of [api, native, health]) {
      assert.equal(status, 503)
      assert.equal(headers.get('retry-after'), '5')
    }
    const failure = (await api.json()) as Record<string, unknown>
    assert.deepEqual([failure['code'], failure['message']], ['unavailable', 'the gateway is starting'])
    assert.match(await native.text(), /^\{"status":"KO","message":"Not available: the gateway is starting/)
    assert.equal(await health.text(), 'the gateway is starting\n')
  })

  it('says what it is, whether it is ready, and what is not there', async () => {
    await using counter = await openCounter()
    assert.match((await counter.ask({ path: '/' })).text, /This is Guichet/)
    assert.deepEqual((await counter.ask({ path: '/healthz' })).json, { status: 'ok', keyholder: 'ready' })
    const missing = await counter.ask({
      path: '/console/params.pl',
      method: 'POST',
      body: 'x'.repeat(100_000),
    })
    assert.equal(missing.status, 404)
    for (const path of [
      '//evil.example/v1/x.cgi',
      '/%00',
      '/v1/%2e%2e/x.cgi',
      '/\\x',
      '/api/v1/keys/%E0%A4%A',
    ]) {
      const { status } = await counter.ask({ path })
      assert.ok([400, 401, 404].includes(status), `${path}: ${status}`)
    }
    assert.ok(!counter.logged.some((line) => line.includes('"level":50')))
  })

  it('logs the cause of what failed inside, and tells the client only where to look', async () => {
    await using counter = await openCounter()
    const { text } = await counter.key({ verbs: ['list'] })
    counter.fail('listFolder', () => {
      throw new TypeError('a fault of our own')
    })
    const native = await counter.native(text, 'folder/ls', {})
    assert.equal(native.status, 500)
    assert.doesNotMatch(native.text, /a fault of our own/)
    const line = counter.logged.find((entry) => entry.includes('"level":50')) ?? ''
    assert.match(line, /TypeError: a fault of our own/)
    assert.ok(line.includes(String(native.headers['x-request-id'])))
  })

  it('does not write into an answer that is under way when the connection turns to nonsense', async () => {
    const { counter, text, held } = await withDownload()
    await using _ = counter
    counter.fail('openDirect', heldBack(held.promise))
    const socket = connect(counter.port, '127.0.0.1')
    let told = ''
    socket.on('error', () => undefined)
    const closed = new Promise((resolve) => socket.once('close', resolve))
    const begun = new Promise<void>((resolve) => {
      socket.on('data', (chunk) => {
        told += String(chunk)
        if (told.endsWith('\r\n\r\n\0')) resolve()
      })
    })
    socket.write(
      `GET /api/v1/content?at=/file.bin HTTP/1.1\r\nHost: x\r\nRange: bytes=0-4000\r\nAuthorization: Bearer ${text}\r\n\r\n`,
    )
    await begun
    socket.write('nonsense\r\n\r\n')
    await closed
    held.resolve()
    assert.equal(told.match(/HTTP\/1\.1/g)?.length, 1)
  })

  const hasTimers = existsSync('/proc/net/tcp')
  it('asks a silent client whether it is still there', { skip: !hasTimers }, async () => {
    await using counter = await openCounter()
    const socket = connect(counter.port, '127.0.0.1')
    socket.write('PUT /api/v1/content?at=/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n')
    // The answer tells that the connection has been accepted.
    await once(socket, 'data')
    const hex = (port: number | undefined): string => Number(port).toString(16).toUpperCase().padStart(4, '0')
    const here = `:${hex(counter.port)} 0100007F:${hex(socket.localPort)} 01 `
    const line = readFileSync('/proc/net/tcp', 'utf8')
      .split('\n')
      .find((text) => text.includes(here))
    // After the state and the queues comes the timer that runs: 02 is the one that asks.
    assert.match(line ?? '', / 01 [0-9A-F]{8}:[0-9A-F]{8} 02:/)
    socket.destroy()
  })

  it('is told apart by a clear error when it is taken', async () => {
    await using counter = await openCounter()
    const { listen } = await import('./server.ts')
    const wish = {
      listen: { host: '127.0.0.1', port: counter.port },
      adminSocket: `${counter.databasePath}.sock`,
      random: (count: number) => new Uint8Array(count),
      clock: counter.clock,
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    }
    await assert.rejects(listen(wish), /cannot listen on 127\.0\.0\.1:\d+ \(EADDRINUSE\)/)
    const long = {
      ...wish,
      listen: { ...wish.listen, port: 0 },
      adminSocket: `/tmp/${'x'.repeat(150)}/a.sock`,
    }
    await assert.rejects(listen(long), /cannot listen on .*\(EINVAL\)/)
  })
})

describe('a page in a browser', () => {
  const form = 'multipart/form-data; boundary=b'
  const post = (counter: Counter, key: string, origin: string, path = '/upload.cgi?id=abc') =>
    counter.ask({ method: 'POST', path, key, headers: { origin, 'content-type': form }, body: '--b--' })

  it('sends nothing here when it comes from another site, whatever the browser sends along (R4)', async () => {
    await using counter = await openCounter()
    const { text } = await counter.key({ verbs: ['upload'] })
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1', 'https://1fichier.com']) {
      const answer = await post(counter, text, origin)
      assert.equal(answer.status, 403, origin)
      assert.match(answer.text, /pages of other sites/)
    }
    const denied = (await counter.ledger.recent(4)).map(({ key, decision, target }) => [
      key,
      decision,
      target,
    ])
    assert.deepEqual(denied, Array(4).fill(['nobody', 'deny', '/upload.cgi']))
  })

  it('may be our own, and may be led here by a link from anywhere', async () => {
    await using counter = await openCounter()
    const { text } = await counter.key({ verbs: ['upload'] })
    assert.equal((await post(counter, text, `http://127.0.0.1:${counter.port}`)).status, 400)
    const led = await counter.ask({ path: '/', headers: { origin: 'https://evil.example' } })
    assert.equal(led.status, 200)
  })
})

describe('the local socket', () => {
  it('is the owner, at both doors', async () => {
    await using counter = await openCounter()
    const made = await counter.api(undefined, 'POST', '/keys', {
      name: 'tv',
      verbs: ['read'],
      lifetimeMs: 0,
    })
    assert.match(String(made.json['key']), /^gch_/)
    assert.equal(made.json['expiresMs'], undefined)
    const ls = await counter.ask({
      method: 'POST',
      path: '/v1/folder/ls.cgi',
      local: true,
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
    assert.equal(ls.status, 200)
  })

  it('refuses keys that would be of no use, all with a reason', async () => {
    await using counter: Counter = await openCounter()
    const wrong: readonly (readonly [object, number, RegExp])[] = [
      [{ name: '', verbs: ['list'] }, 400, /not a name/],
      [{ name: ' x', verbs: ['list'] }, 400, /not a name/],
      [{ name: 'x ', verbs: ['list'] }, 400, /not a name/],
      [{ name: 'x\n', verbs: ['list'] }, 400, /not a name/],
      [{ name: 'x'.repeat(65), verbs: ['list'] }, 400, /not a name/],
      [{ name: 'x', verbs: [] }, 400, /verbs/],
      [{ name: 'x', verbs: ['fly'] }, 400, /unknown verb: fly/],
      [{ name: 'x', verbs: ['list'], lifetimeMs: -1 }, 400, /lifetimeMs/],
      [{ name: 'x', verbs: ['list'], lifetimeMs: 1e15 }, 400, /cannot live/],
      [{ name: 'x', verbs: ['list'], root: '/nowhere' }, 404, /no \/nowhere/],
      [{ verbs: 5 }, 400, /name: .*; verbs: /],
    ]
    for (const [body, status, message] of wrong) {
      const answer = await counter.api(undefined, 'POST', '/keys', body)
      assert.equal(answer.status, status, answer.text)
      assert.match(String(answer.json['message']), message)
    }
    for (const name of ['x', 'Télé du salon', 'a@b:c.d_e-f', '2']) {
      assert.equal(
        (await counter.api(undefined, 'POST', '/keys', { name, verbs: ['list'] })).status,
        200,
        name,
      )
    }
    const again = await counter.api(undefined, 'POST', '/keys', { name: 'x', verbs: ['list'] })
    assert.equal(again.status, 409)
    // What a page of a browser may send without asking first: a form, or something of no type.
    for (const headers of [{ 'content-type': 'text/plain' }, {}]) {
      const body = '{"name":"y","verbs":["list"]}'
      const form = await counter.ask({ method: 'POST', path: '/api/v1/keys', local: true, headers, body })
      assert.equal(form.status, 400)
      assert.match(String(form.json['message']), /not said to be JSON/)
    }
  })
})
