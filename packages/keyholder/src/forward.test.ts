import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { describe, it } from 'node:test'
import { HOUR_MS } from '@guichet/core'
import { KEY, LISTING, LOOKUP, post, raw, refusal, startWorld, textOf, UPLOAD } from './world.testing.ts'

describe('forwarding', () => {
  it('adds the key and the host, and gives back what came', async () => {
    await using world = await startWorld()
    const response = await post(world.client, LISTING)
    assert.equal(response.status, 200)
    assert.equal(response.headers['content-type'], 'application/json')
    assert.equal(await textOf(response), '{"status":"OK"}')
    const { headers, url, method } = world.upstream.requests[0] as IncomingMessage
    assert.deepEqual([method, url, headers.host], ['POST', '/v1/folder/ls.cgi', 'api.1fichier.com'])
    assert.equal(headers.authorization, `Bearer ${KEY}`)
    assert.equal(headers['content-length'], '15')
  })

  it('passes no header of the caller that is not needed, hop-by-hop and Connection-named ones least of all (R4)', async () => {
    await using world = await startWorld()
    const answer = await raw(world.socketPath, [
      'POST /forward/api.1fichier.com/v1/user/info.cgi HTTP/1.1',
      'Authorization: Bearer virtual',
      'Cookie: SID=1',
      'Proxy-Authorization: Basic eDp5',
      'X-Forwarded-For: 192.0.2.1',
      'Expect: 100-continue',
      'Keep-Alive: timeout=1',
      'Connection: keep-alive, x-named, user-agent',
      'X-Named: 1',
      'TE: trailers',
      'Upgrade: h2c',
      'Proxy-Connection: keep-alive',
      'User-Agent: test',
      'Content-Type: application/json',
      'Content-Length: 0',
    ])
    assert.match(answer, /200 OK/)
    const { headers } = world.upstream.requests[0] as IncomingMessage
    assert.deepEqual(Object.keys(headers).sort(), [
      'accept-encoding',
      'authorization',
      'connection',
      'content-length',
      'content-type',
      'host',
      'user-agent',
    ])
    assert.equal(headers.authorization, `Bearer ${KEY}`)
  })

  it('sends nothing anywhere when the place is not on the list', async () => {
    await using world = await startWorld()
    const places = [
      'https://api.1fichier.com/v1/folder/unknown.cgi',
      'https://api.1fichier.com/v1/folder/ls.cgi?pretty=1',
      'https://1fichier.com/dir/abc?json=1',
      'https://a-4.1fichier.com/p1058755667',
      'https://up2.1fichier.com/end.pl?xid=a',
      'https://example.com/v1/folder/ls.cgi',
      'https://api.1fichier.com:8443/v1/folder/ls.cgi',
      'http://api.1fichier.com/v1/folder/ls.cgi',
      UPLOAD,
    ]
    for (const place of places) {
      const { code, facts } = await refusal(post(world.client, place))
      assert.deepEqual({ code, facts }, { code: 'forbidden', facts: { sent: false } }, place)
    }
    assert.equal((await refusal(post(world.client, LISTING, { method: 'GET' }))).code, 'forbidden')
    assert.deepEqual(world.upstream.requests, [])
  })

  it('follows no redirect with the key (R3, K4)', async () => {
    await using world = await startWorld()
    world.upstream.reply((request, response) => {
      request.resume()
      response.writeHead(302, { location: 'https://up2.1fichier.com/end.pl?xid=a' }).end('Moved')
    })
    const response = await post(world.client, LISTING)
    assert.equal(response.status, 302)
    assert.equal(response.headers['location'], 'https://up2.1fichier.com/end.pl?xid=a')
    assert.equal(await textOf(response), 'Moved')
    assert.equal(world.upstream.requests.length, 1)
  })

  it('gives the head of a redirect back at once, though its page never comes', async () => {
    await using world = await startWorld()
    world.upstream.reply((request, response) => {
      request.resume()
      response.writeHead(302, { location: '/end.pl?xid=a', 'content-length': '26' })
      response.write('Moved', () => response.destroy())
    })
    const response = await post(world.client, LISTING)
    assert.equal(response.status, 302)
    assert.equal(response.headers['location'], '/end.pl?xid=a')
    await assert.rejects(textOf(response))
  })

  it('uploads to a node from when it was named until an hour later', async () => {
    await using world = await startWorld()
    assert.equal((await refusal(post(world.client, UPLOAD))).code, 'forbidden')
    await textOf(await post(world.client, LOOKUP))
    assert.equal((await post(world.client, UPLOAD)).status, 200)
    world.time.monotonicMs = HOUR_MS
    assert.equal((await refusal(post(world.client, UPLOAD))).code, 'forbidden')
    assert.deepEqual(
      world.upstream.requests.map(({ headers, url }) => `${headers.host}${url} ${headers.authorization}`),
      [`${LOOKUP.slice(8)} Bearer ${KEY}`, `${UPLOAD.slice(8)} Bearer ${KEY}`],
    )
  })

  it('streams a large body with its exact length', async () => {
    await using world = await startWorld()
    await textOf(await post(world.client, LOOKUP))
    world.upstream.reply((request, response) => {
      let sizeBytes = 0
      request.on('data', (chunk: Buffer) => {
        sizeBytes += chunk.length
      })
      request.on('end', () => response.end(`${request.headers['content-length']} ${sizeBytes}`))
    })
    const chunk = Buffer.alloc(100_000)
    async function* body(): AsyncGenerator<Uint8Array> {
      for (let index = 0; index < 200; index += 1) yield chunk
    }
    const headers = { 'content-length': String(200 * chunk.length) }
    assert.equal(
      await textOf(await post(world.client, UPLOAD, { headers, body: body() })),
      '20000000 20000000',
    )
    const wrong = { 'content-length': String(200 * chunk.length + 1) }
    assert.equal(
      (await refusal(post(world.client, UPLOAD, { headers: wrong, body: body() }))).code,
      'invalid',
    )
    assert.equal((await refusal(post(world.client, UPLOAD, { headers: {}, body: body() }))).code, 'invalid')
  })

  it('refuses a body of unknown length', async () => {
    await using world = await startWorld()
    const head = ['POST /forward/api.1fichier.com/v1/folder/ls.cgi HTTP/1.1', 'Transfer-Encoding: chunked']
    const answer = await raw(world.socketPath, head, '2\r\n{}\r\n0\r\n\r\n')
    assert.match(answer, /400 Bad Request[\s\S]*x-guichet-keyholder: error[\s\S]*"sent":false/i)
    assert.deepEqual(world.upstream.requests, [])
  })

  it('gives back an answer that comes before the whole body was read', async () => {
    await using world = await startWorld()
    await textOf(await post(world.client, LOOKUP))
    world.upstream.reply((_request, response) => void response.writeHead(413).end('too much'))
    let isLeft = false
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Buffer.alloc(65_536)
      } finally {
        isLeft = true
      }
    }
    const headers = { 'content-length': String(1e12) }
    const response = await post(world.client, UPLOAD, { headers, body: endless() })
    assert.equal(response.status, 413)
    assert.equal(await textOf(response), 'too much')
    assert.ok(isLeft)
  })
})

describe('an answer that holds the key', () => {
  it('is replaced by an error, also when the key is in a header or cut in two', async () => {
    await using world = await startWorld()
    const replies = [
      (text: string) => ({ headers: { 'x-echo': `Bearer ${text}` }, chunks: ['{}'] }),
      (text: string) => ({ headers: {}, chunks: [`{"key":"${text}"}`] }),
      (text: string) => ({ headers: {}, chunks: [text.slice(0, 16), text.slice(16)] }),
    ]
    for (const reply of replies) {
      world.upstream.reply(async (request, response) => {
        const { headers, chunks } = reply((request.headers.authorization ?? '').slice(7))
        response.writeHead(200, headers)
        for (const chunk of chunks) await new Promise((resolve) => response.write(chunk, resolve))
        response.end()
      })
      const failure = await refusal(post(world.client, LISTING))
      assert.equal(failure.code, 'upstream-changed')
      assert.ok(!JSON.stringify({ ...failure, text: failure.message }).includes(KEY.slice(0, 8)))
    }
  })

  it('is cut when it has begun', async () => {
    await using world = await startWorld()
    world.upstream.reply((_request, response) => void response.end(`${'x'.repeat(1e6)}${KEY}`))
    const response = await post(world.client, LISTING)
    let given = ''
    const reading = (async () => {
      for await (const chunk of response.body) given += Buffer.from(chunk).toString()
    })()
    assert.equal((await refusal(reading)).code, 'upstream-down')
    assert.ok(!given.includes('c'))
  })

  it('cannot hide in an encoding', async () => {
    await using world = await startWorld()
    world.upstream.reply(
      (_request, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end('?'),
    )
    assert.equal((await refusal(post(world.client, LISTING))).code, 'upstream-changed')
    assert.equal(world.upstream.requests[0]?.headers['accept-encoding'], 'identity')
  })
})

describe('when 1fichier cannot be reached', () => {
  it('says for certain that nothing was sent', async () => {
    const closed = createTcpServer().listen(0, '127.0.0.1')
    await once(closed, 'listening')
    const { port } = closed.address() as AddressInfo
    closed.close()
    await using world = await startWorld({ port })
    const { code, facts } = await refusal(post(world.client, LISTING))
    assert.deepEqual(
      { code, facts },
      { code: 'upstream-down', facts: { sent: false, reason: 'ECONNREFUSED' } },
    )
  })

  it('sends nothing to a server whose certificate is for another name', async () => {
    await using world = await startWorld({ names: ['api.example.com'] })
    const { code, facts } = await refusal(post(world.client, LISTING))
    assert.deepEqual([code, facts['sent']], ['upstream-down', false])
    assert.equal(facts['reason'], 'ERR_TLS_CERT_ALTNAME_INVALID')
    assert.deepEqual(world.upstream.requests, [])
  })

  it('does not claim so once the request may have left', async () => {
    await using world = await startWorld()
    await textOf(await post(world.client, LISTING))
    world.upstream.reply((request) => void request.socket.destroy())
    for (const url of [LISTING, LISTING]) {
      const { code, facts } = await refusal(post(world.client, url))
      assert.deepEqual([code, facts['sent']], ['upstream-down', true])
    }
  })

  it('waits for a silent server no longer than for what it does', async () => {
    await using world = await startWorld({ silenceMs: 20 })
    world.upstream.reply(() => undefined)
    const failure = await refusal(post(world.client, LISTING))
    assert.deepEqual([failure.code, failure.facts['sent']], ['upstream-down', true])
    assert.equal(failure.facts['reason'], 'no byte moved for 0.02 s')
  })

  it('does not let half an answer pass for a whole one', async () => {
    await using world = await startWorld()
    world.upstream.reply((request, response) => {
      response.writeHead(200, { 'content-length': '100000' })
      response.write('x'.repeat(50_000), () => request.socket.destroy())
    })
    const response = await post(world.client, LISTING)
    assert.equal((await refusal(textOf(response))).code, 'upstream-down')
  })
})
