import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseFolderId, ROOT } from '@guichet/core'
import { failureOf, hostThatGets, unaskedHost } from './answering.testing.ts'

const LISTING = { status: 'OK', folder_id: 7, name: 'docs', files: 0, size: null }

describe('a folder', () => {
  it('is listed with its folders and its files in one call', async () => {
    const folders = [{ id: '8', name: 'deep', create_date: '2021-03-20 16:42:15', pass: '1' }]
    const { host, seen } = hostThatGets({ body: { ...LISTING, sub_folders: folders } })
    const listing = await host.listFolder(parseFolderId(7), {})
    assert.deepEqual(listing, {
      id: 7,
      name: 'docs',
      folders: [{ id: 8, name: 'deep', createdMs: Date.parse('2021-03-20T15:42:15Z'), hasPassword: true }],
      files: [],
      fileCount: 0,
      publicUrl: undefined,
    })
    assert.deepEqual(JSON.parse(seen[0]?.body ?? ''), { folder_id: 7, files: 1 })
  })

  it('has a public address only where there is one of 1fichier', async () => {
    for (const shared of [undefined, null, 0, '', '0', 'https://example.com/dir/abcde']) {
      const { host } = hostThatGets({ body: { ...LISTING, shared } })
      assert.equal((await host.listFolder(parseFolderId(7), {})).publicUrl, undefined)
    }
    const shared = 'https://1fichier.com/dir/abcDE'
    const { host } = hostThatGets({ body: { ...LISTING, shared } })
    assert.equal((await host.listFolder(parseFolderId(7), {})).publicUrl, shared)
  })

  it('is not taken for another one', async () => {
    const { host } = hostThatGets({ body: { ...LISTING, folder_id: 0, name: 'Root' } })
    const failure = await failureOf(host.listFolder(parseFolderId(7), {}))
    assert.equal(failure.code, 'upstream-changed')
    assert.match(failure.message, /folder 0 where 7 was asked/)
  })

  it('never holds the root, nor a folder without a name', async () => {
    for (const folder of [{ id: 0, name: 'Root' }, { id: 8 }, { name: 'x' }]) {
      const { host } = hostThatGets({ body: { ...LISTING, sub_folders: [folder] } })
      assert.equal((await failureOf(host.listFolder(parseFolderId(7), {}))).code, 'upstream-changed')
    }
  })
})

describe('making a folder', () => {
  it('never takes a refusal for the root', async () => {
    const bodies = [
      { status: 'KO', message: 'Something new #99', folder_id: 0 },
      { status: 'KO', folder_id: 0 },
      { status: 'OK', folder_id: 0 },
      { status: 'OK' },
      { status: 'OK', folder_id: null },
    ]
    for (const body of bodies) {
      const failure = await failureOf(hostThatGets({ body }).host.makeFolder('x', ROOT, {}))
      assert.equal(failure.code, 'upstream-changed', JSON.stringify(body))
    }
  })

  it('tells which folder is in the way, where 1fichier does', async () => {
    const message = 'Folder already exists #1'
    const cases = [
      [{ status: 'KO', message }, undefined],
      [{ status: 'KO', message, folder_id: 0 }, undefined],
      [{ status: 'KO', message, folder_id: '12' }, 12],
      [{ status: 'OK', message, folder_id: 12 }, 12],
    ] as const
    for (const [body, folderId] of cases) {
      const failure = await failureOf(hostThatGets({ body }).host.makeFolder('x', ROOT, {}))
      assert.equal(failure.code, 'conflict')
      assert.equal(failure.facts['folderId'], folderId)
    }
  })
})

describe('moving and renaming a folder', () => {
  it('are two calls: a move has no name, and a rename no place but the one it is in', async () => {
    const { host, seen } = hostThatGets({ body: { status: 'OK' } })
    await host.moveFolder(parseFolderId(7), ROOT, {})
    await host.renameFolder(parseFolderId(7), 'new', undefined, {})
    await host.renameFolder(parseFolderId(7), 'new', parseFolderId(3), {})
    assert.deepEqual(
      seen.map((request) => JSON.parse(request.body)),
      [
        { folder_id: 7, destination_folder_id: 0 },
        { folder_id: 7, rename: 'new' },
        { folder_id: 7, destination_folder_id: 3, rename: 'new' },
      ],
    )
  })
})

describe('sharing a folder', () => {
  it('gives hidden links to readers only', async () => {
    const { host, seen } = hostThatGets({ body: { status: 'OK' } })
    const users = [{ email: 'a@example.com', mayWrite: true, hideLinks: true }]
    assert.equal(await host.shareFolder(parseFolderId(7), { public: false, pass: '', users }, {}), undefined)
    assert.deepEqual(JSON.parse(seen[0]?.body ?? ''), {
      folder_id: 7,
      share: 0,
      pass: '',
      shares: [{ email: 'a@example.com', rw: 0, hide_links: 1 }],
    })
  })
})

describe('what would be refused anyway', () => {
  it('is refused before anything is sent', async () => {
    const host = unaskedHost()
    const calls = [
      host.makeFolder('a$b', ROOT, {}),
      host.makeFolder('x'.repeat(251), ROOT, {}),
      host.renameFolder(ROOT, 'x', undefined, {}),
      host.renameFolder(parseFolderId(7), '', undefined, {}),
      host.moveFolder(ROOT, parseFolderId(7), {}),
      host.removeFolder(ROOT, {}),
      host.shareFolder(parseFolderId(7), { public: true, pass: 'short' }, {}),
    ]
    for (const call of calls) assert.equal((await failureOf(call)).code, 'invalid')
  })
})
