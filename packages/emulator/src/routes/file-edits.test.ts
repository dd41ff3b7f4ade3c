import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startEmulator } from '../emulator.ts'
import { call, listIn } from '../testing/client.ts'

const BYTES = Buffer.from('content')

describe('file/rm', () => {
  it('removes many files in one call', async () => {
    await using emulator = await startEmulator()
    const one = await emulator.account.putFile('/one', BYTES)
    const two = await emulator.account.putFile('/two', BYTES)
    const { json } = await call(emulator, 'file/rm', { files: [{ url: one.link }, { url: two.link }] })
    assert.deepEqual(json, { status: 'OK', removed: 2, urls: [one.link, two.link] })
    assert.deepEqual(emulator.account.files(), [])
  })

  it('wants the removal code for a file without an account', async () => {
    await using emulator = await startEmulator()
    const link = await emulator.account.putForeign({ name: 'theirs', bytes: BYTES })
    const { json } = await call(emulator, 'file/rm', { files: [{ url: link, code: 'guess' }] })
    assert.equal(json['status'], 'KO')
  })
})

describe('file/mv', () => {
  it('moves and renames, and keeps the link', async () => {
    await using emulator = await startEmulator()
    const { link } = await emulator.account.putFile('/a/one', BYTES)
    const destination_folder_id = emulator.account.mkdir('/b')
    const { json } = await call(emulator, 'file/mv', { urls: [link], destination_folder_id, rename: 'uno' })
    assert.deepEqual(json, { status: 'OK', moved: 1, urls: [link], filename: 'uno' })
    assert.equal((await emulator.account.readFile('/b/uno')).toString(), 'content')
    assert.deepEqual(emulator.account.list('/a')?.files, [])
  })

  it('gives a new link when the readings say so', async () => {
    await using emulator = await startEmulator({ readings: { linkAfterMove: 'new' } })
    const { link } = await emulator.account.putFile('/a/one', BYTES)
    const { json } = await call(emulator, 'file/mv', { urls: [link], destination_folder_id: 0 })
    const [moved] = json['urls'] as string[]
    assert.notEqual(moved, link)
    assert.equal((await call(emulator, 'file/info', { url: link })).status, 404)
    assert.equal((await call(emulator, 'file/info', { url: moved })).json['filename'], 'one')
  })

  it('refuses a missing destination, the same folder and the same name', async () => {
    await using emulator = await startEmulator()
    const { link } = await emulator.account.putFile('/one', BYTES)
    const destination_folder_id = emulator.account.mkdir('/b')
    const requests = [
      { urls: [link] },
      { urls: [link], destination_folder_id: 0 },
      { urls: [link], destination_folder_id, rename: 'one' },
      { urls: [link], destination_folder_id, rename: 'a"b' },
      { urls: [link], destination_folder_id: 999 },
    ]
    for (const request of requests) {
      assert.equal((await call(emulator, 'file/mv', request)).json['status'], 'KO', JSON.stringify(request))
    }
    assert.equal(emulator.account.list('/')?.files.length, 1)
  })
})

describe('file/rename', () => {
  it('renames, and says so with HTTP 200 when it does not', async () => {
    await using emulator = await startEmulator()
    const { link } = await emulator.account.putFile('/one', BYTES)
    const done = await call(emulator, 'file/rename', { urls: [{ url: link, filename: 'uno' }], pretty: 0 })
    assert.deepEqual(done.json, {
      status: 'OK',
      renamed: 1,
      urls: [{ url: link, old_filename: 'one', new_filename: 'uno' }],
    })
    const again = await call(emulator, 'file/rename', { urls: [{ url: link, filename: 'uno' }] })
    assert.equal(again.status, 200)
    assert.deepEqual(again.json, { status: 'KO', message: 'No file has been renamed #312' })
    const bad = await call(emulator, 'file/rename', { urls: [{ url: link, filename: 'a`b' }] })
    assert.match(String(bad.json['message']), /^Bad filename characters/)
  })

  it('gives a new link when the readings say so', async () => {
    await using emulator = await startEmulator({ readings: { linkAfterMove: 'new' } })
    const { link } = await emulator.account.putFile('/one', BYTES)
    const { json } = await call(emulator, 'file/rename', { urls: [{ url: link, filename: 'uno' }] })
    const url = listIn(json, 'urls')[0]?.['url']
    assert.notEqual(url, link)
    assert.equal((await call(emulator, 'file/info', { url: link })).status, 404)
    assert.equal((await call(emulator, 'file/info', { url })).json['filename'], 'uno')
  })
})

describe('file/cp', () => {
  it('copies own and other people’s files under a new link', async () => {
    await using emulator = await startEmulator()
    const theirs = await emulator.account.putForeign({ name: 'theirs.txt', bytes: BYTES, pass: 'sesame' })
    const folder_id = emulator.account.mkdir('/in')
    const refused = await call(emulator, 'file/cp', { urls: [theirs], folder_id })
    assert.equal(refused.status, 403)
    const { json } = await call(emulator, 'file/cp', {
      urls: [theirs],
      folder_id,
      pass: 'sesame',
      rename: 'x',
    })
    assert.equal(json['copied'], 1)
    assert.equal(json['filename'], 'x')
    const [copy] = listIn(json, 'urls')
    assert.equal(copy?.['from_url'], theirs)
    assert.notEqual(copy?.['to_url'], theirs)
    assert.equal((await emulator.account.readFile('/in/x')).toString(), 'content')
  })

  it('keeps the content of a copy when the source is removed', async () => {
    await using emulator = await startEmulator()
    const { link } = await emulator.account.putFile('/a', BYTES)
    await call(emulator, 'file/cp', { urls: [link], rename: 'b' })
    await call(emulator, 'file/rm', { files: [{ url: link }] })
    assert.equal((await emulator.account.readFile('/b')).toString(), 'content')
  })
})

describe('file/chattr', () => {
  it('changes attributes that file/info then shows', async () => {
    await using emulator = await startEmulator()
    const { link } = await emulator.account.putFile('/a', BYTES)
    const acl = { ip: ['192.0.2.0/24'], country: ['FR'], email: ['user@example.com'], premium: 1 }
    const wish = { filename: 'b', description: 'mine', pass: 'sesame', no_ssl: 1, inline: 1, cdn: 1, acl }
    const { json } = await call(emulator, 'file/chattr', { urls: [link], ...wish })
    assert.deepEqual(json, { status: 'OK', updated: 1, urls: [link] })
    const { json: info } = await call(emulator, 'file/info', { url: link })
    assert.deepEqual({ ...info, ...wish, pass: 1 }, info)
    await call(emulator, 'file/chattr', { urls: [link], acl: {}, pass: '', description: '' })
    const { json: bare } = await call(emulator, 'file/info', { url: link })
    assert.deepEqual([bare['acl'], bare['pass'], bare['description']], [undefined, 0, null])
  })

  it('refuses a call that changes nothing, and a short password', async () => {
    await using emulator = await startEmulator()
    const { link } = await emulator.account.putFile('/a', BYTES)
    const same = await call(emulator, 'file/chattr', { urls: [link], inline: 0 })
    assert.match(String(same.json['message']), /^No changes requested/)
    assert.equal((await call(emulator, 'file/chattr', { urls: [link], pass: '12345' })).json['status'], 'KO')
  })
})
