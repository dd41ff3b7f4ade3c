import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { ENDPOINTS, VERBS } from '@guichet/core'
import { type Counter, openCounter } from '../counter.testing.ts'

/** Bodies that fit no endpoint, or only some of them. */
const BODIES: readonly (string | object)[] = [
  '{',
  '[]',
  '[1,2]',
  '"text"',
  'null',
  '12',
  '{"folder_id":NaN}',
  '{"folder_id":1e999}',
  '[['.repeat(20_000),
  `{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
  '{"__proto__":{"folder_id":1},"constructor":1}',
  { folder_id: -2 },
  { folder_id: 1.5 },
  { folder_id: 2 ** 60 },
  { folder_id: '1e3' },
  { folder_id: [] },
  { folder_id: true },
  { folder_id: {} },
  { url: 5 },
  { url: 'https://example.com/?abcdefgh' },
  { url: '' },
  { urls: 'https://1fichier.com/?abcdefgh' },
  { urls: [] },
  { urls: [null] },
  { urls: Array.from({ length: 6_000 }, () => 'x') },
  { files: [{}] },
  { name: '' },
  { name: 5, folder_id: 0 },
  { voucher: 1 },
  { user: '', pass: '' },
  { id: -1 },
  { id: 'x' },
  { sent_after: '2021-02-30 10:00:00' },
  { sent_after: 'yesterday', folder_id: -1 },
  { sent_before: '2021-01-01T00:00:00Z' },
  { destination_user: 'x@example.com', folder_id: 0 },
  { folder_id: 0, sharing_user: 'x@example.com' },
]
/** Calls that ask for nothing in particular, or for the root, which is there. */
const MAY_SUCCEED = new Set(['folder/ls', 'file/ls', 'user/info', 'remote/ls', 'ftp/process', 'ftp/users/ls'])

describe('nonsense at the native door', () => {
  let counter: Counter
  let key: string
  before(async () => {
    counter = await openCounter()
    key = (await counter.key({ verbs: VERBS })).text
    await counter.native(key, 'folder/ls', {})
    await counter.native(key, 'user/info')
    counter.calls()
  })
  after(() => counter[Symbol.asyncDispose]())

  it('is refused clearly at every endpoint, and nothing is sent upstream', async () => {
    for (const endpoint of ENDPOINTS) {
      if (endpoint === 'upload/get_upload_server') continue
      for (const body of BODIES) {
        const answer = await counter.native(key, endpoint, body)
        const where = `${endpoint} ${JSON.stringify(body).slice(0, 80)} → ${answer.status} ${answer.text.slice(0, 300)}`
        const isFine = answer.status === 200 && MAY_SUCCEED.has(endpoint)
        const isClear = [400, 403, 404].includes(answer.status) && answer.json['status'] === 'KO'
        assert.ok(isFine || isClear, where)
        assert.ok(answer.body.length < 2_000 || isFine, where)
        assert.doesNotMatch(answer.text, /at .*\.ts|node:internal/, where)
      }
    }
    const harmless = ['remote.list', 'ftp.list', 'ftp.process']
    assert.deepEqual(
      counter.calls().filter((name) => !harmless.includes(name)),
      [],
    )
    assert.ok(!counter.logged.some((line) => line.includes('"level":50')), 'nothing failed inside')
  })

  it('has one refusal for dates that do not exist, wrong methods, unknown endpoints and missing types', async () => {
    const date = await counter.native(key, 'file/ls', { folder_id: -1, sent_after: '2021-02-30 10:00:00' })
    assert.match(String(date.json['message']), /"2021-02-30 10:00:00" is not a date/)
    const method = await counter.ask({
      path: '/v1/folder/ls.cgi',
      key,
      headers: { 'content-type': 'application/json' },
    })
    assert.equal(method.status, 400)
    assert.match(String(method.json['message']), /takes POST/)
    for (const path of ['/v1/file/list.cgi', '/v1/file/ls', '/v1//x.cgi', '/v1/__proto__.cgi', '/v1/']) {
      const answer = await counter.ask({
        method: 'POST',
        path,
        key,
        headers: { 'content-type': 'application/json' },
      })
      assert.equal(answer.status, 404, path)
    }
    const type = await counter.ask({ method: 'POST', path: '/v1/folder/ls.cgi', key, body: '{}' })
    assert.deepEqual(type.json, { message: 'Content-Type not JSON #24' })
    assert.deepEqual(counter.calls(), [])
  })

  it('takes every name that 1fichier takes, and refuses every other before it is sent', async () => {
    for (const character of ['\\', '<', '>', '"', "'", '$', '`', '/', '\n', '\u0000', '\ud800']) {
      const answer = await counter.native(key, 'folder/mkdir', { name: `a${character}b`, folder_id: 0 })
      assert.equal(answer.status, 400, JSON.stringify(character))
      assert.match(String(answer.json['message']), /Bad filename characters/)
    }
    for (const name of [' a', 'a ', '.', '..', 'x'.repeat(251)]) {
      assert.equal((await counter.native(key, 'folder/mkdir', { name })).status, 400, name)
    }
    assert.deepEqual(counter.calls(), [])
    for (const name of ['#&?=;%', 'é ü 漢字 😀', '(a) [b] {c}', '__proto__', '-rf', 'a\u0301']) {
      const { json } = await counter.native(key, 'folder/mkdir', { name })
      assert.equal(json['name'], name)
    }
  })

  it('answers a body of 10 MB with a refusal, and not with a broken connection', async () => {
    const answer = await counter.native(key, 'file/info', `{"url":"${'x'.repeat(10_000_000)}"}`)
    assert.equal(answer.status, 413)
    assert.equal(answer.json['status'], 'KO')
  })

  it('refuses text that is not UTF-8', async () => {
    const answer = await counter.ask({
      method: 'POST',
      path: '/v1/folder/mkdir.cgi',
      key,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from('7b226e616d65223a2261ff62227d', 'hex'),
    })
    assert.equal(answer.status, 400)
    assert.match(String(answer.json['message']), /UTF-8/)
  })

  it('keeps a connection in step when a refused body was not read', async () => {
    const head = (path: string, length: number) =>
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n`
    const refused = `${head('/v1/folder/ls.cgi', 300_000)}\r\n${'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'.padEnd(300_000, 'x')}`
    const good = `${head('/v1/folder/ls.cgi', 2)}Authorization: Bearer ${key}\r\nConnection: close\r\n\r\n{}`
    const text = await say(counter.port, refused + good)
    assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 401', 'HTTP/1.1 200'])
  })

  it('ends the connection of a client that goes on sending after its answer', async () => {
    const head = `POST /v1/folder/ls.cgi HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\n`
    const socket = connect(counter.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(head)
    let sentBytes = 0
    const chunk = Buffer.alloc(1024 * 1024)
    while (!socket.destroyed && sentBytes < 200e6) {
      sentBytes += chunk.length
      await new Promise((resolve) =>
        socket.write(chunk) ? setImmediate(resolve) : onceMoved(socket, resolve),
      )
    }
    assert.ok(sentBytes < 100e6, `${sentBytes} bytes were taken`)
  })

  it('answers headers of 10 MB with 431 and doubled headers with 400', async () => {
    const huge = `GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ${'y'.repeat(10_000_000)}\r\n\r\n`
    assert.match(await say(counter.port, huge), /^HTTP\/1\.1 431 /)
    const twice = `GET /healthz HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\nConnection: close\r\n\r\n`
    assert.match(await say(counter.port, twice), /^HTTP\/1\.1 400 /)
    assert.match(await say(counter.port, 'nonsense\r\n\r\n'), /^HTTP\/1\.1 400 /)
  })
})

function onceMoved(socket: ReturnType<typeof connect>, go: (value?: unknown) => void): void {
  const done = (): void => {
    socket.off('drain', done)
    socket.off('close', done)
    go()
  }
  socket.once('drain', done)
  socket.once('close', done)
}

/** Writes a text and reads until the other side ends. */
function say(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.on('data', (chunk) => {
      answer += String(chunk)
    })
    socket.on('error', () => undefined)
    socket.once('close', () => resolve(answer))
    socket.write(text)
  })
}
