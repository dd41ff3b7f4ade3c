import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DAY_MS, type FileEntry, type FolderId, GatewayError, ROOT, VERB_SETS } from '@guichet/core'
import type { ApiTrashed } from '@guichet/sdk'
import { OWNER } from '../services/principals.ts'
import { type Answer, type Counter, openCounter } from './counter.testing.ts'

const url = ({ link }: FileEntry): string => `https://1fichier.com/?${link.id}`

/** `/backup` with files, `/trash`, and a key of the append-only profile with a trash. */
async function openPlace(count = 3) {
  const counter = await openCounter()
  const backup = await counter.account.makeFolder('backup', ROOT, {})
  const trash = await counter.account.makeFolder('trash', ROOT, {})
  const files = Array.from({ length: count }, (_, index) =>
    counter.account.plant(backup, `file-${index}`, Buffer.from(`content ${index}`), 1e12),
  )
  const made = await counter.api(undefined, 'POST', '/keys', {
    name: 'nas',
    verbs: [...VERB_SETS['append-only'], 'delete'],
    root: '/backup',
    trash: { at: '/trash', keepMs: 30 * DAY_MS },
  })
  assert.equal(made.status, 200, made.text)
  const key = String(made.json['key'])
  await counter.native(key, 'folder/ls', { folder_id: backup })
  counter.calls()
  const remove = (...which: readonly (FileEntry | undefined)[]): Promise<Answer> =>
    counter.native(key, 'file/rm', { files: which.map((file) => ({ url: url(file as FileEntry) })) })
  return { counter, backup, trash, files, key, remove }
}

async function trashed(counter: Counter): Promise<readonly ApiTrashed[]> {
  return (await counter.api(undefined, 'GET', '/trash')).json['files'] as readonly ApiTrashed[]
}

const namesIn = (counter: Counter, folder: FolderId): readonly string[] =>
  counter.account.filesIn(folder).map(({ entry }) => entry.name)

const noDeletion = (counter: Counter): void =>
  assert.deepEqual(
    counter.calls().filter((name) => name.startsWith('remove')),
    [],
  )

describe('a key of the append-only profile', () => {
  it('adds and reads, and neither deletes, overwrites, renames nor moves what is there (K5)', async () => {
    await using counter = await openCounter()
    const backup = await counter.account.makeFolder('backup', ROOT, {})
    const file = counter.account.plant(backup, 'old', Buffer.from('old'), 1e12)
    const verbs = VERB_SETS['append-only']
    const { text: key } = await counter.key({ verbs, root: backup, rootPath: '/backup' })
    for (const at of ['/', '/backup']) await counter.api(undefined, 'GET', `/children?at=${at}`)
    const put = (name: string, query = ''): Promise<Answer> =>
      counter.ask({ method: 'PUT', path: `/api/v1/content?at=/backup/${name}${query}`, key, body: 'new' })
    assert.equal((await put('new')).status, 201)
    assert.equal((await counter.ask({ path: '/api/v1/content?at=/backup/old', key })).text, 'old')
    assert.equal((await counter.api(key, 'POST', '/folders', { at: '/backup/sub' })).status, 200)
    const refused = [
      await put('old', '&overwrite=1'),
      await counter.native(key, 'file/rm', { files: [{ url: url(file) }] }),
      await counter.native(key, 'file/rename', { urls: [{ url: url(file), filename: 'other' }] }),
      await counter.native(key, 'file/mv', { urls: [url(file)], destination_folder_id: backup, rename: 'x' }),
      await counter.native(key, 'file/chattr', { urls: [url(file)], filename: 'other' }),
      await counter.native(key, 'file/scan', { url: url(file) }),
      await counter.native(key, 'folder/mv', { folder_id: backup, rename: 'other' }),
      await counter.api(key, 'POST', '/remove', { at: ['/backup/old'] }),
    ]
    assert.deepEqual(
      refused.map(({ status }) => status),
      refused.map(() => 403),
    )
    assert.deepEqual(namesIn(counter, backup), ['old', 'new'])
  })
})

describe('a key with a trash', () => {
  it('has its deletions answered as such, while the files are moved out of its sight (K5)', async () => {
    const { counter, backup, files, key, remove } = await openPlace()
    await using _ = counter
    const answer = await remove(files[0], files[1])
    assert.deepEqual([answer.status, answer.json['removed']], [200, 2])
    assert.deepEqual(counter.calls(), ['listFolder', 'makeFolder', 'moveFiles'])
    assert.deepEqual(namesIn(counter, backup), ['file-2'])
    assert.equal(counter.account.files.size, 3)
    const { json: seen } = await counter.native(key, 'file/ls', { folder_id: backup })
    assert.deepEqual(
      (seen['items'] as { filename: string }[]).map(({ filename }) => filename),
      ['file-2'],
    )
    assert.equal((await remove(files[0])).status, 404)
    assert.equal((await counter.native(key, 'file/info', { url: url(files[0] as FileEntry) })).status, 404)

    const day = new Date(counter.clock.nowMs()).toISOString().slice(0, 10)
    const { json } = await counter.api(undefined, 'GET', '/children?at=/trash')
    assert.deepEqual(
      (json['folders'] as { name: string }[]).map(({ name }) => name),
      [day],
    )
    assert.deepEqual(
      (await trashed(counter)).map(({ name, from }) => `${from}/${name}`),
      ['/backup/file-0', '/backup/file-1'],
    )
    assert.equal((await remove(files[2])).status, 200)
    assert.deepEqual(
      counter.calls().filter((name) => name !== 'listFolder'),
      ['moveFiles'],
    )
  })

  it('keeps the old content of an overwritten file, and asks for no scan that deletes (K5)', async () => {
    const { counter, backup, files, key } = await openPlace(1)
    await using _ = counter
    const path = '/api/v1/content?at=/backup/file-0&overwrite=1'
    assert.equal((await counter.ask({ method: 'PUT', path, key, body: 'new' })).status, 201)
    assert.equal((await counter.native(key, 'file/scan', { url: url(files[0] as FileEntry) })).status, 404)
    const [now] = counter.account.filesIn(backup)
    assert.equal((await counter.native(key, 'file/scan', { url: url(now?.entry as FileEntry) })).status, 403)
    assert.deepEqual(
      (await trashed(counter)).map(({ id }) => id),
      [files[0]?.link.id],
    )
    noDeletion(counter)
  })

  it('can have its files taken back, also into a folder that is gone (K5)', async () => {
    const { counter, backup, files, key, remove } = await openPlace(1)
    await using _ = counter
    await counter.api(key, 'POST', '/folders', { at: '/backup/sub' })
    await counter.ask({ method: 'PUT', path: '/api/v1/content?at=/backup/sub/deep', key, body: 'deep' })
    assert.equal(
      (await counter.api(key, 'POST', '/remove', { at: ['/backup/sub'], recursive: true })).status,
      200,
    )
    await remove(files[0])
    const ids = (await trashed(counter)).map(({ id }) => id)
    const restored = await counter.api(undefined, 'POST', '/trash/restore', { ids })
    assert.equal(restored.status, 200, restored.text)
    assert.deepEqual(await trashed(counter), [])
    assert.deepEqual(namesIn(counter, backup), ['file-0'])
    const { json } = await counter.api(key, 'GET', '/children?at=/backup/sub')
    assert.deepEqual(
      (json['files'] as { name: string }[]).map(({ name }) => name),
      ['deep'],
    )
    assert.equal((await counter.api(undefined, 'POST', '/trash/restore', { ids })).status, 404)
  })

  it('loses for good only what has been there for its time, and is seen there right before (K5)', async () => {
    const { counter, backup, files, remove } = await openPlace()
    await using _ = counter
    await remove(files[0], files[1])
    counter.clock.jump(29 * DAY_MS)
    await counter.services.trash.tidy()
    assert.equal(counter.account.files.size, 3)
    // Somebody has taken one elsewhere by other ways.
    const moved = counter.account.files.get(String(files[1]?.link.id))
    if (moved !== undefined) moved.folder = backup
    counter.clock.jump(DAY_MS)
    await counter.services.trash.tidy()
    assert.deepEqual([...counter.account.files.keys()], [files[1]?.link.id, files[2]?.link.id])
    assert.deepEqual(await trashed(counter), [])
    await remove(files[2])
    const emptied = await counter.api(undefined, 'POST', '/trash/empty', { what: 'all' })
    assert.equal((emptied.json['files'] as unknown[]).length, 1)
    assert.equal(counter.account.files.size, 1)
  })

  it('loses and doubles nothing when the answer to a move is lost, whichever way it went (K5)', async () => {
    const { counter, files, remove } = await openPlace()
    await using _ = counter
    const lost = new GatewayError('upstream-down', 'the answer was lost')
    counter.fail(
      'moveFiles',
      async (go) => {
        await go()
        throw lost
      },
      () => {
        throw lost
      },
      () => {
        throw new GatewayError('locked', 'Flood detected', { facts: { sent: false } })
      },
    )
    assert.equal((await remove(files[0])).status, 502)
    assert.equal((await remove(files[1])).status, 502)
    assert.equal((await remove(files[2])).status, 429)
    await counter.services.trash.tidy()
    assert.deepEqual(
      (await trashed(counter)).map(({ name }) => name),
      ['file-0'],
    )
    assert.deepEqual([(await remove(files[1])).status, (await remove(files[2])).status], [200, 200])
    assert.equal((await trashed(counter)).length, 3)
    assert.equal(counter.account.files.size, 3)
    noDeletion(counter)
  })

  it('deletes nothing while its trash is gone or inside its root, and is not told where that was (K5, K6)', async () => {
    const { counter, backup, trash, files, key, remove } = await openPlace()
    await using _ = counter
    const owner = { principal: OWNER, door: 'admin', requestId: 'test' } as const
    const changes: Readonly<Record<string, () => Promise<unknown>>> = {
      inside: () => counter.services.changes.moveFolder(owner, trash, backup, undefined),
      gone: () => counter.services.changes.removeFolder(owner, trash),
    }
    for (const [name, change] of Object.entries(changes)) {
      await change()
      counter.calls()
      for (const answer of [
        await remove(files[0]),
        await counter.api(key, 'POST', '/remove', { at: ['/backup/file-0'] }),
      ]) {
        assert.ok(![200, 404].includes(answer.status), `${name}: ${answer.status}`)
        assert.match(answer.text, /its trash .*the owner/, name)
        assert.ok(!/\/trash|folder \d/.test(answer.text), answer.text)
      }
      assert.ok(!counter.calls().some((call) => /^(move|remove|make)/.test(call)), name)
      assert.equal(namesIn(counter, backup).length, 3, name)
    }
  })

  it('is made by the owner alone, with a folder outside its root (K5)', async () => {
    const { counter, key } = await openPlace()
    await using _ = counter
    const wish = { name: 'x', verbs: ['list', 'delete'], trash: { at: '/backup', keepMs: DAY_MS } }
    for (const root of ['/', '/backup']) {
      const refused = await counter.api(undefined, 'POST', '/keys', { ...wish, root })
      assert.equal(refused.status, 400, refused.text)
      assert.match(refused.text, /not outside the root/)
    }
    const issuer = await counter.api(undefined, 'POST', '/keys', {
      ...{ name: 'issuer', verbs: ['list', 'delete'], root: '/backup', limits: { mayIssue: true } },
      trash: { at: '/trash', keepMs: DAY_MS },
    })
    const parent = String(issuer.json['key'])
    assert.equal((await counter.api(parent, 'POST', '/keys', wish)).status, 403)
    const child = await counter.api(parent, 'POST', '/keys', { name: 'child', verbs: ['list', 'delete'] })
    const removed = await counter.api(String(child.json['key']), 'POST', '/remove', {
      at: ['/backup/file-0'],
    })
    assert.equal(removed.status, 200, removed.text)
    assert.deepEqual(
      (await trashed(counter)).map(({ key: by }) => by),
      [child.json['id']],
    )
    assert.equal((await counter.api(key, 'GET', '/trash')).status, 403)
  })
})
