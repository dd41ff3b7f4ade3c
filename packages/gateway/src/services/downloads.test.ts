import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { describe, it } from 'node:test'
import { type ByteRange, type DirectContent, GatewayError, ROOT, type Verb } from '@guichet/core'
import fc from 'fast-check'
import { type Counter, openCounter } from '../doors/counter.testing.ts'
import type { Fault } from '../doors/upstream.testing.ts'

const READ: readonly Verb[] = ['list', 'download']
const expired = (): never => {
  throw new GatewayError('not-found', 'the direct link is no longer good', { facts: { expired: true } })
}
const refusesLength = (): never => {
  throw new GatewayError('corrupt', 'another part than asked for', { facts: { endpoint: 'direct' } })
}
const down = (): never => {
  throw new GatewayError('upstream-down', 'no answer')
}
/** Breaks off after so many bytes: with an error of the connection, or with an end that comes too early. */
const cutAfter =
  (bytes: number, isClean: boolean): Fault =>
  async (go) => {
    const content = (await go()) as DirectContent
    async function* body(): AsyncGenerator<Uint8Array> {
      let left = bytes
      for await (const chunk of content.body) {
        yield chunk.subarray(0, left)
        left -= chunk.length
        if (left <= 0) break
      }
      if (isClean)
        throw new GatewayError('corrupt', 'the file ended early', { facts: { endpoint: 'direct' } })
      throw new GatewayError('upstream-down', 'the connection broke')
    }
    return { ...content, body: body() }
  }
/** 200 with everything where a part was asked for. */
const wholeInstead =
  (counter: () => Counter): Fault =>
  (_go, args) =>
    counter().account.openDirect(args[0] as URL, undefined, {})
const flipped: Fault = async (go) => {
  const content = (await go()) as DirectContent
  async function* body(): AsyncGenerator<Uint8Array> {
    for await (const chunk of content.body) yield chunk.map((byte, index) => (index === 0 ? byte ^ 1 : byte))
  }
  return { ...content, body: body() }
}
/** As the node would send it: in pieces. */
const pieces: Fault = async (go) => {
  const content = (await go()) as DirectContent
  async function* body(): AsyncGenerator<Uint8Array> {
    for await (const chunk of content.body)
      for (let at = 0; at < chunk.length; at += 65_536) yield chunk.subarray(at, at + 65_536)
  }
  return { ...content, body: body() }
}

async function withFile(content: Uint8Array): Promise<{ counter: Counter; key: string; path: string }> {
  const counter = await openCounter()
  counter.account.plant(ROOT, 'file.bin', content, 1e12)
  const { text: key } = await counter.key({ verbs: READ })
  await counter.native(key, 'folder/ls', {})
  counter.calls()
  return { counter, key, path: '/api/v1/content?at=/file.bin' }
}

const faults = fc.constantFrom<(counter: () => Counter) => Fault>(
  () => expired,
  () => refusesLength,
  () => down,
  () => cutAfter(1, false),
  () => cutAfter(700, true),
  () => cutAfter(0, true),
  wholeInstead,
)

describe('downloads', () => {
  it('give exactly the bytes of any range under cuts, expiries, pages, wrong lengths and ignored ranges', async () => {
    const content = randomBytes(5_000)
    const { counter, key, path } = await withFile(content)
    await using _ = counter
    await fc.assert(
      fc.asyncProperty(
        fc.nat(4_999),
        fc.nat(4_999),
        fc.array(faults, { maxLength: 3 }),
        async (a, b, wished) => {
          const [first, last] = [Math.min(a, b), Math.max(a, b)]
          counter.fail('openDirect', ...wished.map((make) => make(() => counter)))
          const answer = await counter.ask({ path, key, headers: { range: `bytes=${first}-${last}` } })
          counter.fail('openDirect')
          assert.equal(answer.status, 206, answer.text)
          assert.equal(answer.headers['content-range'], `bytes ${first}-${last}/5000`)
          assert.deepEqual(answer.body, content.subarray(first, last + 1))
        },
      ),
      { numRuns: 60 },
    )
  })

  it('take one token for many reads, and another when it has died or grown old (T8)', async () => {
    const { counter, key, path } = await withFile(randomBytes(300_000))
    await using _ = counter
    const seek = (at: number) => counter.ask({ path, key, headers: { range: `bytes=${at}-${at + 9}` } })
    for (let at = 0; at < 200; at += 1) await seek(at * 1_000)
    await Promise.all([1, 2, 3, 4].map(seek))
    const tokens = () => counter.calls().filter((name) => name === 'downloadToken').length
    assert.equal(tokens(), 1)
    counter.fail('openDirect', expired)
    await seek(5)
    assert.equal(tokens(), 1)
    await counter.clock.advance(4 * 60_000)
    await Promise.all([seek(1), seek(2)])
    assert.equal(tokens(), 1)
  })

  it('keep the token when a client leaves before the answer, and when one connection breaks', async () => {
    const { counter, key, path } = await withFile(randomBytes(2_000))
    await using _ = counter
    await counter.ask({ path, key })
    counter.calls()
    let left: () => void = () => {}
    const gone = new Promise<void>((resolve) => {
      left = resolve
    })
    counter.fail('openDirect', (_go, args) => {
      const { signal } = args[2] as { signal: AbortSignal }
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          left()
          reject(signal.reason)
        })
        request.destroy()
      })
    })
    const request = httpRequest({ port: counter.port, path, headers: { authorization: `Bearer ${key}` } })
    request.on('error', () => undefined)
    request.end()
    await gone
    counter.fail('openDirect', down)
    assert.equal((await counter.ask({ path, key })).status, 200)
    assert.deepEqual(counter.calls(), ['openDirect', 'openDirect', 'openDirect'])
  })

  it('fetch a small file again whose bytes are wrong, and refuse it when they stay wrong (R8)', async () => {
    const content = randomBytes(10_000)
    const { counter, key, path } = await withFile(content)
    await using _ = counter
    counter.fail('openDirect', flipped)
    assert.deepEqual((await counter.ask({ path, key })).body, content)
    counter.fail('openDirect', flipped, flipped)
    const refused = await counter.ask({ path, key })
    assert.equal(refused.status, 502)
    assert.equal(refused.json['code'], 'corrupt')
    assert.equal(refused.headers['content-length'], String(refused.body.length))
    assert.equal(refused.headers['etag'], undefined)
  })

  it('never end a big file that is wrong: its last bytes do not leave', async () => {
    const content = randomBytes(3_000_000)
    const { counter, key, path } = await withFile(content)
    await using _ = counter
    counter.fail('openDirect', pieces)
    assert.ok(content.equals((await counter.ask({ path, key })).body))
    counter.fail('openDirect', (go) => pieces(() => flipped(go, []) as Promise<unknown>, []))
    const got = await bytesUntilCut(counter.port, path, key)
    assert.ok(got < content.length, `${got} bytes`)
  })

  it('try once more when the node has another size than the listing, and then ask for the folder anew', async () => {
    const { counter, key, path } = await withFile(randomBytes(2_000))
    await using _ = counter
    const other: Fault = async (go) => ({ ...((await go()) as DirectContent), sizeBytes: 1_999 })
    counter.fail('openDirect', other)
    assert.equal((await counter.ask({ path, key })).status, 200)
    counter.fail('openDirect', other, other)
    const answer = await counter.ask({ path, key })
    assert.equal(answer.json['code'], 'corrupt')
    counter.calls()
    await counter.native(key, 'folder/ls', {})
    assert.deepEqual(counter.calls(), ['listFolder'])
  })

  it('drop a file of which 1fichier says that it is gone', async () => {
    const { counter, key, path } = await withFile(randomBytes(2_000))
    await using _ = counter
    counter.account.files.clear()
    assert.equal((await counter.ask({ path, key })).status, 404)
    const { json } = await counter.native(key, 'folder/ls', {})
    assert.equal(json['files'], 0)
  })

  it('answer HEAD as GET, whole and in ranges, and ask for the verb as GET does', async () => {
    const { counter, key, path } = await withFile(randomBytes(1_000))
    await using _ = counter
    const etag = String((await counter.ask({ path, key })).headers['etag'])
    const wishes: Record<string, string>[] = [
      {},
      { range: 'bytes=10-19' },
      { range: 'bytes=990-' },
      { range: 'bytes=-5' },
      { range: 'bytes=-5000' },
      { range: 'bytes=1000-' },
      { range: 'bytes=-0' },
      { range: 'bytes=5-2' },
      { range: 'bytes=0-1,5-6' },
      { range: 'lines=1-2' },
      { range: 'bytes=0-99', 'if-range': etag },
      { range: 'bytes=0-99', 'if-range': '"another"' },
    ]
    const expected = [200, 206, 206, 206, 206, 416, 416, 200, 200, 200, 206, 200]
    for (const [index, headers] of wishes.entries()) {
      const get = await counter.ask({ path, key, headers })
      const head = await counter.ask({ method: 'HEAD', path, key, headers })
      assert.equal(get.status, expected[index], JSON.stringify(headers))
      const plain = ({ status, headers: { date: _d, 'x-request-id': _r, ...rest } }: typeof get) => ({
        status,
        rest,
      })
      assert.deepEqual(plain(head), plain(get))
      assert.equal(head.body.length, 0)
      if (get.status < 400) assert.equal(get.body.length, Number(get.headers['content-length']))
    }
    const { text: looker } = await counter.key({ verbs: ['list'] })
    for (const method of ['GET', 'HEAD'])
      assert.equal((await counter.ask({ method, path, key: looker })).status, 403)
  })

  it('survive a file without a byte, which cannot be', async () => {
    const { counter, key, path } = await withFile(new Uint8Array(0))
    await using _ = counter
    const answer = await counter.ask({ path, key })
    assert.equal(answer.status, 200)
    assert.equal(answer.body.length, 0)
    for (const range of ['bytes=0-', 'bytes=-1'])
      assert.equal((await counter.ask({ path, key, headers: { range } })).status, 416)
    assert.deepEqual(counter.calls(), [])
  })

  it('close the connection upstream as soon as the client leaves', async () => {
    const { counter, key, path } = await withFile(randomBytes(5_000))
    await using _ = counter
    let closed: (value: string) => void = () => {}
    const isClosed = new Promise<string>((resolve) => {
      closed = resolve
    })
    counter.fail(
      'openDirect',
      endless(() => closed('closed')),
    )
    const request = httpRequest({
      port: counter.port,
      path,
      headers: { authorization: `Bearer ${key}`, range: 'bytes=0-4000' },
    })
    request.on('error', () => undefined)
    request.on('response', (response) => response.once('data', () => request.destroy()))
    request.end()
    assert.equal(await isClosed, 'closed')
  })

  it('hand out a direct link only for its own verb', async () => {
    const { counter, key } = await withFile(randomBytes(5))
    await using _ = counter
    assert.equal((await counter.api(key, 'POST', '/direct', { at: '/file.bin' })).status, 403)
    const { text } = await counter.key({ verbs: ['direct'] })
    const { json } = await counter.api(text, 'POST', '/direct', { at: '/file.bin' })
    assert.match(String(json['url']), /^https:\/\/a-1\.1fichier\.com\//)
  })
})

describe('tickets', () => {
  it('serve the file in ranges, die with their key, and with the file leaving the root', async () => {
    const content = randomBytes(3_000)
    await using counter = await openCounter()
    const folder = await counter.account.makeFolder('root', ROOT, {})
    const { link } = counter.account.plant(folder, 'file.bin', content, 1e12)
    const { text: all } = await counter.key({ verbs: ['list', 'move'] })
    await counter.native(all, 'folder/ls', {})
    await counter.native(all, 'folder/ls', { folder_id: folder })
    const { text, key } = await counter.key({ verbs: READ, root: folder, rootPath: '/root' })
    const ticket = async (options: object = {}) => {
      const { json } = await counter.native(text, 'download/get_token', {
        url: `https://1fichier.com/?${link.id}`,
        single: 1,
        ...options,
      })
      assert.deepEqual(Object.keys(json).sort(), ['message', 'status', 'url'])
      return new URL(String(json['url'])).pathname
    }
    const path = await ticket()
    assert.match(path, /^\/p[0-9a-f]{32}$/)
    const part = await counter.ask({ path, headers: { range: 'bytes=100-199' } })
    assert.deepEqual(part.body, content.subarray(100, 200))
    const head = await counter.ask({ method: 'HEAD', path })
    assert.equal(
      head.headers['content-disposition'],
      `attachment; filename="file.bin"; filename*=UTF-8''file.bin`,
    )
    assert.equal(
      (await counter.ask({ path: await ticket({ inline: 1 }) })).headers['x-content-type-options'],
      'nosniff',
    )

    await counter.native(all, 'file/mv', {
      urls: [`https://1fichier.com/?${link.id}`],
      destination_folder_id: 0,
    })
    assert.equal((await counter.ask({ path })).status, 404)
    await counter.native(all, 'file/mv', {
      urls: [`https://1fichier.com/?${link.id}`],
      destination_folder_id: folder,
    })
    assert.equal((await counter.ask({ path })).status, 200)

    await counter.clock.advance(36 * 60_000)
    const old = await counter.ask({ path })
    assert.equal(old.status, 404)
    assert.match(String(old.headers['content-type']), /text\/html/)
    const fresh = await ticket()
    await counter.api(undefined, 'DELETE', `/keys/${key.id}`)
    assert.equal((await counter.ask({ path: fresh })).status, 401)
    const [entry] = await counter.ledger.recent(1)
    assert.equal(entry?.decision, 'deny')
  })
})

/** Bytes that come for as long as somebody reads; tells when nobody does any more. */
export function endless(onClosed: () => void): Fault {
  return async (go, args) => {
    const content = (await go()) as DirectContent
    const { signal } = args[2] as { signal: AbortSignal }
    const range = args[1] as ByteRange
    async function* body(): AsyncGenerator<Uint8Array> {
      try {
        yield new Uint8Array(1)
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      } finally {
        onClosed()
      }
    }
    return { ...content, startByte: range.startByte, body: body() }
  }
}

function bytesUntilCut(port: number, path: string, key: string): Promise<number> {
  return new Promise((resolve) => {
    let bytes = 0
    const request = httpRequest({ port, path, headers: { authorization: `Bearer ${key}` } }, (response) => {
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      response.on('error', () => undefined)
      response.once('close', () => resolve(bytes))
    })
    request.end()
  })
}
