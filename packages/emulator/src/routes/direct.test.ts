import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { syntheticBytes } from '../content/synthetic.ts'
import { startEmulator } from '../emulator.ts'
import { ask, call, directUrl } from '../testing/client.ts'
import { manualTimers } from '../timers.ts'

const MINUTE_MS = 60_000

describe('a direct link', () => {
  it('serves the file, its head and its parts, without a key', async () => {
    await using emulator = await startEmulator()
    const { link } = await emulator.account.putFile('/été.txt', Buffer.from('Hello world\n'))
    const url = await directUrl(emulator, link)
    assert.match(url, /^https:\/\/a-\d\.1fichier\.com\/p\d{10}$/)
    const head = await ask(emulator, url, { method: 'HEAD' })
    assert.equal(head.headers['content-length'], '12')
    const disposition = Buffer.from(String(head.headers['content-disposition']), 'latin1').toString('utf8')
    assert.equal(disposition, 'attachment; filename="été.txt"')
    assert.equal(head.headers['content-type'], 'application/octet-stream')
    const part = await ask(emulator, url, { headers: { Range: 'bytes=6-' } })
    assert.deepEqual([part.status, part.headers['content-range']], [206, 'bytes 6-11/12'])
    assert.equal(part.body.toString(), 'world\n')
    const beyond = await ask(emulator, url, { headers: { Range: 'bytes=12-' } })
    assert.deepEqual([beyond.status, beyond.headers['content-range']], [416, 'bytes */12'])
    const { directGets, directHeads, tokens, bytesDown } = emulator.snapshot()
    assert.deepEqual(
      { directGets, directHeads, tokens, bytesDown },
      {
        directGets: 2,
        directHeads: 1,
        tokens: 1,
        bytesDown: 6,
      },
    )
  })

  it('reads any range of a 300 GB file', async () => {
    await using emulator = await startEmulator()
    const sizeBytes = 300_000_000_000
    const { link } = await emulator.account.putSynthetic('/huge.bin', { sizeBytes, seed: 'huge' })
    const url = await directUrl(emulator, link)
    const ranges = fc.tuple(fc.nat(sizeBytes - 1), fc.integer({ min: 1, max: 100_000 }))
    await fc.assert(
      fc.asyncProperty(ranges, async ([start, length]) => {
        const end = Math.min(start + length, sizeBytes)
        const { body } = await ask(emulator, url, { headers: { Range: `bytes=${start}-${end - 1}` } })
        assert.ok(body.equals(syntheticBytes('huge', start, end - start)))
      }),
      { numRuns: 10 },
    )
  })

  it('waits five minutes for its first GET, and goes on for thirty', async () => {
    const timers = manualTimers(Date.UTC(2026, 0, 1))
    await using emulator = await startEmulator({ timers })
    const { link } = await emulator.account.putFile('/a', Buffer.from('a'))
    const unused = await directUrl(emulator, link)
    const used = await directUrl(emulator, link)
    assert.equal((await ask(emulator, used)).body.toString(), 'a')
    timers.advance(5 * MINUTE_MS)
    assert.match((await ask(emulator, unused)).body.toString(), /<html>/)
    timers.advance(24 * MINUTE_MS)
    assert.equal((await ask(emulator, used)).body.toString(), 'a')
    timers.advance(MINUTE_MS)
    const expired = await ask(emulator, used)
    assert.equal(expired.status, 200)
    assert.match(String(expired.headers['content-type']), /^text\/html/)
    emulator.setReadings({ expiredLinkStatus: 410 })
    assert.equal((await ask(emulator, used)).status, 410)
  })

  it('serves once when it was asked to be single, or when every link is', async () => {
    await using emulator = await startEmulator()
    const { link } = await emulator.account.putFile('/a', Buffer.from('a'))
    const single = await directUrl(emulator, link, { single: 1 })
    assert.equal((await ask(emulator, single, { method: 'HEAD' })).headers['content-length'], '1')
    assert.equal((await ask(emulator, single)).body.toString(), 'a')
    assert.match((await ask(emulator, single)).body.toString(), /<html>/)
    const many = await directUrl(emulator, link)
    await ask(emulator, many)
    assert.equal((await ask(emulator, many)).body.toString(), 'a')
    emulator.setReadings({ tokenUse: 'always-single' })
    assert.match((await ask(emulator, many)).body.toString(), /<html>/)
  })

  it('shows the true type when it is inline, by the request, the link or the file', async () => {
    await using emulator = await startEmulator()
    const { link } = await emulator.account.putFile('/film.mp4', Buffer.from('film'))
    for (const url of [
      await directUrl(emulator, link, { inline: 1 }),
      await directUrl(emulator, `${link}&inline=1`),
    ]) {
      assert.match(url, /\?inline$/)
      const { headers } = await ask(emulator, url)
      assert.equal(headers['content-type'], 'video/mp4')
      assert.match(String(headers['content-disposition']), /^inline/)
    }
    await call(emulator, 'file/chattr', { urls: [link], inline: 1 })
    assert.match(await directUrl(emulator, link), /\?inline$/)
  })

  it('is not known on another node', async () => {
    await using emulator = await startEmulator()
    const { link } = await emulator.account.putFile('/a', Buffer.from('a'))
    const url = await directUrl(emulator, link)
    const other = url.replace(/a-(\d)/, (_, digit) => `a-${(Number(digit) % 9) + 1}`)
    assert.match((await ask(emulator, other)).body.toString(), /<html>/)
  })

  it('is refused to a free account, and from a second location', async () => {
    await using free = await startEmulator({ offer: 0 })
    const { link } = await free.account.putFile('/a', Buffer.from('a'))
    const refused = await call(free, 'download/get_token', { url: link })
    assert.match(String(refused.json['message']), /^Must be a customer/)

    await using emulator = await startEmulator({ rules: 'documented' })
    const file = await emulator.account.putFile('/a', Buffer.from('a'))
    await directUrl(emulator, file.link)
    const elsewhere = await call(
      emulator,
      'download/get_token',
      { url: file.link },
      { localAddress: '127.0.0.2' },
    )
    assert.match(String(elsewhere.json['message']), /^Only 1 location\(s\) allowed at a time/)
  })

  it('is served thirty times at once, and no more', async () => {
    await using emulator = await startEmulator({ rules: 'documented' })
    const { link } = await emulator.account.putFile('/a', Buffer.from('a'))
    const url = await directUrl(emulator, link)
    const over = new AbortController()
    const stall = async (downloads: number): Promise<void> => {
      emulator.fault({ at: 'direct', kind: 'stall', times: downloads })
      for (let count = 0; count < downloads; count += 1) ask(emulator, url, over).catch(() => undefined)
      while (emulator.faults().length > 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await stall(29)
    assert.equal((await ask(emulator, url)).status, 200)
    await stall(1)
    const crowded = await ask(emulator, url)
    assert.equal(crowded.status, 403)
    assert.match(crowded.body.toString(), /Votre adresse IP ouvre trop de connexions vers le serveur/)
    over.abort()
  })

  it('stops when it is told that all links have expired', async () => {
    await using emulator = await startEmulator()
    const { link } = await emulator.account.putFile('/a', Buffer.from('a'))
    const url = await directUrl(emulator, link)
    emulator.expireDirectLinks()
    assert.match((await ask(emulator, url)).body.toString(), /<html>/)
  })
})
