import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Emulator, startEmulator } from '../emulator.ts'
import { call, listIn } from '../testing/client.ts'
import { manualTimers } from '../timers.ts'

describe('folder/ls', () => {
  it('gives the root in the shape of the recorded exchange', async () => {
    await using emulator = await startEmulator({ timers: manualTimers(Date.UTC(2021, 2, 20, 15, 42, 15)) })
    const id = emulator.account.mkdir('/backup.phenix')
    const { json } = await call(emulator, 'folder/ls', { folder_id: 0 })
    assert.deepEqual(json, {
      folder_id: 0,
      status: 'OK',
      size: null,
      files: 0,
      name: 'Root',
      sub_folders: [{ id, create_date: '2021-03-20 16:42:15', name: 'backup.phenix', pass: 0 }],
    })
  })

  it('counts the files of the folder, not of those below, and lists them on request', async () => {
    await using emulator = await startEmulator()
    await emulator.account.putFile('/a/one', Buffer.from('12345'))
    await emulator.account.putFile('/a/b/two', Buffer.from('123'))
    const folder_id = emulator.account.mkdir('/a')
    const { json } = await call(emulator, 'folder/ls', { folder_id, files: 1 })
    assert.deepEqual([json['files'], json['size']], [1, 5])
    assert.deepEqual(
      listIn(json, 'items').map((entry) => entry['filename']),
      ['one'],
    )
  })

  it('does not know a folder that is not there', async () => {
    await using emulator = await startEmulator()
    assert.equal((await call(emulator, 'folder/ls', { folder_id: 12 })).status, 404)
    emulator.setReadings({ unknownFolder: 'ko-200' })
    const { status, json } = await call(emulator, 'file/ls', { folder_id: 12 })
    assert.deepEqual([status, json['status']], [200, 'KO'])
  })

  it('gives 5,000 results at most, or an error under the other reading', async () => {
    await using emulator = await startEmulator()
    for (let n = 0; n < 5_001; n += 1) emulator.account.mkdir(`/wide/${n}`)
    const folder_id = emulator.account.mkdir('/wide')
    const { json } = await call(emulator, 'folder/ls', { folder_id })
    assert.equal(listIn(json, 'sub_folders').length, 5_000)
    emulator.setReadings({ overLimit: 'error' })
    assert.equal((await call(emulator, 'folder/ls', { folder_id })).json['status'], 'KO')
  })

  it('counts all files of a folder, or under the other reading those it shows', async () => {
    await using emulator = await startEmulator()
    const folder_id = emulator.account.putForest('/many', { folders: 1, filesPerFolder: 5_001 })
    const listing = async (): Promise<unknown[]> => {
      const { json } = await call(emulator, 'folder/ls', { folder_id, files: 1 })
      return [json['files'], listIn(json, 'items').length]
    }
    assert.deepEqual(await listing(), [5_001, 5_000])
    emulator.setReadings({ truncatedFiles: 'returned' })
    assert.deepEqual(await listing(), [5_000, 5_000])
  })
})

describe('folder/mkdir', () => {
  it('makes a folder and gives its id as a number', async () => {
    await using emulator = await startEmulator()
    const { json } = await call(emulator, 'folder/mkdir', { name: 'x', folder_id: 0 })
    assert.equal(json['status'], 'OK')
    assert.equal(json['folder_id'], emulator.account.mkdir('/x'))
    assert.equal(typeof json['folder_id'], 'number')
  })

  it('refuses, gives back or doubles an existing name, by reading', async () => {
    await using emulator = await startEmulator()
    const id = emulator.account.mkdir('/x')
    const make = (): ReturnType<typeof call> => call(emulator, 'folder/mkdir', { name: 'x' })
    const refused = await make()
    assert.equal(refused.json['status'], 'KO')
    assert.ok(!('folder_id' in refused.json))
    emulator.setReadings({ mkdirExisting: 'error-with-id' })
    const { json } = await make()
    assert.deepEqual([json['status'], json['folder_id'], json['name']], ['KO', id, 'x'])
    emulator.setReadings({ mkdirExisting: 'same-id' })
    assert.equal((await make()).json['folder_id'], id)
    emulator.setReadings({ mkdirExisting: 'twin' })
    assert.notEqual((await make()).json['folder_id'], id)
    assert.deepEqual(emulator.account.list('/')?.folders, ['x', 'x'])
  })

  it('refuses names it cannot keep', async () => {
    await using emulator = await startEmulator()
    const names = ['a\\b', 'a<b', 'a>b', 'a"b', "a'b", 'a$b', 'a`b', ' a', 'a ', 'a/b', 'x'.repeat(251), '']
    for (const name of names) {
      assert.equal((await call(emulator, 'folder/mkdir', { name })).json['status'], 'KO', name)
    }
    assert.equal((await call(emulator, 'folder/mkdir', { name: 'x'.repeat(250) })).json['status'], 'OK')
  })
})

describe('folder/mv', () => {
  it('moves and renames in one call, as rclone relies on', async () => {
    await using emulator = await startEmulator()
    await moveWithRename(emulator)
    assert.deepEqual(emulator.account.list('/b')?.folders, ['uno'])
  })

  it('ignores the destination when it renames, as the documentation says', async () => {
    await using emulator = await startEmulator({ readings: { folderMoveRename: 'rename-only' } })
    await moveWithRename(emulator)
    assert.deepEqual(emulator.account.list('/b')?.folders, [])
    assert.deepEqual(emulator.account.list('/a')?.folders, ['uno'])
  })

  it('takes a missing destination as "stay" or as the root', async () => {
    await using emulator = await startEmulator()
    const folder_id = emulator.account.mkdir('/a/one')
    await call(emulator, 'folder/mv', { folder_id, rename: 'uno' })
    assert.deepEqual(emulator.account.list('/a')?.folders, ['uno'])
    emulator.setReadings({ absentDestination: 'root' })
    await call(emulator, 'folder/mv', { folder_id, rename: 'due' })
    assert.deepEqual(emulator.account.list('/')?.folders, ['a', 'due'])
  })

  it('does not move a folder into itself', async () => {
    await using emulator = await startEmulator()
    const folder_id = emulator.account.mkdir('/a')
    const destination_folder_id = emulator.account.mkdir('/a/b/c')
    const { json } = await call(emulator, 'folder/mv', { folder_id, destination_folder_id })
    assert.equal(json['status'], 'KO')
  })
})

describe('folder/rm', () => {
  it('removes an empty folder only', async () => {
    await using emulator = await startEmulator()
    await emulator.account.putFile('/full/x', Buffer.from('x'))
    const full = await call(emulator, 'folder/rm', { folder_id: emulator.account.mkdir('/full') })
    assert.equal(full.json['status'], 'KO')
    const empty = await call(emulator, 'folder/rm', { folder_id: emulator.account.mkdir('/empty') })
    assert.equal(empty.json['status'], 'OK')
    assert.equal((await call(emulator, 'folder/rm', { folder_id: 0 })).status, 403)
  })
})

describe('folder/share', () => {
  it('shares with users, and takes it back', async () => {
    await using emulator = await startEmulator()
    const folder_id = emulator.account.mkdir('/a')
    const shares = [{ email: 'friend@example.com', rw: 1, hide_links: 1 }]
    await call(emulator, 'folder/share', { folder_id, shares })
    const { json } = await call(emulator, 'folder/ls', { folder_id })
    assert.deepEqual(json['shares'], [{ email: 'friend@example.com', rw: 0, hide_links: 1 }])
    await call(emulator, 'folder/share', { folder_id, shares: [] })
    assert.ok(!('shares' in (await call(emulator, 'folder/ls', { folder_id })).json))
  })
})

async function moveWithRename(emulator: Emulator): Promise<void> {
  const folder_id = emulator.account.mkdir('/a/one')
  const destination_folder_id = emulator.account.mkdir('/b')
  const request = { folder_id, destination_folder_id, destination_user: '', rename: 'uno' }
  const { json } = await call(emulator, 'folder/mv', request)
  assert.deepEqual([json['old_name'], json['new_name']], ['one', 'uno'])
}
