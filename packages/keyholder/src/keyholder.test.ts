import assert from 'node:assert/strict'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Secret } from '@guichet/core'
import { connectKeyholder } from './client.ts'
import { Keyholder } from './keyholder.ts'
import { testDirectory } from './recording-upstream.testing.ts'
import { serveKeyholder } from './server.ts'
import { Upstream } from './upstream.ts'
import { openVault } from './vault.ts'
import {
  KEY,
  LISTING,
  LOOKUP,
  NEXT_KEY,
  PASSPHRASE,
  post,
  raw,
  refusal,
  startWorld,
  textOf,
  UPLOAD,
} from './world.testing.ts'

describe('seal', () => {
  it('cuts what is under way within 100 ms, and lets nothing out afterwards', async () => {
    await using world = await startWorld()
    await textOf(await post(world.client, LOOKUP))
    let receivedBytes = 0
    const arrived = Promise.withResolvers<void>()
    const cut = Promise.withResolvers<void>()
    world.upstream.reply((request) => {
      request.on('data', (chunk: Buffer) => {
        receivedBytes += chunk.length
        arrived.resolve()
      })
      request.once('close', () => cut.resolve())
    })
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) yield Buffer.alloc(65_536)
    }
    const headers = { 'content-length': String(1e12) }
    const uploading = refusal(post(world.client, UPLOAD, { headers, body: endless() }))
    const waiting = refusal(post(world.client, LISTING))
    await arrived.promise
    const begunMs = performance.now()
    assert.equal((await world.client.seal()).sealed, true)
    for (const failure of await Promise.all([uploading, waiting])) {
      assert.deepEqual([failure.code, failure.facts['sent']], ['sealed', true])
    }
    await cut.promise
    assert.ok(performance.now() - begunMs < 100, `took ${performance.now() - begunMs} ms`)

    const [calls, bytes] = [world.upstream.requests.length, receivedBytes]
    for (const url of [LISTING, LOOKUP, UPLOAD]) {
      const { code, facts } = await refusal(post(world.client, url))
      assert.deepEqual({ code, facts }, { code: 'sealed', facts: { sent: false } })
    }
    assert.deepEqual([world.upstream.requests.length, receivedBytes], [calls, bytes])
  })

  it('is undone by the passphrase or the configured secret, and by nothing else', async () => {
    await using world = await startWorld()
    const sealed = await world.client.seal()
    assert.equal(sealed.reason, 'somebody sealed it')
    const wrong = await refusal(world.client.unseal(new Secret('a wrong passphrase')))
    assert.equal(wrong.code, 'unauthenticated')
    assert.match((await world.client.status()).reason ?? '', /does not open the vault/)
    assert.equal((await world.client.unseal(PASSPHRASE)).sealed, false)
    await world.client.seal()
    assert.equal((await world.client.unseal()).sealed, false)
    assert.equal((await post(world.client, LISTING)).status, 200)
  })

  it('wins over an unseal that is under way', async () => {
    await using world = await startWorld()
    await world.client.seal()
    const unsealing = refusal(world.client.unseal())
    const second = refusal(world.client.unseal())
    const codes = await Promise.all([unsealing, second, world.client.seal()]).then(([one, two]) => [
      one.code,
      two.code,
    ])
    assert.deepEqual(codes.sort(), ['conflict', 'sealed'])
    assert.equal((await world.client.status()).sealed, true)
  })
})

describe('rotate', () => {
  it('uses the new key at once, and keeps it', async () => {
    await using world = await startWorld()
    await world.client.rotate(new Secret(NEXT_KEY), { check: true })
    await post(world.client, LISTING)
    assert.deepEqual(
      world.upstream.requests.map(({ headers }) => headers.authorization),
      [`Bearer ${NEXT_KEY}`, `Bearer ${NEXT_KEY}`],
    )
    assert.equal((await openVault(world.vaultPath, PASSPHRASE)).expose(), NEXT_KEY)
  })

  it('keeps the old key when the new one is refused', async () => {
    await using world = await startWorld()
    const cases = [
      [401, '{"status":"KO","message":"Not authenticated #247"}', 'account-refused'],
      [403, '{"message":"No such user #93","status":"KO"}', 'account-refused'],
      [200, '{"status":"KO","message":"Bad token"}', 'account-refused'],
      [403, '{"status":"KO","message":"Flood detected: IP Locked #374"}', 'locked'],
      [502, '<html>', 'upstream-down'],
    ] as const
    for (const [status, text, code] of cases) {
      world.upstream.reply((_request, response) => void response.writeHead(status).end(text))
      assert.equal((await refusal(world.client.rotate(new Secret(NEXT_KEY), { check: true }))).code, code)
    }
    assert.equal((await refusal(world.client.rotate(new Secret('short'), { check: false }))).code, 'invalid')
    assert.equal((await openVault(world.vaultPath, PASSPHRASE)).expose(), KEY)
    await post(world.client, LISTING)
    assert.equal(world.upstream.requests.at(-1)?.headers.authorization, `Bearer ${KEY}`)
  })

  it('asks 1fichier nothing when it is not to check', async () => {
    await using world = await startWorld()
    await world.client.rotate(new Secret(NEXT_KEY), { check: false })
    assert.deepEqual(world.upstream.requests, [])
    await world.client.seal()
    assert.equal((await refusal(world.client.rotate(new Secret(KEY), { check: false }))).code, 'sealed')
  })
})

describe('control', () => {
  it('tells the state and not a letter of the key', async () => {
    await using world = await startWorld()
    assert.deepEqual(await world.client.status(), {
      sealed: false,
      keyAgeDays: 3,
    })
  })

  it('is open to the owner alone', async () => {
    await using world = await startWorld()
    assert.equal((await stat(world.socketPath)).mode & 0o777, 0o600)
    assert.equal((await stat(join(world.socketPath, '..'))).mode & 0o777, 0o700)
  })

  it('knows no other call, and takes no large or strange body', async () => {
    await using world = await startWorld()
    for (const line of ['GET /key', 'GET /', 'GET /seal', 'POST /status', 'GET /forward', 'PUT /rotate']) {
      assert.match(await raw(world.socketPath, [`${line} HTTP/1.1`]), /404 Not Found/)
    }
    const large = httpRequest({ socketPath: world.socketPath, path: '/unseal', method: 'POST' })
    large.end('x'.repeat(70_000))
    const [response] = (await once(large, 'response')) as [IncomingMessage]
    response.resume()
    assert.equal(response.statusCode, 413)
    for (const body of ['{', '[1', '"x"', '{"newKey":1,"check":true}', `{"newKey":"${KEY}"}`]) {
      const head = ['POST /rotate HTTP/1.1', `Content-Length: ${body.length}`]
      const answer = await raw(world.socketPath, head, body)
      assert.match(answer, /400 Bad Request/)
      assert.ok(!answer.includes('canary'))
    }
  })

  it('bounds the calls under way', async () => {
    await using world = await startWorld()
    const arrived = Promise.withResolvers<void>()
    world.upstream.reply(() => {
      if (world.upstream.requests.length === 64) arrived.resolve()
    })
    const leaving = new AbortController()
    const calls = Array.from({ length: 64 }, () =>
      refusal(post(world.client, LISTING, { signal: leaving.signal })),
    )
    await arrived.promise
    const { code, facts } = await refusal(post(world.client, LISTING))
    assert.deepEqual({ code, facts }, { code: 'unavailable', facts: { sent: false } })
    const gone = Promise.all(world.upstream.requests.map((request) => once(request.socket, 'close')))
    leaving.abort()
    assert.ok((await Promise.all(calls)).every((failure) => failure.code === 'cancelled'))
    await gone
  })

  it('is refused to a second keyholder, and left by a dead one', async () => {
    await using world = await startWorld()
    using directory = testDirectory()
    const keyholder = new Keyholder({
      home: directory.path,
      upstream: new Upstream({}),
      unlockSecret: async () => PASSPHRASE,
      nowMs: () => 0,
      monotonicMs: () => 0,
    })
    assert.equal((await refusal(serveKeyholder(keyholder, world.socketPath))).code, 'conflict')
    assert.equal((await world.client.status()).sealed, false)
    assert.equal((await refusal(serveKeyholder(keyholder, world.vaultPath))).code, 'conflict')
    const gone = connectKeyholder({ socketPath: join(directory.path, 'nothing.sock') })
    const { code, facts } = await refusal(post(gone, LISTING))
    assert.deepEqual({ code, facts }, { code: 'sealed', facts: { sent: false } })
  })
})
