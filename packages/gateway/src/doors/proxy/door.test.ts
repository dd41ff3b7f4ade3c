import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { connect as connectTls } from 'node:tls'
import {
  connectText,
  NO_TUNNELS,
  type OpenDoor,
  openDoor,
  run,
  SECRET,
  say,
  tunnelThrough,
  withoutTool,
} from './door.testing.ts'

const CURL = withoutTool('curl')

describe('a tunnel to a name of 1fichier', () => {
  it('ends at us: curl trusts our authority, and the request is served for the holder of the key', {
    skip: CURL,
  }, async () => {
    await using open = await openDoor()
    const { code, stdout, stderr } = await run('curl', [
      ...['-sS', '--cacert', open.caPath, '--proxy', `http://any:${SECRET}@127.0.0.1:${open.port}`],
      ...['https://api.1fichier.com/v1/user/info.cgi', 'https://1fichier.com/?abcde'],
    ])
    assert.equal(stderr, '')
    assert.equal(
      stdout,
      'tunneller GET api.1fichier.com /v1/user/info.cgi\ntunneller GET 1fichier.com /?abcde\n',
    )
    assert.equal(code, 0)
  })

  it('speaks HTTP/1.1 and nothing newer', async () => {
    await using open = await openDoor()
    const inside = await secured(open, 'api.1fichier.com', ['h2', 'http/1.1'])
    assert.equal(inside.alpnProtocol, 'http/1.1')
    inside.destroy()
  })

  it('takes what the client sent before it was told to begin', async () => {
    await using open = await openDoor()
    const socket = connect({ port: open.port, host: '127.0.0.1' })
    const hello = clientHello()
    socket.write(Buffer.concat([Buffer.from(connectText('1fichier.com:443')), hello]))
    let answer = Buffer.alloc(0)
    for await (const chunk of socket) {
      answer = Buffer.concat([answer, chunk])
      if (answer.length > 100) break
    }
    const tls = answer.subarray(answer.indexOf('\r\n\r\n') + 4)
    assert.equal(tls[0], 0x16, 'a TLS handshake record is the answer')
  })

  it('answers 421 when the request names another host than the tunnel', async () => {
    await using open = await openDoor()
    for (const host of ['1fichier.com', 'api.1fichier.com:80', 'evil.example', 'api.1fichier.com.']) {
      const answer = await askInside(open, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
      assert.match(answer, /^HTTP\/1\.1 421 /, host)
      assert.match(answer, /hint: open a tunnel for each host/)
    }
    const right = 'GET / HTTP/1.1\r\nHost: API.1fichier.com:443\r\nConnection: close\r\n\r\n'
    assert.match(await askInside(open, right), /^HTTP\/1\.1 200 OK/)
  })

  it('refuses doubled Host and Authorization, absolute targets, and headers without end (R4)', async () => {
    await using open = await openDoor()
    const host = 'Host: api.1fichier.com\r\n'
    for (const [text, status] of [
      [`GET / HTTP/1.1\r\n${host}${host}\r\n`, 400],
      [`GET / HTTP/1.1\r\n${host}Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n`, 400],
      [`GET https://api.1fichier.com/ HTTP/1.1\r\n${host}\r\n`, 400],
      [`GET / HTTP/1.0\r\n\r\n`, 400],
      [`GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n${host}\r\n`, 400],
      [`GET / HTTP/1.1\r\n${host}Expect: 1\r\n\r\nGET / HTTP/1.1\r\n${host}\r\n`, 417],
      [`GET / HTTP/1.1\r\n${host}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
      [`GET / HTTP/1.1\r\n${host}X: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ] as const) {
      const answer = await askInside(open, text)
      assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `), text.slice(0, 80))
      assert.equal(answer.match(/HTTP\/1\.1 /g)?.length, 1, text.slice(0, 80))
    }
  })

  it('refuses names that the certificate does not cover, and every port but that of https', async () => {
    await using open = await openDoor()
    for (const target of [
      'alterupload.com:443',
      'www.dl4free.com:443',
      'a.b.1fichier.com:443',
      '1fichier.com:80',
      'api.1fichier.com:8443',
    ]) {
      const answer = await say(open.port, connectText(target))
      assert.match(answer, /^HTTP\/1\.1 403 /, target)
      assert.match(answer, /\r\n\r\nerror: .+\nhint: .+\n$/, target)
    }
  })

  it('survives a client that does not trust the authority, and says so in the log', {
    skip: CURL,
  }, async () => {
    await using open = await openDoor()
    const { code } = await run('curl', [
      ...['-sS', '--proxy', `http://any:${SECRET}@127.0.0.1:${open.port}`, 'https://1fichier.com/'],
    ])
    assert.equal(code, 60)
    await gone(open)
    const [only, ...others] = open.logged
    assert.deepEqual(others, [])
    assert.equal(only?.message, 'the client ended the TLS handshake for 1fichier.com')
  })

  it('survives a fault of those who serve', async () => {
    await using open = await openDoor({
      serve: () => {
        throw new TypeError('a fault')
      },
    })
    const answer = await askInside(open, 'GET / HTTP/1.1\r\nHost: api.1fichier.com\r\n\r\n')
    assert.match(answer, /^HTTP\/1\.1 500 /)
    assert.doesNotMatch(answer, /TypeError|a fault/)
  })

  it('survives a client that speaks no TLS, and one that says nothing', async () => {
    await using open = await openDoor({ limits: { handshakeMs: 20 } })
    const noise = await tunnelThrough(open.port, '1fichier.com:443')
    noise.on('error', () => undefined)
    noise.resume()
    noise.write('GET / HTTP/1.1\r\n\r\n')
    const silent = await tunnelThrough(open.port, '1fichier.com:443')
    silent.on('error', () => undefined)
    silent.resume()
    await gone(open)
  })

  it('ends a connection in which nothing is asked', async () => {
    await using open = await openDoor({ limits: { keepAliveMs: 20 } })
    const inside = await secured(open, 'api.1fichier.com')
    inside.resume()
    await once(inside, 'close')
    await gone(open)
  })
})

describe('the door', () => {
  it('asks for a virtual key, in words that are the same for no key and for a wrong one', async () => {
    await using open = await openDoor()
    const without = await say(
      open.port,
      'CONNECT 1fichier.com:443 HTTP/1.1\r\nHost: 1fichier.com:443\r\n\r\n',
    )
    assert.match(without, /^HTTP\/1\.1 407 Proxy Authentication Required: the proxy needs a virtual key/)
    assert.match(without, /\r\nproxy-authenticate: Basic realm="guichet"\r\n/)
    assert.match(without, /\r\nconnection: close\r\n/)
    assert.match(without, /\r\n\r\nerror: the proxy needs a virtual key\nhint: send one as the password/)
    assert.equal(await say(open.port, connectText('1fichier.com:443', 'wrong')), without)
    assert.doesNotMatch(JSON.stringify(open.logged), /wrong/)
  })

  it('shows the reason to a person with curl', { skip: CURL }, async () => {
    await using open = await openDoor()
    const { code, stderr } = await run('curl', [
      ...['-sSv', '--cacert', open.caPath, '--proxy', `http://any:wrong@127.0.0.1:${open.port}`],
      'https://api.1fichier.com/',
    ])
    assert.equal(code, 56)
    assert.match(stderr, /407 Proxy Authentication Required: the proxy needs a virtual key \(send one/)
  })

  it('takes the key as a bearer, too', async () => {
    await using open = await openDoor()
    const socket = connect({ port: open.port, host: '127.0.0.1' })
    socket.write(
      `CONNECT 1fichier.com:443 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Bearer ${SECRET}\r\n\r\n`,
    )
    const [head] = await once(socket, 'data')
    assert.match(String(head), /^HTTP\/1\.1 200 /)
    socket.destroy()
  })

  it('refuses two Proxy-Authorization headers (R4)', async () => {
    await using open = await openDoor()
    const answer = await say(
      open.port,
      connectText('1fichier.com:443', SECRET, 'Proxy-Authorization: Basic x\r\n'),
    )
    assert.match(answer, /^HTTP\/1\.1 400 /)
  })

  it('refuses malformed targets', async () => {
    await using open = await openDoor()
    for (const target of [
      '1fichier.com',
      '1fichier.com:',
      'u@1fichier.com:443',
      '0x7f.1:443',
      '2130706433:80',
    ]) {
      assert.match(await say(open.port, connectText(target)), /^HTTP\/1\.1 400 /, target)
    }
  })

  it('passes no request in clear, and leaves other requests to the other doors', async () => {
    await using open = await openDoor()
    const clear = await say(open.port, 'GET http://1fichier.com/ HTTP/1.1\r\nHost: 1fichier.com\r\n\r\n')
    assert.match(clear, /^HTTP\/1\.1 403 [\s\S]*error: nothing of 1fichier goes in clear\nhint: use https/)
    const other = await say(open.port, 'GET http://example.org/ HTTP/1.1\r\nHost: example.org\r\n\r\n')
    assert.match(other, /^HTTP\/1\.1 403 [\s\S]*error: this proxy passes no requests in clear/)
    const own = await say(open.port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    assert.match(own, /^HTTP\/1\.1 200 /)
  })

  it('takes only so many tunnels, in all and per key', async () => {
    await using all = await openDoor({ limits: { tunnels: 1 } })
    const first = await tunnelThrough(all.port, '1fichier.com:443')
    const refused = await say(all.port, connectText('1fichier.com:443'))
    assert.match(refused, /^HTTP\/1\.1 503 [\s\S]*retry-after: 5\r\n/)
    first.destroy()

    await using each = await openDoor({ limits: { tunnelsPerKey: 1 } })
    const second = await tunnelThrough(each.port, '1fichier.com:443')
    assert.match(await say(each.port, connectText('1fichier.com:443')), /^HTTP\/1\.1 503 /)
    assert.match(await say(each.port, connectText('x.example:443', NO_TUNNELS)), /^HTTP\/1\.1 403 /)
    second.destroy()
  })

  it('K8: cut ends the tunnels of one key and leaves the others', async () => {
    await using open = await openDoor()
    const inside = await secured(open, 'api.1fichier.com')
    const [tunnel] = open.logged
    assert.equal(tunnel, undefined)
    const { parseKeyId } = await import('@guichet/core')
    assert.equal(open.door.cut(parseKeyId('k-bbbbbbbb')), 0)
    inside.resume()
    const closed = once(inside, 'close')
    assert.equal(open.door.cut(parseKeyId('k-aaaaaaaa')), 1)
    await closed
  })

  it('drain lets the answers under way finish and takes nothing new', async () => {
    const arrived = Promise.withResolvers<() => void>()
    await using open = await openDoor({
      serve: (_request, response) => arrived.resolve(() => response.end('finished')),
    })
    const idle = await secured(open, 'api.1fichier.com')
    const busy = askInside(open, 'GET / HTTP/1.1\r\nHost: api.1fichier.com\r\n\r\n')
    const finish = await arrived.promise
    idle.resume()
    const idleClosed = once(idle, 'close')
    const drained = open.door.drain()
    await idleClosed
    assert.match(await say(open.port, connectText('1fichier.com:443')), /^HTTP\/1\.1 503 /)
    finish()
    assert.match(await busy, /finished/)
    await drained
  })

  it('survives clients that leave at any moment', async () => {
    await using open = await openDoor()
    const text = Buffer.concat([Buffer.from(connectText('1fichier.com:443')), clientHello()])
    for (let length = 1; length < text.length; length += 7) {
      const socket = connect({ port: open.port, host: '127.0.0.1' })
      socket.on('error', () => undefined)
      socket.write(text.subarray(0, length), () => socket.resetAndDestroy())
      await once(socket, 'close')
    }
    assert.match(await say(open.port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'), / 200 /)
  })
})

async function secured(open: OpenDoor, host: string, protocols: string[] = []) {
  const socket = await tunnelThrough(open.port, `${host}:443`)
  const inside = connectTls({
    socket,
    servername: host,
    ca: open.authority.caPem,
    ...(protocols.length === 0 ? {} : { ALPNProtocols: protocols }),
  })
  inside.on('error', () => undefined)
  await once(inside, 'secureConnect')
  return inside
}

async function askInside(open: OpenDoor, text: string): Promise<string> {
  const inside = await secured(open, 'api.1fichier.com')
  inside.write(text)
  let answer = ''
  for await (const chunk of inside) answer += String(chunk)
  return answer
}

/** Resolves when the shared server holds no socket any more. */
async function gone(open: OpenDoor): Promise<void> {
  while (open.openCount() > 0) await new Promise((resolve) => setImmediate(resolve))
}

/** The first record that a TLS client sends. */
function clientHello(): Buffer {
  const body = Buffer.concat([
    Buffer.from('0303', 'hex'),
    Buffer.alloc(32, 1),
    Buffer.from('00' + '0004' + 'c02bc02f' + '0100', 'hex'),
    extensions([
      [0x000a, Buffer.from('00020017', 'hex')],
      [0x000b, Buffer.from('0100', 'hex')],
      [0x000d, Buffer.from('00020403', 'hex')],
    ]),
  ])
  const handshake = Buffer.concat([Buffer.from([1, 0, body.length >> 8, body.length & 0xff]), body])
  return Buffer.concat([Buffer.from([0x16, 3, 1, handshake.length >> 8, handshake.length & 0xff]), handshake])
}

function extensions(list: readonly (readonly [number, Buffer])[]): Buffer {
  const all = Buffer.concat(
    list.map(([type, data]) =>
      Buffer.concat([Buffer.from([type >> 8, type & 0xff, data.length >> 8, data.length & 0xff]), data]),
    ),
  )
  return Buffer.concat([Buffer.from([all.length >> 8, all.length & 0xff]), all])
}
