import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { syntheticBytes } from '../content/synthetic.ts'
import { whirlpoolOf } from '../content/whirlpool.ts'
import { type Emulator, startEmulator } from '../emulator.ts'
import { type Answer, ask, call, listIn, multipart, report, upload } from '../testing/client.ts'
import { manualTimers } from '../timers.ts'

const FILE = { name: 'file[]', filename: 'test.txt', content: 'Hello world\n' }

describe('an upload', () => {
  it('is answered with a redirect, and stored when end.pl is reached', async () => {
    await using emulator = await startEmulator()
    const did = String(emulator.account.mkdir('/docs'))
    const { node, answer } = await upload(emulator, [{ name: 'did', content: did }, FILE])
    assert.equal(answer.status, 302)
    assert.match(String(answer.headers.location), /^\/end\.pl\?xid=[A-Za-z0-9]{10}$/)
    assert.match(answer.body.toString(), /Moved ! Temporary Redirect/)
    assert.deepEqual(emulator.account.list('/docs')?.files, [])
    const json = await report(emulator, node, answer)
    assert.equal(json['incoming'], 0)
    const [link] = listIn(json, 'links')
    assert.deepEqual([link?.['filename'], link?.['size'], link?.['remove']], ['test.txt', '12', ''])
    assert.match(String(link?.['whirlpool']), /^0a894ff0/)
    assert.equal((await emulator.account.readFile('/docs/test.txt')).toString(), 'Hello world\n')
    assert.deepEqual(emulator.snapshot().uploads, { requests: 1, files: 1 })
  })

  it('is reported as CSV and as HTML too, and more than once', async () => {
    await using emulator = await startEmulator()
    const { node, answer } = await upload(emulator, [FILE])
    const csv = await ask(emulator, `${node}${answer.headers.location}`, { headers: { EXPORT: '1' } })
    assert.match(csv.body.toString(), /^test\.txt;12;[a-z0-9]{20};;0;/)
    const page = await ask(emulator, `${node}${answer.headers.location}`, { method: 'POST' })
    assert.match(page.body.toString(), /class="premium"/)
    assert.equal(emulator.account.files().length, 1)
  })

  it('is stored by itself when nobody reaches end.pl, and forgotten by end.pl after two hours', async () => {
    const timers = manualTimers(Date.UTC(2026, 0, 1))
    await using emulator = await startEmulator({ timers })
    const { node, answer } = await upload(emulator, [FILE])
    timers.advance(60_000)
    assert.equal((await call(emulator, 'file/ls')).json['count'], 1)
    timers.advance(120 * 60_000)
    const late = await ask(emulator, `${node}${answer.headers.location}`, { headers: { JSON: '1' } })
    assert.match(late.body.toString(), /<html>/)
  })

  it('takes many files, text parts after them, and content that looks like a boundary', async () => {
    await using emulator = await startEmulator()
    const tricky = Buffer.concat([
      syntheticBytes('x', 0, 300_000),
      Buffer.from('\r\n--b0undar\r\n--b0undary'),
    ])
    const safe = tricky.subarray(0, -1)
    const did = String(emulator.account.mkdir('/d'))
    const { node, answer } = await upload(emulator, [
      { ...FILE, filename: 'a.bin', content: safe },
      { ...FILE, filename: 'b.txt' },
      { name: 'did', content: did },
    ])
    const links = listIn(await report(emulator, node, answer), 'links')
    assert.equal(links.length, 2)
    assert.equal(links[0]?.['whirlpool'], await whirlpoolOf([safe]))
    assert.deepEqual(await emulator.account.readFile('/d/a.bin'), safe)
    assert.equal(emulator.account.list('/d')?.files.length, 2)
  })

  it('makes two files of one name, and puts an unknown folder into the root', async () => {
    await using emulator = await startEmulator()
    for (const did of ['0', '987654']) {
      const { node, answer } = await upload(emulator, [{ name: 'did', content: did }, FILE])
      await report(emulator, node, answer)
    }
    assert.deepEqual(
      emulator.account.files().map(({ path }) => path),
      ['/test.txt', '/test.txt'],
    )
  })

  it('belongs to nobody without a key, and is removed with its code', async () => {
    await using emulator = await startEmulator()
    const body = multipart([FILE])
    const node = 'https://up2.1fichier.com'
    const answer = await ask(emulator, `${node}/upload.cgi?id=abc`, {
      method: 'POST',
      body,
      headers: {
        'Content-Type': 'multipart/form-data; boundary=b0undary',
        'Content-Length': String(body.length),
      },
    })
    const [link] = listIn(await report(emulator, node, answer), 'links')
    assert.deepEqual(emulator.account.files(), [])
    const removal = String(link?.['remove'])
    assert.match(removal, /^https:\/\/1fichier\.com\/remove\/[a-z0-9]+\/[A-Za-z0-9]+$/)
    const form = await ask(emulator, removal, { method: 'POST', body: 'force=1' })
    assert.equal(form.status, 200)
    assert.equal((await ask(emulator, removal)).status, 404)
  })

  it('gives the XID of the redirect, which may differ from the id', async () => {
    await using emulator = await startEmulator({ readings: { xid: 'different' } })
    const body = multipart([FILE])
    const answer = await send(emulator, body, { 'Content-Length': String(body.length) })
    assert.notEqual(answer.headers.location, '/end.pl?xid=ExampleTok')
    emulator.setReadings({ xid: 'same' })
    const again = await send(emulator, body, { 'Content-Length': String(body.length) })
    assert.equal(again.headers.location, '/end.pl?xid=ExampleTok')
  })
})

describe('an upload node', () => {
  const file = (head: string, content = 'x'): string =>
    `--b0undary\r\n${head}\r\n\r\n${content}\r\n--b0undary--`
  const good = 'Content-Disposition: form-data; name="file[]"; filename="a.txt"'
  const refusals: readonly (readonly [string, string, Readonly<Record<string, string>>, RegExp])[] = [
    [
      'a part whose first header is another',
      file(`Content-Type: a/b\r\n${good}`),
      {},
      /Pas de fichier trouv/,
    ],
    ['an unquoted name', file(good.replaceAll('"', '')), {}, /Pas de fichier trouv/],
    ['a part without filename', file('Content-Disposition: form-data; name="file[]"'), {}, /Pas de fichier/],
    ['an empty file', file(good, ''), {}, /vides/],
    ['a bad file name', file(good.replace('a.txt', 'a$b')), {}, /Nom de fichier/],
    ['a body without end', file(good).slice(0, -2), {}, /Pas de fichier trouv/],
    [
      'a quoted boundary',
      file(good),
      { 'Content-Type': 'multipart/form-data; boundary="b0undary"' },
      /Pas de/,
    ],
    ['a wrong key', file(good), { Authorization: 'Bearer wrong' }, /Identification/],
  ]
  for (const [what, body, headers, message] of refusals) {
    it(`refuses ${what} in French, with nothing stored`, async () => {
      await using emulator = await startEmulator()
      const answer = await send(emulator, Buffer.from(body), {
        'Content-Length': String(body.length),
        ...headers,
      })
      assert.equal(answer.headers.location, undefined)
      const first = /<div class="bloc2">([^<]+)<\/div>/.exec(answer.body.toString())
      assert.match(first?.[1] ?? '', message)
      assert.equal(emulator.snapshot().uploads.files, 0)
    })
  }

  it('takes a file part with a content type, and ignores a text part with one', async () => {
    await using emulator = await startEmulator()
    const did = emulator.account.mkdir('/d')
    const text = `Content-Disposition: form-data; name="did"\r\nContent-Type: text/plain\r\n\r\n${did}`
    const body = `--b0undary\r\n${text}\r\n${file(`${good}\r\nContent-Type: application/octet-stream`)}`
    const answer = await send(emulator, Buffer.from(body), { 'Content-Length': String(body.length) })
    await report(emulator, 'https://up2.1fichier.com', answer)
    assert.equal(emulator.account.files()[0]?.path, '/a.txt')
  })

  it('wants a Content-Length, unless the reading lets chunks in', async () => {
    await using emulator = await startEmulator()
    const chunked = { 'Transfer-Encoding': 'chunked' }
    assert.equal((await send(emulator, multipart([FILE]), chunked)).status, 200)
    emulator.setReadings({ chunkedUpload: 'accepted' })
    assert.equal((await send(emulator, multipart([FILE]), chunked)).status, 302)
  })

  it('takes as many files a request as the reading says', async () => {
    await using emulator = await startEmulator({ readings: { filesPerRequestMax: 2 } })
    assert.equal((await upload(emulator, [FILE, FILE])).answer.status, 302)
    assert.equal((await upload(emulator, [FILE, FILE, FILE])).answer.status, 200)
  })

  it('gives the domain and the password that were asked for', async () => {
    await using emulator = await startEmulator()
    const parts = [FILE, { name: 'domain', content: '5' }, { name: 'dpass', content: 'sesame' }]
    const { node, answer } = await upload(emulator, parts)
    const [link] = listIn(await report(emulator, node, answer), 'links')
    assert.match(String(link?.['download']), /^https:\/\/megadl\.fr\//)
    const { json } = await call(emulator, 'file/info', { url: link?.['download'] })
    assert.equal(json['pass'], 1)
  })
})

describe('a sender without a key', () => {
  const cases: readonly (readonly [
    string,
    string | undefined,
    Readonly<Record<string, string>>,
    string[] | undefined,
  ])[] = [
    ['is nobody', undefined, {}, []],
    ['is the owner by Basic', 'owner@example.com:password', {}, ['/test.txt']],
    ['is refused by a wrong Basic', 'owner@example.com:guess', {}, undefined],
    [
      'is the owner by user and pass',
      undefined,
      { user: 'owner@example.com', pass: 'password' },
      ['/test.txt'],
    ],
    ['is refused by a wrong pass', undefined, { user: 'owner@example.com', pass: 'guess' }, undefined],
    ['drops into the incoming folder of a user', undefined, { user: 'owner@example.com' }, ['/test.txt']],
  ]
  for (const [what, basic, fields, paths] of cases) {
    it(what, async () => {
      await using emulator = await startEmulator()
      const body = multipart([FILE, ...Object.entries(fields).map(([name, content]) => ({ name, content }))])
      const node = 'https://up2.1fichier.com'
      const answer = await ask(emulator, `${node}/upload.cgi?id=ExampleTok`, {
        method: 'POST',
        body,
        headers: {
          'Content-Type': 'multipart/form-data; boundary=b0undary',
          'Content-Length': String(body.length),
          ...(basic === undefined ? {} : { Authorization: `Basic ${Buffer.from(basic).toString('base64')}` }),
        },
      })
      assert.equal(answer.status, paths === undefined ? 403 : 302)
      if (paths === undefined) return
      const json = await report(emulator, node, answer)
      assert.equal(json['incoming'], what.includes('incoming') ? 1 : 0)
      assert.deepEqual(
        emulator.account.files().map(({ path }) => path),
        paths,
      )
    })
  }
})

describe('content that is not kept', () => {
  it('leaves size and checksum, and is downloadable only when it is recognised', async () => {
    await using emulator = await startEmulator({ storeContent: 'hash-only', syntheticSeeds: ['known'] })
    const known = syntheticBytes('known', 0, 500_000)
    const { node, answer } = await upload(emulator, [
      { ...FILE, filename: 'known.bin', content: known },
      { ...FILE, filename: 'other.bin', content: 'whatever' },
    ])
    const links = listIn(await report(emulator, node, answer), 'links')
    assert.equal(links[0]?.['whirlpool'], await whirlpoolOf([known]))
    assert.deepEqual(await emulator.account.readFile('/known.bin'), known)
    await assert.rejects(emulator.account.readFile('/other.bin'), /not kept/)
  })
})

function send(emulator: Emulator, body: Buffer, headers: Readonly<Record<string, string>>): Promise<Answer> {
  return ask(emulator, 'https://up2.1fichier.com/upload.cgi?id=ExampleTok', {
    method: 'POST',
    body,
    headers: {
      'Content-Type': 'multipart/form-data; boundary=b0undary',
      Authorization: `Bearer ${emulator.apiKey}`,
      ...headers,
    },
  })
}
