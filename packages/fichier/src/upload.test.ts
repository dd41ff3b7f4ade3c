import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Exchange, GatewayError, parseFolderId, ROOT, type UploadFile } from '@guichet/core'
import { chunks, failureOf, hostThatGets, readAll, unaskedHost } from './answering.testing.ts'
import { connectFichier } from './client.ts'
import { FILE_BYTES_MAX, UPLOAD_FILES_MAX } from './upload.ts'

const TARGET = { node: 'up3.1fichier.com', id: 'AbCdEfGhIj' }
const PAGE = { 'content-type': 'text/html' }

function fileOf(name: string, sizeBytes = 3): UploadFile {
  return { name, sizeBytes, open: () => chunks('one') }
}

function keyedBy(keyed: Exchange): ReturnType<typeof connectFichier> {
  const open: Exchange = () => {
    throw new Error('an upload goes through the keyed transport')
  }
  return connectFichier({ keyed, open, boundary: () => 'B'.repeat(60) })
}

describe('an upload target', () => {
  const bad = [
    { url: 'up3.1fichier.com.example.com', id: 'AbCdEfGhIj' },
    { url: 'https://up3.1fichier.com', id: 'AbCdEfGhIj' },
    { url: 'up3.1fichier.com/x', id: 'AbCdEfGhIj' },
    { url: 'a.b.1fichier.com', id: 'AbCdEfGhIj' },
    { url: '1fichier.com', id: 'AbCdEfGhIj' },
    { url: 'up3.alterupload.com', id: 'AbCdEfGhIj' },
    { url: 'up3.1fichier.com', id: 'AbCdEfGhIjK' },
    { url: 'up3.1fichier.com', id: 'Ab&d=1' },
    { url: 'up3.1fichier.com', id: '' },
    { url: 'up3.1fichier.com' },
    { id: 'AbCdEfGhIj' },
  ]
  for (const body of bad) {
    it(`is not ${JSON.stringify(body)}`, async () => {
      assert.equal((await failureOf(hostThatGets({ body }).host.uploadTarget({}))).code, 'upstream-changed')
    })
  }
})

describe('an upload', () => {
  it('sends several files in one request, the folder first', async () => {
    const { host, seen } = hostThatGets({ status: 302, headers: { location: '/end.pl?xid=X1' } })
    const receipt = await host.upload(TARGET, parseFolderId(42), [fileOf('a'), fileOf('b')], {})
    assert.deepEqual(receipt, { node: 'up3.1fichier.com', xid: 'X1' })
    const [request] = seen
    assert.equal(request?.via, 'keyed')
    assert.equal(request?.url, 'https://up3.1fichier.com/upload.cgi?id=AbCdEfGhIj')
    assert.equal(Number(request?.headers['content-length']), request?.body.length)
    assert.ok(
      (request?.body.indexOf('name="did"\r\n\r\n42\r\n') ?? -1) < (request?.body.indexOf('file[]') ?? 0),
    )
    assert.equal(request?.body.split('name="file[]"').length, 3)
  })

  it('takes the id of the report from the address, and its own where there is none', async () => {
    const cases = [
      [{ location: '/end.pl?xid=Other' }, 'up3.1fichier.com', 'Other'],
      [{ location: 'end.pl?xid=Other' }, 'up3.1fichier.com', 'Other'],
      [{ location: 'https://up9.1fichier.com/end.pl?xid=Other' }, 'up9.1fichier.com', 'Other'],
      [{ location: '/end.pl' }, 'up3.1fichier.com', TARGET.id],
      [{ location: '/end.pl?xid=a%20b' }, 'up3.1fichier.com', TARGET.id],
      [{}, 'up3.1fichier.com', TARGET.id],
    ] as const
    for (const [headers, node, xid] of cases) {
      const { host } = hostThatGets({ status: 302, headers: headers as Record<string, string> })
      assert.deepEqual(await host.upload(TARGET, ROOT, [fileOf('a')], {}), { node, xid })
    }
  })

  it('is accepted once the redirect has come, though its page breaks off', async () => {
    const host = keyedBy(async () => ({
      status: 302,
      headers: { location: '/end.pl?xid=Other' },
      body: (async function* () {
        yield* chunks('Moved ! Temp')
        throw new GatewayError('upstream-down', 'the connection was reset')
      })(),
    }))
    assert.deepEqual(await host.upload(TARGET, ROOT, [fileOf('a')], {}), {
      node: 'up3.1fichier.com',
      xid: 'Other',
    })
  })

  it('follows no other address', async () => {
    for (const location of [
      'https://example.com/end.pl?xid=X',
      '/login.pl',
      'https://1fichier.com/',
      'http://[',
    ]) {
      const { host } = hostThatGets({ status: 302, headers: { location } })
      const failure = await failureOf(host.upload(TARGET, ROOT, [fileOf('a')], {}))
      assert.equal(failure.code, 'upstream-changed')
      assert.equal(failure.facts['stored'], undefined)
    }
  })

  const refusals: readonly (readonly [string, number, unknown, string, boolean | undefined])[] = [
    [
      'a storage that cannot be opened',
      200,
      '<div class="bloc2">Ne peut ouvrir le fichier destination</div>',
      'upstream-down',
      false,
    ],
    [
      'a request without a file',
      500,
      '<div class="bloc2">Pas de fichier trouv&eacute; dans l\'envoi</div>',
      'upstream-changed',
      false,
    ],
    ['unknown French words', 200, '<div class="bloc2">Il pleut</div>', 'upstream-changed', undefined],
    ['an unknown page', 200, '<html>Bonjour</html>', 'upstream-down', undefined],
    ['an outage', 503, '<html>Our services are in maintenance</html>', 'upstream-down', undefined],
    ['a node without the call', 404, '<html>Not Found</html>', 'upstream-down', undefined],
    ['too large a request', 413, '<html>Too large</html>', 'too-large', false],
    ['a bad key', 401, { status: 'KO', message: 'Not authenticated #48' }, 'account-refused', false],
    ['a lock', 403, { status: 'KO', message: 'Flood detected: IP Locked #412' }, 'locked', false],
    ['JSON that is no refusal', 200, { status: 'OK' }, 'upstream-changed', undefined],
  ]
  for (const [what, status, body, code, stored] of refusals) {
    it(`that meets ${what} is ${code}`, async () => {
      const { host } = hostThatGets({ status, body, ...(typeof body === 'string' ? { headers: PAGE } : {}) })
      const failure = await failureOf(host.upload(TARGET, ROOT, [fileOf('a')], {}))
      assert.equal(failure.code, code)
      assert.equal(failure.facts['stored'], stored)
      assert.equal(failure.facts['handedOver'], true)
    })
  }

  it('that got no answer tells how far the request came', async () => {
    const atOnce = keyedBy(() =>
      Promise.reject(new GatewayError('upstream-down', 'no connection', { facts: { sent: false } })),
    )
    const unsent = await failureOf(atOnce.upload(TARGET, ROOT, [fileOf('a')], {}))
    assert.deepEqual(
      [unsent.code, unsent.facts['sent'], unsent.facts['handedOver']],
      ['upstream-down', false, false],
    )

    const atTheEnd = keyedBy(async ({ body }) => {
      if (body === undefined || body instanceof Uint8Array) throw new Error('a body is missing')
      await readAll(body)
      throw new GatewayError('upstream-down', 'the connection was reset')
    })
    const sent = await failureOf(atTheEnd.upload(TARGET, ROOT, [fileOf('a')], {}))
    assert.deepEqual(
      [sent.code, sent.facts['sent'], sent.facts['handedOver']],
      ['upstream-down', undefined, true],
    )
  })

  it('names the file that cannot be read, not the request that broke because of it', async () => {
    const host = keyedBy(async ({ body }) => {
      if (body === undefined || body instanceof Uint8Array) throw new Error('a body is missing')
      await readAll(body).catch(() => undefined)
      throw new GatewayError('upstream-down', 'the request broke off')
    })
    const short = await failureOf(host.upload(TARGET, ROOT, [fileOf('short.txt', 4)], {}))
    assert.equal(short.code, 'corrupt')
    assert.match(short.message, /"short\.txt" ended after 3 of 4 bytes/)
    assert.equal(short.facts['stored'], false)
  })

  it('is not begun beyond the limits of 1fichier', async () => {
    const host = unaskedHost()
    const many = Array.from({ length: UPLOAD_FILES_MAX + 1 }, (_, index) => fileOf(`f${index}`))
    const cases: readonly (readonly [readonly UploadFile[], string])[] = [
      [[], 'invalid'],
      [many, 'invalid'],
      [[fileOf('empty', 0)], 'invalid'],
      [[fileOf('half', 0.5)], 'invalid'],
      [[fileOf('a"b')], 'invalid'],
      [[fileOf('a\r\nb')], 'invalid'],
      [[fileOf('a\ud800')], 'invalid'],
      [[fileOf('large', FILE_BYTES_MAX + 1)], 'too-large'],
      [[fileOf('a', FILE_BYTES_MAX), fileOf('b', FILE_BYTES_MAX)], 'too-large'],
    ]
    for (const [files, code] of cases) {
      assert.equal((await failureOf(host.upload(TARGET, ROOT, files, {}))).code, code)
    }
    const foreign = { node: 'example.com', id: 'AbCdEfGhIj' }
    assert.equal((await failureOf(host.upload(foreign, ROOT, [fileOf('a')], {}))).code, 'invalid')
    assert.equal((await failureOf(host.uploadReport({ node: 'example.com', xid: 'X' }, {}))).code, 'invalid')
    assert.equal((await failureOf(host.uploadReport({ node: TARGET.node, xid: 'a&b' }, {}))).code, 'invalid')
  })
})

describe('the report of an upload', () => {
  const RECEIPT = { node: 'up3.1fichier.com', xid: 'X1' }

  it('is asked for without the key', async () => {
    const { host, seen } = hostThatGets({ body: { links: [] } })
    assert.deepEqual(await host.uploadReport(RECEIPT, {}), { kind: 'pending' })
    assert.equal(seen[0]?.via, 'open')
    assert.equal(seen[0]?.headers['json'], '1')
    assert.equal(seen[0]?.url, 'https://up3.1fichier.com/end.pl?xid=X1')
  })

  it('is pending while the page says to wait, in whatever language', async () => {
    for (const body of [
      '<html>Please wait</html>',
      '<html>Veuillez patienter</html>',
      '<html>Bitte warten</html>',
      '',
    ]) {
      assert.deepEqual(await hostThatGets({ body }).host.uploadReport(RECEIPT, {}), { kind: 'pending' })
    }
  })

  it('is no report of ours when the files can be removed by a link: they belong to nobody', async () => {
    const remove = 'https://1fichier.com/remove/abcde/code'
    const link = { download: 'https://1fichier.com/?abcde', filename: 'a', size: '1', remove }
    const { host } = hostThatGets({ body: { links: [link] } })
    assert.deepEqual(await host.uploadReport(RECEIPT, {}), { kind: 'ownerless' })
  })

  const failures: readonly (readonly [string, number, unknown, string])[] = [
    ['a lock', 200, '<html>IP Locked</html>', 'locked'],
    ['an outage', 503, '<html>Please wait</html>', 'upstream-down'],
    ['a report that is gone', 404, '<html>Not Found</html>', 'not-found'],
    ['text of another kind', 200, 'something else', 'upstream-changed'],
    [
      'a link of another place',
      200,
      { links: [{ download: 'https://example.com/', filename: 'a', size: 1 }] },
      'upstream-changed',
    ],
    [
      'a file without a size',
      200,
      { links: [{ download: 'https://1fichier.com/?abcde', filename: 'a' }] },
      'upstream-changed',
    ],
  ]
  for (const [what, status, body, code] of failures) {
    it(`that meets ${what} is ${code}`, async () => {
      const headers: Record<string, string> =
        typeof body === 'string' && !body.startsWith('<') ? { 'content-type': 'text/plain' } : {}
      const failure = await failureOf(hostThatGets({ status, body, headers }).host.uploadReport(RECEIPT, {}))
      assert.equal(failure.code, code)
    })
  }

  it('is read as CSV too, whatever the name', async () => {
    const body = 'a;b.txt;12;abcde12345;rm12345678;2;x\r\nc.txt;5;fghij12345;;0\r\n'
    const headers = { 'content-type': 'text/plain' }
    const report = await hostThatGets({ body, headers }).host.uploadReport(RECEIPT, {})
    assert.deepEqual(report, {
      kind: 'stored',
      files: [
        {
          link: { domain: 'cjoint.net', id: 'abcde12345' },
          name: 'a;b.txt',
          sizeBytes: 12,
          whirlpool: undefined,
        },
        {
          link: { domain: '1fichier.com', id: 'fghij12345' },
          name: 'c.txt',
          sizeBytes: 5,
          whirlpool: undefined,
        },
      ],
    })
  })
})
