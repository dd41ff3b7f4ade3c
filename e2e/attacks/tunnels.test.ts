import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { hostname } from 'node:os'
import { after, before, describe, it } from 'node:test'
import { upstreamCalls } from '../clients.ts'
import { call, type Stand, startStand } from '../stand.ts'
import { basic, deniedSince, ledgerOf, speak, statusesIn } from './outside.ts'

const INNER = [
  '169.254.169.254:80',
  '127.0.0.1:443',
  '127.0.0.1:80',
  '10.0.0.1:443',
  '172.16.0.1:443',
  '192.168.0.1:443',
  '100.64.0.1:443',
  '0.0.0.0:443',
  '[::]:443',
  '[::1]:443',
  '[::ffff:127.0.0.1]:443',
  '[::ffff:a9fe:a9fe]:80',
  '[64:ff9b::7f00:1]:443',
  '[2002:7f00:1::]:443',
  '[fe80::1]:443',
  '[fd00:ec2::254]:80',
  // Names that the system itself leads to this machine.
  'localhost:443',
  `${hostname()}:443`,
]

const MALFORMED = [
  '2130706433:80',
  '0x7f.1:80',
  '0177.0.0.1:80',
  '127.1:80',
  'localhost.:443',
  'a@127.0.0.1:80',
  '１２７.0.0.1:80',
]

describe('somebody who uses the proxy as a way inside', () => {
  let stand: Stand
  let tunneller: string
  let plain: string
  before(async () => {
    stand = await startStand()
    tunneller = (await stand.issue('all', ['--tunnel'])).key
    plain = (await stand.issue('all')).key
  })
  after(() => stand[Symbol.asyncDispose]())

  const tunnel = (target: string, key: string): Promise<string> =>
    speak(
      stand.url,
      `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\nProxy-Authorization: ${basic(key)}\r\n\r\n`,
      { answers: 1 },
    )

  it('gets to no address inside, by number or by name, and each attempt is in the ledger (R3)', async () => {
    for (const target of INNER) {
      const mark = ledgerOf(stand).length
      const answer = await tunnel(target, tunneller)
      assert.ok([403, 502].includes(statusesIn(answer)[0] ?? 0), `${target}: ${answer}`)
      const [line] = deniedSince(stand, mark)
      if (statusesIn(answer)[0] === 403) {
        assert.equal(line?.verb, 'tunnel', target)
        assert.match(line?.reason ?? '', /is not a public address/)
      }
    }
  })

  it('is refused odd spellings before anything is looked up (R3)', async () => {
    for (const target of MALFORMED) {
      const mark = ledgerOf(stand).length
      const answer = await tunnel(target, tunneller)
      assert.deepEqual(statusesIn(answer), [400], target)
      if (!target.includes('１')) assert.equal(deniedSince(stand, mark)[0]?.decision, 'deny', target)
    }
  })

  it('gets nowhere with a key that opens no tunnels, and to no port but the usual ones (R3)', async () => {
    const mark = ledgerOf(stand).length
    assert.deepEqual(statusesIn(await tunnel('example.org:443', plain)), [403])
    assert.deepEqual(statusesIn(await tunnel('example.org:22', tunneller)), [403])
    assert.deepEqual(statusesIn(await tunnel('api.1fichier.com:80', tunneller)), [403])
    assert.deepEqual(statusesIn(await tunnel('evil.alterupload.com:443', tunneller)), [403])
    const lines = deniedSince(stand, mark)
    assert.deepEqual(
      lines.map(({ verb, target }) => [verb, target]),
      [
        ['tunnel', 'example.org:443'],
        ['tunnel', 'example.org:22'],
        ['tunnel', 'api.1fichier.com:80'],
        ['tunnel', 'evil.alterupload.com:443'],
      ],
    )
  })

  it('does not reach the local sockets or the gateway itself through it (R3)', async () => {
    const seen: Socket[] = []
    const inside = createServer((socket) => {
      seen.push(socket)
      socket.end()
    })
    await new Promise<void>((resolve) => inside.listen(0, '127.0.0.1', resolve))
    const { port } = inside.address() as { port: number }
    for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]']) {
      assert.deepEqual(statusesIn(await tunnel(`${host}:${port}`, tunneller)), [403], host)
      const { port: own } = new URL(stand.url)
      assert.deepEqual(statusesIn(await tunnel(`${host}:${own}`, tunneller)), [403], host)
    }
    inside.close()
    assert.equal(seen.length, 0)
  })

  it('is not passed on in clear (R3)', async () => {
    const mark = ledgerOf(stand).length
    for (const url of [
      'http://169.254.169.254/latest/meta-data/',
      'http://localhost/',
      'http://api.1fichier.com/v1/user/info.cgi',
    ]) {
      const request = `GET ${url} HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${basic(tunneller)}\r\n\r\n`
      assert.deepEqual(statusesIn(await speak(stand.url, request)), [403], url)
    }
    const targets = deniedSince(stand, mark).map(({ target }) => target)
    assert.equal(targets.length, 3)
    assert.match(targets[0] ?? '', /169\.254\.169\.254/)
  })

  it('cannot have 1fichier fetch from inside either (R3)', async () => {
    const calls = upstreamCalls(stand)
    for (const host of [
      '127.0.0.1',
      '169.254.169.254',
      '10.0.0.1',
      '[::1]',
      '0x7f.1',
      '2130706433',
      'localhost',
      'nas.local',
      '１２７.0.0.1',
      'x@127.0.0.1',
    ]) {
      const { status } = await call(stand, tunneller, 'remote/request', { urls: [`http://${host}/secret`] })
      assert.equal(status, 400, host)
    }
    assert.equal(upstreamCalls(stand), calls, 'bad input never reaches 1fichier')
  })
})
