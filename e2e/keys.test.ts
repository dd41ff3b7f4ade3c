import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Stand, startStand } from './stand.ts'
import { asOwner, download, question, tunnelled, type UnderWay, upload } from './under-way.ts'
import { until } from './until.ts'

const LARGE_BYTES = 20e9

let stand: Stand
/** Of the large file. */
let link = ''
before(async () => {
  stand = await startStand({
    rules: { rules: [{ id: 'folder', burst: 1, gapMs: 60_000_000 }] },
    emulator: { storeContent: 'hash-only' },
  })
  const { account } = stand.emulator
  const large = { sizeBytes: LARGE_BYTES, seed: 'large', checksum: false }
  link = (await account.putSynthetic('/large.bin', large)).link
  await account.putSynthetic('/films/film.mkv', { sizeBytes: 9, seed: 'film', checksum: true })
})
after(() => stand[Symbol.asyncDispose]())

function asHolder(key: string) {
  return { env: { GUICHET_URL: stand.url, GUICHET_KEY: key } }
}

describe('a key that is revoked', () => {
  it('has everything cut within a second: downloads, uploads, tunnels, links, waiting questions (K8)', async (t) => {
    const { key, id } = await stand.issue('all', ['--may-issue'])
    const child = await issueAs(key, 'a child of it', 'read,upload')
    const content = `${stand.url}/api/v1/content?at=/large.bin`
    const lent = await stand.guichet(['link', '--for', '1h', '/large.bin', '--json'], asHolder(key))
    const ticket: string = JSON.parse(lent.stdout).links[0].link
    const streams: readonly UnderWay[] = [
      download(content, key),
      download(content, child),
      download(ticket, ''),
      upload(`${stand.url}/api/v1/content?at=/up.bin`, key),
      upload(`${stand.url}/api/v1/content?at=/up-2.bin`, child),
      await tunnelled(stand, key, link),
      question(`${stand.url}/api/v1/children?at=/&refresh=1`, key),
    ]
    await Promise.all(streams.map(({ begun }) => begun))
    await until('the question to wait', async () => (await stand.status()).scheduler.waiting.length === 1)
    for (const { flow } of streams) flow()
    const { answeredMs } = await asOwner(stand, 'DELETE', `/keys/${id}`)
    for (const { kind, ended } of streams) {
      const lastMs = (await ended) - answeredMs
      t.diagnostic(`${kind}: ${lastMs.toFixed(0)} ms after the answer`)
      assert.ok(lastMs < 1_000, `${kind} went on for ${lastMs} ms`)
    }
    for (const [url, secret] of [
      [content, key],
      [content, child],
      [ticket, ''],
    ] as const) {
      const { status } = await fetch(url, {
        headers: secret === '' ? {} : { authorization: `Bearer ${secret}` },
      })
      assert.equal(status, 401, url)
    }
  })

  it('stays revoked, with its children, when the gateway is killed right after the answer (K8)', async () => {
    for (let round = 0; round < 3; round += 1) {
      const { key, id } = await stand.issue('read', ['--may-issue'])
      const child = await issueAs(key, `child ${round}`, 'read')
      await asOwner(stand, 'DELETE', `/keys/${id}`)
      await stand.kill('SIGKILL')
      await stand.start()
      for (const secret of [key, child]) {
        const refused = await stand.guichet(['ls', '/'], asHolder(secret))
        assert.equal(refused.code, 3, refused.stderr)
        assert.match(refused.stderr, /is revoked/)
      }
    }
  })
})

describe('a key', () => {
  it('has used what it has used also after kill -9 (K7)', async () => {
    const { key } = await stand.issue('read', ['--uses', '3'])
    for (let use = 0; use < 3; use += 1)
      assert.equal((await stand.guichet(['ls', '/'], asHolder(key))).code, 0)
    await stand.kill('SIGKILL')
    await stand.start()
    const refused = await stand.guichet(['ls', '/'], asHolder(key))
    assert.equal(refused.code, 3)
    assert.match(refused.stderr, /is used up: it was good for 3 requests/)
  })

  it('gets another text and keeps the rest, over a restart; the old text ends after the overlap (K16)', async () => {
    const old = await stand.issue('read', ['--uses', '100'])
    const rotated = JSON.parse(
      (await stand.guichet(['key', 'rotate', old.id, '--overlap', '1h', '--json'])).stdout,
    )
    assert.equal(rotated.id, old.id)
    await stand.kill('SIGKILL')
    await stand.start()
    for (const secret of [old.key, rotated.key])
      assert.equal((await stand.guichet(['ls', '/'], asHolder(secret))).code, 0)
    const again = JSON.parse((await stand.guichet(['key', 'rotate', old.name, '--json'])).stdout)
    for (const secret of [old.key, rotated.key])
      assert.equal((await stand.guichet(['ls', '/'], asHolder(secret))).code, 3)
    assert.equal((await stand.guichet(['ls', '/'], asHolder(again.key))).code, 0)
    const shown = JSON.parse((await stand.guichet(['key', 'show', old.id, '--json'])).stdout)
    assert.equal(shown.use.count, 3)
  })

  it('is handed over once by a link; the second use is an alarm that status shows (K12)', async () => {
    const made = await stand.guichet(['key', 'create', '--name', 'guest', '--wrap', '10m', '--json'])
    const { id, wrap } = JSON.parse(made.stdout)
    assert.equal(new URL(wrap.link).origin, stand.url)
    assert.equal((await fetch(wrap.link)).status, 200)
    const outside = { env: { GUICHET_URL: stand.url }, input: `${wrap.link}\n` }
    const fetched = await stand.guichet(['key', 'unwrap', '-', '--quiet'], outside)
    assert.equal(fetched.code, 0, fetched.stderr)
    const key = fetched.stdout.trim()
    assert.equal((await stand.guichet(['ls', '/'], asHolder(key))).code, 0)
    const second = await stand.guichet(['key', 'unwrap', '-'], outside)
    assert.equal(second.code, 3)
    assert.match(second.stderr, /somebody else has the key "guest", so it has been revoked/)
    assert.equal((await stand.guichet(['ls', '/'], asHolder(key))).code, 3)
    const status = await stand.guichet(['status'])
    assert.match(status.stdout, new RegExp(`alarm: the token of ${id} came twice`))
    assert.ok(!stand.output.join('\n').includes(wrap.token))
  })

  it('is explained, with the command that allows more, and that command does (U5)', async () => {
    await stand.issue('list,upload', ['--from', '127.0.0.0/8', '--name', 'tool'])
    const no = await stand.guichet([
      'explain',
      'tool',
      'download',
      '/large.bin',
      '--from',
      '127.0.0.1',
      '--json',
    ])
    assert.equal(no.code, 3, no.stderr)
    const { rule, remedy } = JSON.parse(no.stdout)
    assert.equal(rule, 'verb')
    const words = remedy.replace('NAME', 'better').replaceAll("'", '').split(' ').slice(1)
    assert.equal((await stand.guichet(words)).code, 0, remedy)
    assert.equal((await stand.guichet(['explain', 'better', 'download', '/large.bin'])).code, 0)
  })
})

describe('docs/keys.md', () => {
  it('shows commands that work as they stand, in their order', async () => {
    const text = await readFile(path.join(import.meta.dirname, '..', 'docs', 'keys.md'), 'utf8')
    const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '')
    const lines = blocks.join('').trim().split('\n')
    assert.ok(lines.length >= 9)
    for (const line of lines) {
      const [program, ...words] = line.split(' ')
      assert.equal(program, 'guichet')
      const ran = await stand.guichet(words)
      assert.equal(ran.code, 0, `${line}\n${ran.stderr}`)
    }
  })
})

async function issueAs(key: string, name: string, verbs: string): Promise<string> {
  const made = await stand.guichet(
    ['key', 'create', '--name', name, '--verbs', verbs, '--json'],
    asHolder(key),
  )
  assert.equal(made.code, 0, made.stderr)
  return JSON.parse(made.stdout).key
}
