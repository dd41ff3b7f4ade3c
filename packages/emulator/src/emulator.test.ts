import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { startEmulator } from './emulator.ts'
import { ask, call, listIn, report, upload } from './testing/client.ts'
import { manualTimers } from './timers.ts'

describe('the emulator', () => {
  it('serves every domain under the CA that it exports', async () => {
    await using emulator = await startEmulator()
    assert.equal(readFileSync(emulator.caFile, 'utf8'), emulator.caPem)
    for (const host of ['1fichier.com', 'www.1fichier.com', 'dl4free.com', 'tenvoi.com', 'cjoint.net']) {
      assert.equal((await ask(emulator, `https://${host}/`)).status, 200, host)
    }
  })

  it('removes its temporary folder at the end, and gives its ports back', async () => {
    const emulator = await startEmulator()
    const { dataDir, address } = emulator
    await emulator[Symbol.asyncDispose]()
    assert.equal(existsSync(dataDir), false)
    await using next = await startEmulator({ port: address.port })
    assert.equal(next.address.port, address.port)
  })

  it('is the same for the same seed', async () => {
    await using one = await startEmulator({ seed: 'same' })
    await using two = await startEmulator({ seed: 'same' })
    assert.equal(one.apiKey, two.apiKey)
    assert.match(one.apiKey, /^[A-Za-z0-9]{32}$/)
  })

  it('is ready at once with a million files, in little memory', async () => {
    const before = process.memoryUsage().heapUsed
    await using emulator = await startEmulator()
    const first = emulator.account.putForest('/many', { folders: 100_000, filesPerFolder: 10 })
    const { json } = await call(emulator, 'file/ls', { folder_id: first + 54_321 })
    const items = listIn(json, 'items')
    assert.equal(items.length, 10)
    assert.match(String(items[0]?.['checksum']), /^[0-9a-f]{128}$/)
    const { json: info } = await call(emulator, 'file/info', { url: items[3]?.['url'] })
    assert.equal(info['filename'], items[3]?.['filename'])
    assert.match(String(info['path']), /^many\/folder-/)
    assert.ok(process.memoryUsage().heapUsed - before < 50 * 1024 * 1024)
  })

  it('seeds and shows the account past all rules', async () => {
    await using emulator = await startEmulator({ rules: 'observed' })
    const { account } = emulator
    const id = account.mkdir('/a/b')
    assert.equal(account.mkdir('/a/b'), id)
    const seen = await account.putSynthetic('/a/b/c.bin', { sizeBytes: 2_000_000, seed: 'c', checksum: true })
    assert.match(seen.whirlpool, /^[0-9a-f]{128}$/)
    assert.deepEqual(account.list('/a/b'), { id, path: '/a/b', folders: [], files: [seen] })
    assert.equal(account.list('/nope'), undefined)
    assert.equal((await account.readFile('/a/b/c.bin')).length, 2_000_000)
    await assert.rejects(account.readFile('/nope'), /no file \/nope/)
    assert.throws(() => account.mkdir('x@example.com:/a'), /shareFrom first/)
  })
})

describe('a data directory that is kept', () => {
  it('gives the account back to the next run, with the same key and CA', async () => {
    await using cleanup = new AsyncDisposableStack()
    const dataDir = await mkdtemp(join(tmpdir(), 'guichet-emulator-test-'))
    cleanup.defer(() => rm(dataDir, { recursive: true, force: true }))
    const first = await startEmulator({ dataDir })
    const { apiKey, caPem } = first
    await first.account.putFile('/a/one.txt', Buffer.from('one'))
    const forest = first.account.putForest('/many', { folders: 10, filesPerFolder: 2 })
    await call(first, 'user/info', { default_domain: 3 })
    await call(first, 'ftp/users/add', { user: 'nas', pass: 'sesame' })
    const pending = await upload(first, [{ name: 'file[]', filename: 'late.txt', content: 'late' }])
    const gone = await first.account.putFile('/gone', Buffer.from('x'))
    await call(first, 'file/rm', { files: [{ url: gone.link }] })
    await first[Symbol.asyncDispose]()
    appendFileSync(join(dataDir, 'account.jsonl'), '{"is":"file","fi')
    appendFileSync(join(dataDir, 'content', 'half.part'), 'received when the run was killed')

    await using second = await startEmulator({ dataDir })
    assert.deepEqual([second.apiKey, second.caPem], [apiKey, caPem])
    assert.equal(existsSync(join(dataDir, 'content', 'half.part')), false)
    assert.equal((await second.account.readFile('/a/one.txt')).toString(), 'one')
    assert.equal(second.account.files().length, 21)
    assert.equal((await call(second, 'folder/ls', { folder_id: forest })).json['files'], 2)
    assert.equal((await call(second, 'user/info')).json['default_domain'], 3)
    assert.equal((await call(second, 'ftp/users/ls')).json['count'], 1)
    const links = listIn(await report(second, pending.node, pending.answer), 'links')
    assert.equal(links[0]?.['filename'], 'late.txt')
    assert.equal((await second.account.readFile('/late.txt')).toString(), 'late')
  })
})

describe('readings', () => {
  it('delay listings and checksums, and nothing else', async () => {
    const timers = manualTimers(Date.UTC(2026, 0, 1))
    await using emulator = await startEmulator({
      timers,
      readings: { listingLagMs: 10_000, checksumLagMs: 30_000 },
    })
    const { node, answer } = await upload(emulator, [{ name: 'file[]', filename: 'a', content: 'a' }])
    timers.advance(15_000)
    const [link] = listIn(await report(emulator, node, answer), 'links')
    assert.equal((await call(emulator, 'file/ls')).json['count'], 0)
    assert.equal((await call(emulator, 'file/info', { url: link?.['download'] })).json['filename'], 'a')
    timers.advance(10_000)
    const [fresh] = listIn((await call(emulator, 'file/ls')).json, 'items')
    assert.equal(fresh?.['checksum'], '')
    timers.advance(5_000)
    const [old] = listIn((await call(emulator, 'file/ls')).json, 'items')
    assert.equal(old?.['checksum'], link?.['whirlpool'])
    await call(emulator, 'file/rm', { files: [{ url: link?.['download'] }] })
    assert.equal((await call(emulator, 'file/ls')).json['count'], 1)
    timers.advance(10_000)
    assert.equal((await call(emulator, 'file/ls')).json['count'], 0)
  })

  it('give an empty list in three forms, and success with or without status', async () => {
    await using emulator = await startEmulator()
    const seen: unknown[] = []
    for (const emptyList of ['array', 'null', 'absent'] as const) {
      emulator.setReadings({ emptyList })
      const files = (await call(emulator, 'file/ls')).json
      const folders = (await call(emulator, 'folder/ls')).json
      seen.push([files['items'], folders['sub_folders'], 'items' in files])
    }
    assert.deepEqual(seen, [
      [[], [], true],
      [null, null, true],
      [undefined, undefined, false],
    ])
    emulator.setReadings({ listStatus: 'absent' })
    assert.ok(!('status' in (await call(emulator, 'file/ls')).json))
  })

  it('name and type the fields of file/info', async () => {
    await using emulator = await startEmulator({
      readings: { mimeKey: 'content_type', infoFolderId: 'string', infoStatus: 'present' },
    })
    const { link } = await emulator.account.putFile('/a.txt', Buffer.from('a'))
    const { json } = await call(emulator, 'file/info', { url: link })
    assert.deepEqual([json['content_type'], json['folder_id'], json['status']], ['text/plain', '0', 'OK'])
  })

  it('count all results, or those that are given', async () => {
    await using emulator = await startEmulator({ readings: { truncatedCount: 'total' } })
    emulator.account.putForest('/many', { folders: 60, filesPerFolder: 100 })
    assert.equal((await call(emulator, 'file/ls', { folder_id: -1 })).json['count'], 6_000)
    emulator.setReadings({ overLimit: 'error' })
    assert.equal((await call(emulator, 'file/ls', { folder_id: -1 })).json['status'], 'KO')
  })
})
