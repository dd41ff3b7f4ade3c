import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import { connect, type Socket } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { createKeyText } from '@guichet/core'
import { selfSigned } from '../../packages/gateway/src/self-signed.testing.ts'
import { startStand } from '../stand.ts'
import { until } from '../until.ts'
import { basic, deniedSince, ledgerOf, speak, statusesIn } from './outside.ts'

/** An address of this machine that is not loopback: seen from the gateway, whoever uses it is another machine. */
const OUTER = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address
const skip = OUTER === undefined ? 'this machine has no address but loopback' : false

function get(headers: string, path = '/api/v1/children?at=/'): string {
  return `GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`
}

describe('somebody in the network of the gateway', { skip }, () => {
  it('is not let near without TLS unless the owner says so, who is told what that gives up (U6)', async () => {
    await using stand = await startStand()
    const refused = await stand.guichet(['serve', '--listen', `${OUTER}:0`])
    assert.equal(refused.code, 2)
    assert.match(
      refused.stderr,
      /can be reached from other machines, and keys would travel there without TLS/,
    )
  })

  it('cannot have a key sent as Basic over plain HTTP, which is recorded (R5)', async () => {
    await using stand = await startStand({ serve: ['--listen', `${OUTER}:0`, '--plain-http'] })
    const terminal = await until('the warning', () => {
      const text = stand.output.join('\n')
      return /without TLS: who is on the way can read/.test(text) && text
    })
    assert.match(
      terminal,
      new RegExp(`http://${OUTER}:\\d+: every machine that can connect with a virtual key .*plain HTTP`),
    )
    const { key } = await stand.issue('all')
    const mark = ledgerOf(stand).length
    const answer = await speak(stand.url, get(`Authorization: ${basic(key)}\r\n`), { answers: 1 })
    assert.deepEqual(statusesIn(answer), [403])
    assert.match(answer, /does not travel as Basic over plain HTTP/)
    const forged = `Authorization: ${basic(key)}\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 127.0.0.1\r\n`
    assert.deepEqual(statusesIn(await speak(stand.url, get(forged), { answers: 1 })), [403])
    const tunnel = `CONNECT api.1fichier.com:443 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${basic(key)}\r\n\r\n`
    assert.deepEqual(statusesIn(await speak(stand.url, tunnel, { answers: 1 })), [403])
    const lines = deniedSince(stand, mark)
    assert.deepEqual(
      lines.map(({ verb, reason }) => [verb, /plain HTTP/.test(reason)]),
      Array(3).fill(['authenticate', true]),
    )
    const bearer = await speak(stand.url, get(`Authorization: Bearer ${key}\r\n`), { answers: 1 })
    assert.deepEqual(statusesIn(bearer), [200])
  })

  it('cannot take all connections, nor shut the owner out by wrong keys (R4, R5)', async () => {
    await using stand = await startStand({ serve: ['--listen', '0.0.0.0:0', '--plain-http'] })
    const { key } = await stand.issue('all')
    const { port } = new URL(stand.url)
    const sockets: Socket[] = []
    let closed = 0
    for (let count = 0; count < 300; count += 1) {
      const socket = connect({ port: Number(port), host: OUTER, localAddress: OUTER ?? '' })
      socket
        .on('error', () => undefined)
        .on('close', () => {
          closed += 1
        })
      sockets.push(socket)
      await once(socket, 'connect')
    }
    await until('the share of one address', () => closed >= 300 - 256)
    assert.equal(closed, 300 - 256)
    const own = { host: '127.0.0.1', from: '127.0.0.1', answers: 1 }
    assert.deepEqual(statusesIn(await speak(stand.url, get(`Authorization: Bearer ${key}\r\n`), own)), [200])
    for (const socket of sockets) socket.destroy()
    const wrong = (): string =>
      get(`Authorization: Bearer ${createKeyText((count) => randomBytes(count))}\r\n`)
    const theirs = { host: OUTER ?? '', from: OUTER ?? '', answers: 1 }
    const answers = []
    for (let count = 0; count < 40; count += 1)
      answers.push(...statusesIn(await speak(stand.url, wrong(), theirs)))
    assert.ok(answers.includes(429))
    assert.deepEqual(statusesIn(await speak(stand.url, wrong(), own)), [401], 'another address is judged')
  })

  it('finds TLS at a port with a certificate, a new one without a restart, and nothing in clear (U6)', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'guichet-tls-'))
    await using _directory = { [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) }
    const files = { cert: path.join(directory, 'cert.pem'), key: path.join(directory, 'key.pem') }
    const first = await selfSigned(['guichet.example'])
    await writeFile(files.cert, first.cert)
    await writeFile(files.key, first.key, { mode: 0o644 })
    await using stand = await startStand()
    const args = ['--listen', `${OUTER}:0`, '--tls-cert', files.cert, '--tls-key', files.key]
    const open = await stand.guichet(['serve', ...args])
    assert.equal(open.code, 2)
    assert.match(open.stderr, /other users can reach the key of the certificate/)
    await chmod(files.key, 0o600)
    await stand.kill('SIGTERM')
    await using tls = await startStand({ serve: args })
    assert.match(tls.url, /^https:/)
    const doctor = await tls.guichet(['doctor'])
    assert.match(
      doctor.stdout,
      / - the gateway listens at \S+: other machines can try keys/,
      'doctor knows TLS',
    )
    const { key } = await tls.issue('all')
    assert.equal(await status(tls.url, basic(key), first.cert), 200, 'Basic is taken over TLS')
    assert.doesNotMatch(await speak(tls.url, get(`Authorization: Bearer ${key}\r\n`)), /HTTP/)
    const second = await selfSigned(['guichet.example'])
    await writeFile(files.key, second.key)
    await writeFile(files.cert, second.cert)
    await until('the new certificate', async () => {
      const found = await status(tls.url, basic(key), second.cert).catch(() => 0)
      return found === 200
    })
    await assert.rejects(status(tls.url, basic(key), first.cert))
  })
})

function status(url: string, authorization: string, ca: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ keepAlive: false })
    const options = { ca, agent, servername: 'guichet.example', headers: { authorization } }
    const sent = request(`${url}/api/v1/children?at=/`, options, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    })
    sent.on('error', reject).end()
  })
}
