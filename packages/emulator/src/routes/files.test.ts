import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Emulator, startEmulator } from '../emulator.ts'
import { call, listIn } from '../testing/client.ts'
import { manualTimers } from '../timers.ts'

const SUMMER = Date.UTC(2021, 5, 22, 12, 57, 25)

describe('file/ls', () => {
  it('gives entries in the shape of the recorded exchange', async () => {
    await using emulator = await startEmulator({ timers: manualTimers(SUMMER) })
    await emulator.account.putFile('/test.txt', Buffer.from('Hello world\n'))
    const { json } = await call(emulator, 'file/ls', { folder_id: 0 })
    assert.equal(json['status'], 'OK')
    assert.equal(json['count'], 1)
    const [entry] = listIn(json, 'items')
    assert.match(String(entry?.['url']), /^https:\/\/1fichier\.com\/\?[a-z0-9]{20}$/)
    assert.match(String(entry?.['checksum']), /^0a894ff0.*06a2c5$/)
    assert.deepEqual(
      { ...entry, url: '', checksum: '' },
      {
        url: '',
        filename: 'test.txt',
        size: 12,
        date: '2021-06-22 14:57:25',
        checksum: '',
        'content-type': 'text/plain',
        pass: 0,
        acl: 0,
        cdn: 0,
      },
    )
  })

  it('lists one folder, or with -1 every file', async () => {
    await using emulator = await startEmulator()
    await emulator.account.putFile('/a.txt', Buffer.from('a'))
    await emulator.account.putFile('/deep/b.txt', Buffer.from('b'))
    assert.deepEqual(await names(emulator, { folder_id: 0 }), ['a.txt'])
    assert.deepEqual(await names(emulator, { folder_id: -1 }), ['a.txt', 'b.txt'])
  })

  it('cuts by date, both ends included', async () => {
    const timers = manualTimers(SUMMER)
    await using emulator = await startEmulator({ timers })
    for (const name of ['one', 'two', 'three']) {
      await emulator.account.putFile(`/${name}`, Buffer.from('x'))
      timers.advance(60_000)
    }
    assert.deepEqual(await names(emulator, { sent_after: '2021-06-22 14:58:25' }), ['three', 'two'])
    assert.deepEqual(await names(emulator, { sent_before: '2021-06-22 14:58:25' }), ['one', 'two'])
    const { status } = await call(emulator, 'file/ls', { sent_before: 'yesterday' })
    assert.equal(status, 400)
  })

  it('gives no more than 5,000 results of a million files', async () => {
    await using emulator = await startEmulator()
    emulator.account.putForest('/many', { folders: 100_000, filesPerFolder: 10 })
    const { json } = await call(emulator, 'file/ls', { folder_id: -1 })
    assert.equal(listIn(json, 'items').length, 5_000)
    assert.equal(json['count'], 5_000)
    const { json: user } = await call(emulator, 'user/info')
    assert.ok(Number(user['cold_storage']) > 1e9)
  })

  it('shows files of another user’s share, without links when they are hidden', async () => {
    await using emulator = await startEmulator()
    emulator.account.shareFrom('friend@example.com', { rw: 0, hideLinks: 1 })
    await emulator.account.putFile('friend@example.com:/theirs.txt', Buffer.from('hi'))
    const request = { folder_id: 0, sharing_user: 'friend@example.com' }
    const { json } = await call(emulator, 'file/ls', request)
    assert.equal(listIn(json, 'items')[0]?.['url'], '')
    const info = await call(emulator, 'file/info', { ...request, filename: 'theirs.txt' })
    assert.equal(info.json['filename'], 'theirs.txt')
    const removal = await call(emulator, 'file/rm', { files: [{ url: info.json['url'] }] })
    assert.equal(removal.json['status'], 'KO')
  })

  it('lets nothing into a share that may only be read', async () => {
    await using emulator = await startEmulator()
    const share = emulator.account.shareFrom('friend@example.com', { rw: 0, hideLinks: 0 })
    const mine = emulator.account.mkdir('/mine')
    const { link } = await emulator.account.putFile('/a.txt', Buffer.from('hi'))
    const requests = [
      ['file/mv', { urls: [link], destination_folder_id: share }],
      ['file/mv', { urls: [link], destination_folder_id: 0, destination_user: 'friend@example.com' }],
      ['file/cp', { urls: [link], folder_id: share }],
      ['file/cp', { urls: [link], folder_id: 0, sharing_user: 'friend@example.com' }],
      ['folder/mv', { folder_id: mine, destination_folder_id: share }],
      ['folder/mkdir', { folder_id: share, name: 'new' }],
      ['remote/request', { urls: ['https://example.com/a'], folder_id: share }],
      ['ftp/users/add', { user: 'scanner', pass: 'secret', folder_id: share }],
    ] as const
    for (const [endpoint, request] of requests) {
      const { json } = await call(emulator, endpoint, request)
      assert.match(String(json['message']), /^Resource not allowed/, JSON.stringify([endpoint, request]))
    }
    const { files = [], folders } = emulator.account.list('friend@example.com:/') ?? {}
    assert.deepEqual([files, folders], [[], []])
  })
})

describe('file/info', () => {
  it('tells the place of an own file, and leaves the status out', async () => {
    await using emulator = await startEmulator()
    const { link } = await emulator.account.putFile('/ExampleA/ExampleB/x.bin', Buffer.from('x'))
    const { json } = await call(emulator, 'file/info', { url: link, pass: null })
    assert.equal(json['path'], 'ExampleA/ExampleB')
    assert.equal(json['folder_id'], emulator.account.mkdir('/ExampleA/ExampleB'))
    assert.ok(!('status' in json))
    assert.ok(!('acl' in json))
  })

  it('refuses what is gone, private, or behind a password', async () => {
    await using emulator = await startEmulator()
    const bytes = Buffer.from('secret')
    const acl = { ip: [], country: [], email: ['other@example.com'], premium: 0 } as const
    const locked = await emulator.account.putForeign({ name: 'a', bytes, pass: 'sesame' })
    const hidden = await emulator.account.putForeign({ name: 'b', bytes, acl })
    const refusals = [
      [{ url: 'https://1fichier.com/?nonesuchnonesuch' }, 404, 'Resource not found #469'],
      [{ url: hidden }, 403, 'Resource not allowed #631'],
      [{ url: locked }, 403, 'Password not provided. Resource not allowed #631'],
      [{ url: locked, pass: 'wrong' }, 403, 'Invalid password. Resource not allowed #631'],
    ] as const
    for (const [request, status, message] of refusals) {
      const answer = await call(emulator, 'file/info', request)
      assert.deepEqual([answer.status, answer.json], [status, { status: 'KO', message }])
    }
    assert.equal((await call(emulator, 'file/info', { url: locked, pass: 'sesame' })).json['size'], 6)
  })

  it('lets in by address range and country', async () => {
    await using emulator = await startEmulator()
    const bytes = Buffer.from('x')
    const near = { ip: ['127.0.0.0/8'], country: ['FR'], email: [], premium: 1 } as const
    const far = { ip: ['192.0.2.0/24'], country: [], email: [], premium: 0 } as const
    const open = await emulator.account.putForeign({ name: 'near', bytes, acl: near })
    const shut = await emulator.account.putForeign({ name: 'far', bytes, acl: far })
    assert.equal((await call(emulator, 'file/info', { url: open })).status, 200)
    assert.equal((await call(emulator, 'file/info', { url: shut })).status, 403)
  })

  it('does not find a file under another domain', async () => {
    await using emulator = await startEmulator()
    const link = await emulator.account.putForeign({ name: 'a', bytes: Buffer.from('a'), domain: 5 })
    assert.match(link, /^https:\/\/megadl\.fr\//)
    assert.equal((await call(emulator, 'file/info', { url: link })).status, 200)
    const moved = link.replace('megadl.fr', '1fichier.com')
    assert.equal((await call(emulator, 'file/info', { url: moved })).status, 404)
  })
})

describe('file/scan', () => {
  it('keeps its answer six hours, and removes a file with the test virus', async () => {
    const timers = manualTimers(SUMMER)
    await using emulator = await startEmulator({ timers })
    const { link } = await emulator.account.putFile('/clean', Buffer.from('clean'))
    const virus = 'X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'
    const bad = await emulator.account.putFile('/bad', Buffer.from(virus))
    assert.deepEqual((await call(emulator, 'file/scan', { url: link })).json, { status: 'OK' })
    timers.advance(3_600_000)
    assert.equal((await call(emulator, 'file/scan', { url: link })).json['date'], '2021-06-22 14:57:25')
    timers.advance(6 * 3_600_000)
    assert.deepEqual((await call(emulator, 'file/scan', { url: link })).json, { status: 'OK' })
    assert.equal((await call(emulator, 'file/scan', { url: bad.link })).json['status'], 'KO')
    assert.equal((await call(emulator, 'file/info', { url: bad.link })).status, 404)
    const big = await emulator.account.putSynthetic('/big', { sizeBytes: 5e9, seed: 'big' })
    assert.equal((await call(emulator, 'file/scan', { url: big.link })).json['status'], 'KO')
  })
})

async function names(emulator: Emulator, request: Readonly<Record<string, unknown>>): Promise<unknown[]> {
  const { json } = await call(emulator, 'file/ls', request)
  return listIn(json, 'items')
    .map((entry) => entry['filename'])
    .sort()
}
