import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { VERBS } from '@guichet/core'
import { smuggledRequests } from '@guichet/testkit'
import { type Counter, openCounter } from './counter.testing.ts'

/** Sends bytes and reads until the other side ends the connection, or has answered so often. */
function exchange(port: number, text: string, answers = Number.POSITIVE_INFINITY): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let got = ''
    socket.on('data', (chunk: Buffer) => {
      got += chunk.toString('latin1')
      if (statusesOf(got).length >= answers) socket.end()
    })
    socket.on('error', () => undefined)
    socket.once('close', () => resolve(got))
    socket.write(Buffer.from(text, 'latin1'))
  })
}

function statusesOf(text: string): readonly number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status))
}

async function withKey(): Promise<{ counter: Counter; headers: string; inner: string }> {
  const counter = await openCounter()
  const { text } = await counter.key({ verbs: VERBS })
  const headers = `Host: x\r\nAuthorization: Bearer ${text}\r\nContent-Type: application/json\r\n`
  const inner = `POST /v1/folder/mkdir.cgi HTTP/1.1\r\n${headers}Content-Length: 19\r\n\r\n{"name":"smuggled"}`
  return { counter, headers, inner }
}

describe('a request with two meanings (R4)', () => {
  it('is refused once, whatever hides behind it, and its connection ends (R4)', async () => {
    const { counter, headers, inner } = await withKey()
    await using _ = counter
    const corpus = smuggledRequests({ line: 'POST /v1/folder/ls.cgi', headers, inner })
    assert.ok(corpus.length > 75)
    for (const { name, text } of corpus) {
      const answer = await exchange(counter.port, text)
      const statuses = statusesOf(answer)
      assert.ok(statuses.length <= 1 && statuses.every((status) => status >= 400), `${name}: ${answer}`)
      assert.deepEqual(counter.calls(), [], name)
    }
    const seen = (await exchange(counter.port, inner, 1)).slice(0, 12)
    assert.equal(seen, 'HTTP/1.1 200', 'what was hidden would have been answered by itself')
    assert.ok(counter.calls().includes('makeFolder'))
  })

  it('stands in the ledger, also when nobody could read it, and so that it cannot fill it (R4)', async () => {
    const { counter } = await withKey()
    await using _ = counter
    const lines = async (): Promise<readonly string[]> =>
      (await counter.ledger.recent(99))
        .filter(({ verb }) => verb === 'authenticate')
        .map(({ target, reason }) => `${target}: ${reason}`)
    await exchange(counter.port, 'GET / HTTP/1.1\r\nHost: a\r\nBad Name: b\r\n\r\n')
    await exchange(counter.port, 'CONNECT x:443 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n')
    const unread = 'a request: the request cannot be read as HTTP, or in more than one way'
    // The line is written while the refusal is on its way.
    while ((await lines()).length < 2) await setImmediate()
    assert.deepEqual(await lines(), [unread, unread])
    for (let more = 0; more < 60; more += 1) await exchange(counter.port, 'nonsense\r\n\r\n')
    assert.ok((await lines()).length < 30)
    // A client that goes away in the middle of its request has done nothing.
    const before = (await lines()).length
    counter.clock.jump(3_600_000)
    const socket = connect(counter.port, '127.0.0.1')
    await new Promise<void>((resolve) => {
      socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf', () => socket.end(resolve))
    })
    await exchange(counter.port, 'GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    assert.equal((await lines()).length, before)
  })

  it('leaves no place on its connection for another one behind it (R4)', async () => {
    const { counter, inner } = await withKey()
    await using _ = counter
    for (const first of [
      'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
      'GET /../v1 HTTP/1.1\r\nHost: a\r\n\r\n',
      'POST / HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.example\r\nContent-Length: 0\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
      'GET / HTTP/1.0\r\n\r\n',
    ]) {
      assert.equal(statusesOf(await exchange(counter.port, first + inner.repeat(3))).length, 1, first)
    }
    assert.deepEqual(counter.calls(), [])
    const refused = (await counter.ledger.recent(9)).filter(({ verb }) => verb === 'authenticate')
    assert.deepEqual(
      refused.map(({ decision, reason }) => [decision, reason.split(':').at(-1)?.trim()]).reverse(),
      [
        ['deny', 'more than one host header'],
        ['deny', 'a path with dots for folders'],
        ['deny', 'pages of other sites may not send anything here'],
      ],
    )
  })
})

describe('a request with one meaning (R4)', () => {
  it('is answered, though it is written in an unusual way (R4)', async () => {
    const { counter, headers } = await withKey()
    await using _ = counter
    const call = `POST /v1/folder/ls.cgi HTTP/1.1\r\n${headers}`
    const chunks = '2\r\n{}\r\n0\r\n\r\n'
    for (const text of [
      `\r\n${call}Content-Length: 2\r\n\r\n{}`,
      `${call}transfer-encoding:CHUNKED\r\n\r\n${chunks}`,
      `${call}Transfer-Encoding:\tchunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nX-Trailer: y\r\n\r\n`,
      `${call}Connection: keep-alive, TE\r\nTE: trailers\r\nContent-Length: 2\r\n\r\n{}`,
      `${call}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nContent-Length: 2\r\n\r\n{}`,
      `${call}Connection: X-Nothing\r\nContent-Length: 2\r\n\r\n{}`,
      `${call.replace('Host: x', 'Host: [::1]:8474')}Content-Length: 2\r\n\r\n{}`,
      `${call.replace('HTTP/1.1', 'HTTP/1.0')}Content-Length: 2\r\n\r\n{}`,
    ]) {
      assert.deepEqual(statusesOf(await exchange(counter.port, text, 1)), [200], text)
    }
    const expecting = `${call}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}`
    assert.deepEqual(statusesOf(await exchange(counter.port, expecting, 2)), [100, 200])
  })

  it('hides nothing in its body (R4)', async () => {
    const { counter, headers, inner } = await withKey()
    await using _ = counter
    const text = `GET /healthz HTTP/1.1\r\n${headers}Content-Length: ${inner.length}\r\n\r\n${inner}`
    assert.deepEqual(statusesOf(await exchange(counter.port, text, 1)), [200])
    assert.deepEqual(counter.calls(), [])
  })
})

describe('a path with a trick in it', () => {
  it('is refused, or is the name of nothing (R4)', async () => {
    const { counter, headers } = await withKey()
    await using _ = counter
    for (const [path, status] of [
      ['/v1/../v1/user/info.cgi', 400],
      ['/v1/%2e%2e/v1/user/info.cgi', 400],
      ['/v1/.%2E/v1/user/info.cgi', 400],
      ['/./v1/user/info.cgi', 400],
      ['/v1\\user\\info.cgi', 400],
      ['/v1%5cuser%5cinfo.cgi', 400],
      ['/v1/user/info.cgi%00', 400],
      ['//v1/user/info.cgi', 404],
      ['/v1//user/info.cgi', 404],
      ['/v1/user%2finfo.cgi', 404],
      ['/v1/user/info%252ecgi', 404],
      ['/V1/user/info.cgi', 404],
      ['/v1/user/info.cgi/', 404],
      ['/v1/user/info.cgi;x', 404],
      ['/api/v1%2fkeys', 404],
      ['/api//v1/keys', 404],
    ] as const) {
      const answer = await exchange(counter.port, `GET ${path} HTTP/1.1\r\n${headers}\r\n`, 1)
      assert.deepEqual(statusesOf(answer), [status], path)
    }
    assert.deepEqual(counter.calls(), [])
  })
})
