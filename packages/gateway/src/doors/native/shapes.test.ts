import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ROOT, VERBS } from '@guichet/core'
import { type Counter, openCounter } from '../counter.testing.ts'

const NOW = Date.UTC(2026, 5, 1, 10)
const bytes = (text: string): Uint8Array => Buffer.from(text)

async function withTree(): Promise<{ counter: Counter; text: string; folder: number; file: string }> {
  const counter = await openCounter()
  const { text } = await counter.key({ verbs: VERBS })
  const folder = await counter.account.makeFolder('books', ROOT, {})
  const entry = counter.account.plant(folder, 'one.txt', bytes('Hello world\n'), NOW)
  await counter.native(text, 'folder/ls', { folder_id: 0 })
  await counter.native(text, 'folder/ls', { folder_id: folder })
  counter.calls()
  return { counter, text, folder, file: `https://1fichier.com/?${entry.link.id}` }
}

describe('the native door, in the shapes of wire.md', () => {
  it('lists a folder', async () => {
    const { counter, text, folder, file } = await withTree()
    await using _ = counter
    const root = await counter.native(text, 'folder/ls', {})
    assert.equal(root.status, 200)
    assert.match(String(root.headers['content-type']), /^application\/json/)
    assert.deepEqual(root.json, {
      status: 'OK',
      folder_id: 0,
      name: 'Root',
      files: 0,
      size: null,
      sub_folders: [{ id: folder, name: 'books', create_date: '2026-06-01 14:00:00', pass: 0 }],
    })
    const books = await counter.native(text, 'folder/ls', { folder_id: String(folder), files: 1 })
    const item = {
      url: file,
      filename: 'one.txt',
      size: 12,
      date: '2026-06-01 12:00:00',
      checksum:
        '0a894ff039da399d5a72116b3665cd952abc8a9ffe37bfae4eae4d5381c5102b237c27e88b03f71c516e08ffa1cc9de9eac55d7d3abd38ea56220018f006a2c5',
      'content-type': 'application/octet-stream',
      pass: 0,
      acl: 0,
      cdn: 0,
    }
    assert.deepEqual(books.json['items'], [item])
    assert.equal(books.json['files'], 1)
    assert.equal(books.json['size'], 12)
    const files = await counter.native(text, 'file/ls', { folder_id: folder, sent_after: null })
    assert.deepEqual(files.json, { status: 'OK', count: 1, items: [item] })
    assert.deepEqual(counter.calls(), [], 'all of it was known')
  })
})

describe('changes through the native door', () => {
  it('say what 1fichier would say, and are seen at once through both doors', async () => {
    const { counter, text, folder, file } = await withTree()
    await using _ = counter
    const made = await counter.native(text, 'folder/mkdir', { name: 'new', folder_id: folder })
    const id = made.json['folder_id']
    assert.deepEqual(made.json, { status: 'OK', folder_id: id, name: 'new', message: '' })
    assert.equal(typeof id, 'number')

    const moved = await counter.native(text, 'file/mv', {
      urls: [file],
      destination_folder_id: id,
      rename: 'two.txt',
    })
    assert.deepEqual(moved.json, { status: 'OK', moved: 1, urls: [file], filename: 'two.txt' })
    const copied = await counter.native(text, 'file/cp', {
      urls: [file],
      folder_id: folder,
      rename: 'three.txt',
    })
    const [copy] = copied.json['urls'] as { from_url: string; to_url: string }[]
    assert.deepEqual(copied.json, {
      status: 'OK',
      copied: 1,
      urls: [{ from_url: file, to_url: copy?.to_url }],
      filename: 'three.txt',
    })
    const renamed = await counter.native(text, 'file/rename', { urls: [{ url: file, filename: 'four.txt' }] })
    assert.deepEqual(renamed.json, {
      status: 'OK',
      renamed: 1,
      urls: [{ url: file, old_filename: 'two.txt', new_filename: 'four.txt' }],
    })
    const changed = await counter.native(text, 'file/chattr', { urls: [file], pass: 'a password' })
    assert.deepEqual(changed.json, { status: 'OK', updated: 1, urls: [file] })
    const dirs = await counter.native(text, 'folder/mv', {
      folder_id: id,
      destination_user: '',
      rename: 'moved',
    })
    assert.deepEqual(dirs.json, { status: 'OK', message: '', old_name: 'new', new_name: 'moved' })
    const shared = await counter.native(text, 'folder/share', { folder_id: folder, share: 1 })
    assert.deepEqual(shared.json, {
      status: 'OK',
      message: '',
      url: `https://1fichier.com/dir/share${folder}`,
    })

    counter.calls()
    const paths = async (at: string) => {
      const { json } = await counter.api(text, 'GET', `/children?at=${at}`)
      return [...(json['folders'] as { path: string }[]), ...(json['files'] as { path: string }[])].map(
        (node) => node.path,
      )
    }
    assert.deepEqual(await paths('/'), ['/books', '/moved'])
    assert.deepEqual(await paths('/moved'), ['/moved/four.txt'])
    assert.deepEqual(counter.calls(), [])
    const info = await counter.native(text, 'file/info', { url: `${file}&af=123` })
    assert.equal(info.json['path'], 'moved')
    assert.equal(info.json['folder_id'], id)
    assert.equal(info.json['pass'], 1)
    assert.equal(info.json['acl'], null)
    assert.deepEqual(await paths('/books'), ['/books/three.txt'])
    assert.deepEqual(counter.calls(), ['listFolder'], 'a public address is told by the listing alone')

    const removed = await counter.native(text, 'file/rm', { files: [{ url: file }, { url: file }] })
    assert.deepEqual(removed.json, { status: 'OK', removed: 1, urls: [file, file] })
    assert.deepEqual((await counter.native(text, 'folder/rm', { folder_id: id })).json, {
      status: 'OK',
      message: '',
    })
    assert.deepEqual(await paths('/'), ['/books'])
  })

  it('tell rclone that a file keeps its name, and the SDK that it has it', async () => {
    const { counter, text, file } = await withTree()
    await using _ = counter
    const same = await counter.native(text, 'file/rename', { urls: [{ url: file, filename: 'one.txt' }] })
    assert.equal(same.status, 200)
    assert.deepEqual(same.json, { status: 'KO', message: 'No file has been renamed #312' })
    const ours = await counter.api(text, 'POST', '/move', { from: ['/books/one.txt'], to: '/books' })
    assert.equal(ours.status, 200)
    const nothing = await counter.native(text, 'file/chattr', { urls: [file] })
    assert.equal(nothing.status, 200)
    assert.equal(nothing.json['status'], 'KO')
    assert.deepEqual(counter.calls(), [])
  })

  it('go to the root where a folder move names no place, and only rename where a name is all there is', async () => {
    const { counter, text, folder } = await withTree()
    await using _ = counter
    const inner = await counter.account.makeFolder('inner', folder as never, {})
    const deeper = await counter.account.makeFolder('deeper', inner, {})
    for (const id of [folder, inner]) await counter.api(text, 'GET', `/children?refresh=1&at=folder:${id}`)
    await counter.native(text, 'folder/mv', { folder_id: deeper, rename: 'renamed' })
    assert.equal((await counter.tree.folder(deeper))?.parent, inner)
    await counter.native(text, 'folder/mv', { folder_id: deeper })
    assert.equal((await counter.tree.folder(deeper))?.parent, ROOT)
    assert.equal((await counter.tree.folder(deeper))?.name, 'renamed')
  })

  it('move first where the new name is taken in the old place', async () => {
    const { counter, text, folder } = await withTree()
    await using _ = counter
    const a = await counter.account.makeFolder('a', ROOT, {})
    await counter.account.makeFolder('b', ROOT, {})
    await counter.api(text, 'GET', '/children?refresh=1&at=/')
    counter.calls()
    const { json } = await counter.native(text, 'folder/mv', {
      folder_id: a,
      destination_folder_id: folder,
      rename: 'b',
    })
    assert.equal(json['status'], 'OK')
    assert.deepEqual(counter.calls(), ['moveFolder', 'renameFolder'])
  })
})

describe('the account through the native door', () => {
  it('is asked for once, and shows its own changes in the types that were there', async () => {
    const { counter, text } = await withTree()
    await using _ = counter
    const raw = { email: 'a@example.com', offer: '1', use_cdn: '0', ftp_did: 4, page_limit: 20 }
    counter.fail('account', async (go) => ({ ...((await go()) as object), raw }))
    assert.deepEqual((await counter.native(text, 'user/info')).json, { ...raw, status: 'OK' })
    assert.deepEqual((await counter.native(text, 'user/info', { use_cdn: 1, page_limit: 50 })).json, {
      status: 'OK',
      message: '',
    })
    const { json } = await counter.native(text, 'user/info')
    assert.deepEqual(json, { ...raw, use_cdn: '1', page_limit: 50, status: 'OK' })
    assert.deepEqual(counter.calls(), ['account', 'changeAccount'])
    const bad = await counter.native(text, 'user/info', { use_cdn: null })
    assert.equal(bad.status, 400)
  })
})
