import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HOUR_MS } from '@guichet/core'
import fc from 'fast-check'
import { permit, type Target, UploadNodes } from './closed-list.ts'
import { KeyScan } from './key-scan.ts'

function learned(...hosts: readonly string[]): UploadNodes {
  const nodes = new UploadNodes()
  for (const host of hosts) nodes.learn(Buffer.from(JSON.stringify({ url: host, id: 'ExampleTok' })), 0)
  return nodes
}

function asked(
  method: string,
  url: string,
  nodes: UploadNodes = learned('up2.1fichier.com'),
  nowMs = 0,
): Target {
  return permit(method, url, nodes, nowMs)
}

const LISTING = '/forward/api.1fichier.com/v1/folder/ls.cgi'
const UPLOAD = '/forward/up2.1fichier.com/upload.cgi?id=ExampleTok'

describe('closed list', () => {
  it('lets the calls of the interface and uploads to a named node pass', () => {
    for (const path of ['file/ls', 'user/info', 'download/get_token', 'ftp/users/add', 'remote/request']) {
      assert.equal(asked('POST', `/forward/api.1fichier.com/v1/${path}.cgi`).kind, 'call')
    }
    for (const method of ['GET', 'POST']) {
      const target = asked(method, '/forward/api.1fichier.com/v1/upload/get_upload_server.cgi')
      assert.equal(target.kind, 'node-lookup')
    }
    const path = '/upload.cgi?id=ExampleTok'
    assert.deepEqual(asked('POST', UPLOAD), {
      method: 'POST',
      host: 'up2.1fichier.com',
      path,
      kind: 'upload',
    })
  })

  it('refuses every near miss', () => {
    const refused = [
      ['GET', LISTING],
      ['HEAD', LISTING],
      ['PUT', LISTING],
      ['post', LISTING],
      ['POST', `${LISTING}?`],
      ['POST', `${LISTING}?pretty=1`],
      ['POST', `${LISTING}/`],
      ['POST', `${LISTING}#x`],
      ['POST', `${LISTING}%00`],
      ['POST', LISTING.toUpperCase()],
      ['POST', LISTING.replace('/v1', '')],
      ['POST', LISTING.replace('/v1', '//v1')],
      ['POST', LISTING.replace('/v1', '/v1/../v1')],
      ['POST', LISTING.replace('/v1', '/./v1')],
      ['POST', LISTING.replace('/v1', '\\v1')],
      ['POST', LISTING.replace('ls.cgi', 'ls%2ecgi')],
      ['POST', LISTING.replace('ls.cgi', 'unknown.cgi')],
      ['POST', `http://api.1fichier.com${LISTING}`],
      ['POST', LISTING.replace('api.', 'api.1fichier.com@')],
      ...['', '.', ':443', ':80', '.example.com', '%2eexample.com', '@example.com', '/..'].map((suffix) => [
        'POST',
        LISTING.replace('1fichier.com', `1fichier.com${suffix === '' ? 's' : suffix}`),
      ]),
      ...['API.1fichier.com', '1fichier.com', 'api.1fichier.co', 'xapi.1fichier.com', '127.0.0.1'].map(
        (host) => ['POST', LISTING.replace('api.1fichier.com', host)],
      ),
      ['GET', UPLOAD],
      ['POST', UPLOAD.replace('up2', 'up3')],
      ['POST', UPLOAD.replace('up2', 'a-4')],
      ['POST', UPLOAD.replace('up2', 'api')],
      ['POST', UPLOAD.replace('upload.cgi?id=', 'end.pl?xid=')],
      ['POST', UPLOAD.replace('upload.cgi', 'p1058755667')],
      ['POST', UPLOAD.replace('?id=ExampleTok', '')],
      ['POST', UPLOAD.replace('ExampleTok', '')],
      ['POST', `${UPLOAD}1`],
      ['POST', `${UPLOAD}&id=b`],
      ['POST', UPLOAD.replace('ExampleTok', 'a-b')],
      ['POST', UPLOAD.replace('/upload', '/dir/../upload')],
    ] as const
    for (const [method, url] of refused) {
      assert.throws(() => asked(method ?? '', url ?? ''), { code: 'forbidden' }, `${method} ${url}`)
    }
  })

  it('refuses whatever differs in one character', () => {
    const characters = fc.string({ unit: 'binary', minLength: 0, maxLength: 2 })
    const near = fc.property(fc.constantFrom(LISTING, UPLOAD), fc.nat(), characters, (url, seed, other) => {
      const place = seed % url.length
      const changed = url.slice(0, place) + other + url.slice(place + 1)
      fc.pre(changed !== url)
      try {
        const target = asked('POST', changed)
        // Another upload id is as good as the first; nothing else is.
        assert.match(
          `${target.host}${target.path}`,
          /^up2\.1fichier\.com\/upload\.cgi\?id=[A-Za-z0-9]{1,10}$/,
        )
      } catch (failure) {
        assert.equal((failure as { code?: string }).code, 'forbidden')
      }
    })
    fc.assert(near, { numRuns: 500 })
  })

  it('knows a node for an hour after it was named last', () => {
    const nodes = learned('up2.1fichier.com')
    assert.throws(() => asked('POST', UPLOAD, new UploadNodes()), { code: 'forbidden' })
    assert.equal(asked('POST', UPLOAD, nodes, HOUR_MS - 1).kind, 'upload')
    assert.throws(() => asked('POST', UPLOAD, nodes, HOUR_MS), { code: 'forbidden' })
    nodes.learn(Buffer.from('{"url":"up2.1fichier.com"}'), HOUR_MS)
    assert.equal(asked('POST', UPLOAD, nodes, 2 * HOUR_MS - 1).kind, 'upload')
  })

  it('learns no other host, whatever an answer names', () => {
    const hosts = [
      'example.com',
      'up2.1fichier.com.example.com',
      'example.com/.1fichier.com',
      'up2.1fichier.com:8443',
      'up2.1fichier.com/',
      'x@up2.1fichier.com',
      'a.b.1fichier.com',
      'UP2.1fichier.com',
      'api.1fichier.com',
      '.1fichier.com',
      '1fichier.com',
      'up2.1fichier.com\n',
    ]
    for (const host of hosts) assert.ok(!learned(host).has(host, 0), host)
    const nodes = new UploadNodes()
    for (const body of ['', '<html>', 'null', '[]', '{}', '{"url":1}', '"up2.1fichier.com"']) {
      nodes.learn(Buffer.from(body), 0)
    }
    assert.ok(!nodes.has('up2.1fichier.com', 0))
  })

  it('remembers a bounded number of nodes, and the last ones', () => {
    const nodes = learned(...Array.from({ length: 300 }, (_, index) => `up${index}.1fichier.com`))
    assert.ok(!nodes.has('up0.1fichier.com', 0))
    assert.ok(nodes.has('up299.1fichier.com', 0))
  })
})

describe('key scan', () => {
  const key = Buffer.from('canary-key-0123456789-abcdef_=ZZ')
  const chunks = (text: Buffer, cuts: readonly number[]): Buffer[] => {
    const places = [0, ...cuts.map((cut) => cut % (text.length + 1)), text.length].sort((a, b) => a - b)
    return places.slice(1).map((end, index) => text.subarray(places[index], end))
  }
  const texts = fc.string({ unit: fc.constantFrom('c', 'a', 'n', 'canary-key-', 'Z'), maxLength: 30 })
  const cuts = fc.array(fc.nat(), { maxLength: 8 })

  it('gives on what came, byte for byte', () => {
    const clean = fc.property(texts, cuts, (text, places) => {
      const scan = new KeyScan(key)
      const parts = chunks(Buffer.from(text), places).map((chunk) => scan.push(chunk))
      assert.equal(Buffer.concat([...parts, scan.rest()]).toString(), text)
    })
    fc.assert(clean)
  })

  it('finds the key however it is cut, before its first byte is given on', () => {
    const dirty = fc.property(texts, texts, cuts, (before, after, places) => {
      const scan = new KeyScan(key)
      let given = ''
      const pushAll = (): void => {
        for (const chunk of chunks(Buffer.from(before + key + after), places)) given += scan.push(chunk)
      }
      assert.throws(pushAll, { code: 'upstream-changed' })
      assert.ok(before.startsWith(given))
    })
    fc.assert(dirty)
  })
})
