import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createServer } from 'node:tls'
import { openRelay } from '../packages/cli/src/running/relay.ts'
import { selfSigned } from '../packages/gateway/src/self-signed.testing.ts'
import { rclone, without } from './clients.ts'
import { type Stand, startStand } from './stand.ts'
import { until } from './until.ts'

let stand: Stand
let folder = ''
const files = () => ({ cert: path.join(folder, 'cert.pem'), key: path.join(folder, 'key.pem') })

async function writeCertificate(): Promise<void> {
  const { cert, key } = await selfSigned(['guichet.example', 'localhost'])
  await writeFile(files().key, key, { mode: 0o600 })
  await writeFile(files().cert, cert)
}

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'guichet-run-tls-'))
  await writeCertificate()
  stand = await startStand({ serve: ['--tls-cert', files().cert, '--tls-key', files().key] })
  await stand.emulator.account.putFile('/docs/hello.txt', Buffer.from('Hello\n'))
})
after(async () => {
  await stand[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const LIST = `curl -sS -H "Authorization: Bearer $GUICHET_KEY" -H 'Content-Type: application/json' -d '{"folder_id":0}'`

describe('guichet run with a gateway that speaks TLS by a certificate that nobody knows', () => {
  it('leads unmodified curl and rclone there, by both ways in (K20)', {
    skip: without('curl') || without('rclone'),
  }, async () => {
    for (const address of ['https://api.1fichier.com', '$GUICHET_URL']) {
      const listed = await stand.guichet(['run', '--', 'sh', '-c', `${LIST} ${address}/v1/folder/ls.cgi`])
      assert.match(listed.stdout, /"name":"docs"/, listed.stderr)
    }
    const got = await rclone(stand, ['cat', ':fichier:docs/hello.txt'])
    assert.equal(got.stdout, 'Hello\n', got.stderr)
  })

  it('goes on over a new certificate, and is open no longer than the tool runs (K20)', async () => {
    const { certificate: before } = await stand.status()
    await writeCertificate()
    await until('the new certificate', async () => (await stand.status()).certificate !== before)
    const listed = await stand.guichet([
      'run',
      '--',
      'sh',
      '-c',
      `echo "$GUICHET_URL"; ${LIST} $GUICHET_URL/v1/folder/ls.cgi`,
    ])
    const [url = '', answer = ''] = listed.stdout.split('\n')
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/)
    assert.match(answer, /"name":"docs"/, listed.stderr)
    await assert.rejects(fetch(url))
  })

  it('says nothing to a server with another certificate, and says why (K20)', async () => {
    const other = await selfSigned(['localhost'])
    await using fake = await startFake(other)
    // Somebody else has taken the port that the gateway tells of.
    const failures: string[] = []
    const fingerprint = async () => (await stand.status()).certificate
    const onFailure = ({ message }: Error): void => void failures.push(message)
    for (const known of [fingerprint, undefined]) {
      await using relay = await openRelay({ gateway: fake.url, fingerprint: known, onFailure })
      await assert.rejects(fetch(relay.url, { headers: { authorization: 'Bearer secret' } }))
    }
    assert.deepEqual(fake.heard, [])
    assert.equal(failures.length, 2)
    assert.match(failures[0] ?? '', /its certificate is not the one of the gateway/)
    assert.match(failures[1] ?? '', /self.signed/)
  })

  it('is told what is wrong when the certificate of a gateway elsewhere is not trusted (U5)', async () => {
    const { key } = await stand.issue('read')
    const wrong = (url: string, env = {}) =>
      stand.guichet(['ls', '/'], { env: { GUICHET_URL: url, GUICHET_KEY: key, ...env } })
    const port = new URL(stand.url).port
    const unknown = await wrong(`https://localhost:${port}`)
    assert.equal(unknown.code, 6)
    assert.match(unknown.stderr, /certificate of https:\/\/localhost:\d+ is not trusted here/)
    assert.match(unknown.stderr, /hint: .*NODE_EXTRA_CA_CERTS/)
    const trusting = { NODE_EXTRA_CA_CERTS: files().cert }
    assert.match((await wrong(`https://127.0.0.1:${port}`, trusting)).stderr, /is not for this name/)
    assert.match((await wrong(`http://localhost:${port}`)).stderr, /hint: .*https:/)
    assert.equal((await wrong(`https://localhost:${port}`, trusting)).code, 0)
  })
})

async function startFake({ cert, key }: { cert: string; key: string }) {
  const heard: string[] = []
  const server = createServer({ cert, key }, (socket) => {
    socket.on('data', (data) => heard.push(data.toString()))
    socket.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    heard,
    url: `https://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}
