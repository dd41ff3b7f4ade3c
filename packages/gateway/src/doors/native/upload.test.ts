import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { ROOT, VERBS } from '@guichet/core'
import { type Answer, type Counter, openCounter } from '../counter.testing.ts'

type Part = readonly [head: string, body: string]
const file = (name: string, body = `content of ${name}`): Part => [`name="file[]"; filename="${name}"`, body]
const field = (name: string, body: string): Part => [`name="${name}"`, body]
const TYPE = 'multipart/form-data; boundary=b'

function form(parts: readonly Part[]): string {
  const texts = parts.map(
    ([head, body]) => `--b\r\nContent-Disposition: form-data; ${head}\r\n\r\n${body}\r\n`,
  )
  return `${texts.join('')}--b--\r\n`
}

async function withFolders() {
  const counter = await openCounter()
  const { text: key, key: made } = await counter.key({ verbs: VERBS })
  const folder = await counter.account.makeFolder('folder', ROOT, {})
  await counter.native(key, 'folder/ls', {})
  await counter.native(key, 'folder/ls', { folder_id: folder })
  counter.calls()
  return { counter, key, made, folder }
}

const send = (counter: Counter, key: string, parts: readonly Part[] | string, id = 'abcDEF1234') =>
  counter.ask({
    method: 'POST',
    path: `/upload.cgi?id=${id}`,
    key,
    headers: { 'content-type': TYPE },
    body: typeof parts === 'string' ? parts : form(parts),
  })

async function reported(counter: Counter, key: string, answer: Answer): Promise<Answer> {
  assert.equal(answer.status, 302, answer.text)
  assert.match(answer.text, /Moved ! Temporary Redirect/)
  return counter.ask({ path: String(answer.headers.location), key, headers: { json: '1' } })
}

async function leavesNothing(counter: Counter): Promise<void> {
  assert.deepEqual(await counter.spooled(), [])
  assert.deepEqual(
    Object.values(await counter.journal.counts()).filter((count) => count > 0),
    [],
  )
  assert.deepEqual(
    counter.calls().filter((name) => name.startsWith('upload')),
    [],
  )
}

describe('an upload through the native door', () => {
  it('follows the protocol of wire.md §6, with the folder before or after the files', async () => {
    const { counter, key, folder } = await withFolders()
    await using _ = counter
    const server = await counter.native(key, 'upload/get_upload_server')
    assert.deepEqual(Object.keys(server.json).sort(), ['id', 'url'])
    assert.match(String(server.json['id']), /^[A-Za-z0-9]{10}$/)
    const did = field('did', String(folder))
    for (const [index, parts] of [
      [did, file('a1'), file('a2')],
      [file('b1'), file('b2'), did],
      [file('c1'), did, file('c2'), field('send_ssl', 'on'), field('domain', '0')],
    ].entries()) {
      const answer = await reported(counter, key, await send(counter, key, parts, `up${index}`))
      assert.equal(answer.json['incoming'], 0)
      const links = answer.json['links'] as Record<string, string>[]
      assert.deepEqual(
        links.map(({ filename }) => filename).sort(),
        ['1', '2'].map((n) => `${'abc'[index]}${n}`),
      )
      for (const link of links) {
        assert.deepEqual(Object.keys(link).sort(), ['download', 'filename', 'remove', 'size', 'whirlpool'])
        assert.equal(link['size'], '13')
        assert.match(String(link['whirlpool']), /^[0-9a-f]{128}$/)
        assert.match(String(link['download']), /^https:\/\/1fichier\.com\/\?[a-z0-9]{20}$/)
      }
    }
    assert.equal(counter.account.filesIn(folder).length, 6)
    while ((await counter.spooled()).length > 0) await counter.clock.settle()
    const csv = await counter.ask({ path: '/end.pl?xid=up0', key, headers: { export: '1' } })
    assert.match(csv.text, /^a1;13;[a-z0-9]{20};;0;\na2;13;/)
    assert.match((await counter.ask({ path: '/end.pl?xid=up0', key })).text, /<table class="premium">/)
  })

  it('lists nothing, and is seen at once by its folder', async () => {
    const { counter, key, folder } = await withFolders()
    await using _ = counter
    await reported(counter, key, await send(counter, key, [field('did', String(folder)), file('x')]))
    const { json } = await counter.native(key, 'file/ls', { folder_id: folder })
    assert.equal(json['count'], 1)
    assert.deepEqual(counter.calls(), ['uploadTarget', 'upload', 'uploadReport'])
  })

  it('is refused as a whole for each thing that is wrong with it, and leaves nothing behind', async () => {
    const { counter, key, folder } = await withFolders()
    await using _ = counter
    const did = field('did', String(folder))
    const wrong: readonly (readonly [string, readonly Part[] | string, number, RegExp])[] = [
      ['no file', [did], 400, /Pas de fichier trouvé/],
      ['no parts', [], 400, /complete multipart|Pas de fichier/],
      ['a file in another field', [did, ['name="file"; filename="x"', 'y']], 400, /Pas de fichier/],
      ['an unknown folder', [field('did', '999'), file('x')], 404, /no folder 999|folder 999/],
      ['an unknown folder after the file', [file('x'), field('did', '999')], 404, /folder 999/],
      ['no folder id', [field('did', 'root'), file('x')], 400, /not a folder id/],
      ['two folders', [did, file('x'), field('did', '0')], 400, /two folders/],
      ['a name that 1fichier refuses', [did, file('good'), file("it's")], 400, /Bad filename/],
      ['a path for a name', [did, file('../x')], 400, /Bad filename/],
      ['an empty file', [did, file('good'), file('empty', '')], 400, /empty/],
      ['a password', [did, field('dpass', 'secret'), file('x')], 400, /"dpass" cannot be used/],
      ['another domain', [did, file('x'), field('domain', '3')], 400, /"domain" cannot be used/],
      ['a mail', [file('x'), field('mail', 'a@example.com')], 400, /"mail" cannot be used/],
      [
        'too many fields',
        [...Array.from({ length: 51 }, () => field('x', 'y')), did, file('x')],
        413,
        /fields/,
      ],
      ['too many files', Array.from({ length: 501 }, (_, index) => file(`f${index}`, 'x')), 413, /500 files/],
      ['an end that is missing', form([did, file('x')]).replace('--b--\r\n', ''), 400, /complete multipart/],
      ['a file that breaks off', form([did, file('x')]).slice(0, -20), 400, /complete multipart/],
      ['no multipart at all', 'hello', 400, /complete multipart|Pas de fichier/],
    ]
    for (const [what, parts, status, message] of wrong) {
      const answer = await send(counter, key, parts)
      assert.equal(answer.status, status, `${what}: ${answer.text}`)
      assert.match(String(answer.json['message']), message, what)
      assert.equal(answer.json['status'], 'KO')
      await leavesNothing(counter)
    }
    const type = await counter.ask({ method: 'POST', path: '/upload.cgi?id=abc', key, body: 'x' })
    assert.equal(type.status, 400)
    for (const id of ['', '../x', 'abcdefghijk', 'a b']) {
      const answer = await send(counter, key, [file('x')], encodeURIComponent(id))
      assert.equal(answer.status, 400, id)
    }
    await leavesNothing(counter)
  })

  it('takes 500 files in one request', async () => {
    const { counter, key, folder } = await withFolders()
    await using _ = counter
    const parts = Array.from({ length: 500 }, (_, index) => file(`f${index}`, `${index}`))
    const answer = await reported(
      counter,
      key,
      await send(counter, key, [field('did', String(folder)), ...parts]),
    )
    assert.equal((answer.json['links'] as unknown[]).length, 500)
    assert.equal(counter.account.filesIn(folder).length, 500)
    assert.equal(counter.calls().filter((name) => name === 'upload').length, 1)
  })

  it('is refused before its content where the key may not upload, or not there', async () => {
    const { counter, folder } = await withFolders()
    await using _ = counter
    const reader = await counter.key({ verbs: ['list'] })
    assert.equal((await send(counter, reader.text, [file('x')])).status, 403)
    const confined = await counter.key({ verbs: ['upload'], root: folder, rootPath: '/folder' })
    for (const parts of [[file('x')], [field('did', '0'), file('x')], [file('x'), field('did', '0')]]) {
      assert.equal((await send(counter, confined.text, parts)).status, 404)
    }
    await leavesNothing(counter)
    const { status } = await send(counter, confined.text, [file('x'), field('did', String(folder))])
    assert.equal(status, 302)
  })

  it('is known to nobody but its own key', async () => {
    const { counter, key, made } = await withFolders()
    await using _ = counter
    await reported(counter, key, await send(counter, key, [file('x')], 'mine'))
    const other = await counter.key({ verbs: VERBS })
    const answers = await Promise.all(
      ['mine', 'never'].map((xid) => counter.ask({ path: `/end.pl?xid=${xid}`, key: other.text })),
    )
    assert.deepEqual(
      answers.map(({ status }) => status),
      [404, 404],
    )
    const [transfer] = await counter.journal.byUpload(`${made.id}/mine`)
    assert.ok(transfer)
    const status = async (asker: string | undefined) =>
      (await counter.api(asker, 'GET', `/transfers/${transfer.id}`)).status
    assert.deepEqual([await status(other.text), await status(key), await status(undefined)], [404, 200, 200])
  })

  it('leaves nothing behind when the client leaves in the middle', async () => {
    const { counter, key } = await withFolders()
    await using _ = counter
    const { request } = await begun(counter, key)
    request.destroy()
    while (counter.server.visits.count() > 0 || (await counter.spooled()).length > 0)
      await counter.clock.settle()
    await leavesNothing(counter)
  })

  it('is cut when its key is revoked or expires in the middle', async () => {
    for (const how of ['revoked', 'expired']) {
      const { counter } = await withFolders()
      await using _ = counter
      const { text, key } = await counter.key({ verbs: ['upload'], lifetimeMs: 60_000 })
      const { closed } = await begun(counter, text)
      if (how === 'revoked') await counter.api(undefined, 'DELETE', `/keys/${key.id}`)
      else await counter.clock.advance(60_000)
      await closed
      while (counter.server.visits.count() > 0 || (await counter.spooled()).length > 0)
        await counter.clock.settle()
      await leavesNothing(counter)
    }
  })

  it('is refused when the disk is full, before its content is kept', async () => {
    await using counter = await openCounter({ reserveBytes: 2 ** 60 })
    const { text } = await counter.key({ verbs: VERBS })
    const answer = await send(counter, text, [file('x', 'y'.repeat(3_000_000))])
    assert.equal(answer.status, 507)
    const put = await counter.ask({
      method: 'PUT',
      path: '/api/v1/content?at=/x',
      key: text,
      body: 'content',
    })
    assert.equal(put.status, 507, put.text)
    assert.deepEqual(await counter.spooled(), [])
  })

  it('is taken from a real curl, with and without Expect', { skip: withoutCurl() }, async () => {
    const { counter, key, folder } = await withFolders()
    await using _ = counter
    const directory = await mkdtemp(path.join(tmpdir(), 'curl-'))
    const name = path.join(directory, 'big é.bin')
    await writeFile(name, Buffer.alloc(3_000_000, 7))
    for (const [index, expect] of ['Expect: 100-continue', 'Expect:'].entries()) {
      const curl = spawn('curl', [
        ...['-sS', '-L', '--post302', '-H', 'JSON: 1', '-H', expect, '-H', `Authorization: Bearer ${key}`],
        ...['-F', `file[]=@${name}`, '-F', `did=${folder}`],
        `http://127.0.0.1:${counter.port}/upload.cgi?id=curl${index}`,
      ])
      let text = ''
      curl.stdout.on('data', (chunk) => {
        text += String(chunk)
      })
      const [code] = await once(curl, 'close')
      assert.equal(code, 0)
      assert.match(text, /"filename":"big é.bin","remove":"","size":"3000000"/)
    }
    assert.equal(counter.account.filesIn(folder).length, 2)
    await rm(directory, { recursive: true })
  })
})

describe('PUT /content', () => {
  const put = (
    counter: Counter,
    key: string,
    at: string,
    body: string,
    headers: Record<string, string> = {},
  ) => counter.ask({ method: 'PUT', path: `/api/v1/content?${at}`, key, body, headers })

  it('stores, refuses a name that is taken, and replaces on demand', async () => {
    const { counter, key, folder } = await withFolders()
    await using _ = counter
    const made = await put(counter, key, 'at=/folder/x', 'one')
    assert.equal(made.status, 201)
    assert.equal((made.json['file'] as { path: string }).path, '/folder/x')
    assert.equal((await put(counter, key, 'at=/folder/x', 'two')).status, 409)
    const over = await put(counter, key, 'at=/folder/x&overwrite=1', 'two')
    assert.equal(over.status, 201)
    const contents = counter.account.filesIn(folder).map(({ content }) => Buffer.from(content).toString())
    assert.deepEqual(contents, ['two'])
    const keeper = await counter.key({ verbs: ['list', 'upload'] })
    assert.equal((await put(counter, keeper.text, 'at=/folder/x&overwrite=1', 'three')).status, 403)
    const deep = await put(counter, key, 'at=/new/deep/y&parents=1', 'four')
    assert.equal((deep.json['file'] as { path: string }).path, '/new/deep/y')
    const quick = await put(counter, key, 'at=/folder/z&wait=0', 'five')
    assert.equal(quick.status, 202)
    assert.deepEqual(Object.keys(quick.json).sort(), ['state', 'transfer', 'whirlpool'])
  })

  it('does not take a name that was taken, nor a folder that was moved away, while its content came', async () => {
    const { counter, key, folder } = await withFolders()
    await using _ = counter
    const begin = async (auth: string, name: string, body: string) => {
      const path = `/api/v1/content?at=/folder/${name}`
      const before = (await counter.spooled()).length
      const headers = { authorization: `Bearer ${auth}`, 'content-length': body.length }
      const request = httpRequest({ port: counter.port, method: 'PUT', path, headers })
      const answer = once(request, 'response').then(([response]) => (response as IncomingMessage).statusCode)
      request.write(body.slice(0, 1))
      while ((await counter.spooled()).length === before) await counter.clock.settle()
      return { end: () => request.end(body.slice(1)), answer }
    }
    const slow = await begin(key, 'x', 'slow')
    const slowAlike = await begin(key, 'x', 'quick')
    assert.equal((await put(counter, key, 'at=/folder/x', 'quick')).status, 201)
    slow.end()
    slowAlike.end()
    assert.deepEqual([await slow.answer, await slowAlike.answer], [409, 201])
    const contents = counter.account.filesIn(folder).map(({ content }) => Buffer.from(content).toString())
    assert.deepEqual(contents, ['quick'])

    const { text: confined } = await counter.key({
      verbs: ['list', 'upload'],
      root: folder,
      rootPath: '/folder',
    })
    const late = await begin(confined, 'y', 'late')
    await counter.tree.removeFolder(folder, counter.clock.nowMs())
    late.end()
    assert.equal(await late.answer, 404)
    assert.deepEqual(await counter.spooled(), [])
  })

  it('never removes the file that it was given for content sent twice', async () => {
    const { counter, key, folder } = await withFolders()
    await using _ = counter
    const quick = await put(counter, key, 'at=/folder/x&wait=0', 'the only copy')
    assert.equal(quick.status, 202)
    while ((await counter.journal.counts()).stored === 0) await counter.clock.settle()
    const again = await put(counter, key, 'at=/folder/x&overwrite=1', 'the only copy')
    assert.equal(again.status, 201)
    const contents = counter.account.filesIn(folder).map(({ content }) => Buffer.from(content).toString())
    assert.deepEqual(contents, ['the only copy'])
  })

  it('refuses content that is not what was promised', async () => {
    const { counter, key } = await withFolders()
    await using _ = counter
    const wrong = { 'x-guichet-whirlpool': '0'.repeat(128) }
    assert.equal((await put(counter, key, 'at=/x', 'content', wrong)).json['code'], 'corrupt')
    assert.equal((await put(counter, key, 'at=/x', 'content', { 'x-guichet-whirlpool': 'x' })).status, 400)
    assert.equal((await put(counter, key, 'at=/x', '')).status, 400)
    assert.equal((await put(counter, key, 'at=/folder/', 'x')).status, 400)
    assert.equal((await put(counter, key, 'at=/folder', 'x')).status, 409)
    await leavesNothing(counter)
  })
})

/** An upload of which only the beginning has come. */
async function begun(counter: Counter, key: string) {
  const request = httpRequest({
    port: counter.port,
    method: 'POST',
    path: '/upload.cgi?id=abc',
    headers: { authorization: `Bearer ${key}`, 'content-type': TYPE, 'content-length': '100000000' },
  })
  const closed = new Promise((resolve) => {
    request.once('error', resolve)
    request.once('close', resolve)
  })
  const [head] = form([file('x', 'SPLIT')]).split('SPLIT')
  request.write(`${head}${'y'.repeat(1_000_000)}`)
  while ((await counter.spooled()).length === 0) await counter.clock.settle()
  return { request, closed }
}

function withoutCurl(): string | false {
  if (spawnSync('curl', ['--version']).error === undefined) return false
  return (process.env['REQUIRE'] ?? '').split(',').includes('curl') ? false : 'curl is not installed'
}
