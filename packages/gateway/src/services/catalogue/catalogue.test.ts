import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type FolderListing, GatewayError, MINUTE_MS, ROOT, VERBS } from '@guichet/core'
import { type Counter, openCounter } from '../../doors/counter.testing.ts'

const lostAfter = async (go: () => Promise<unknown>): Promise<never> => {
  await go()
  throw new GatewayError('upstream-down', 'the connection broke before the answer')
}
const lostBefore = async (): Promise<never> => {
  throw new GatewayError('upstream-down', 'the connection broke')
}
const notThere = async (): Promise<never> => {
  throw new GatewayError('not-found', 'Resource not found #469')
}

async function withFolder() {
  const counter = await openCounter()
  const { text: key } = await counter.key({ verbs: VERBS })
  const folder = await counter.account.makeFolder('folder', ROOT, {})
  const { link } = counter.account.plant(folder, 'file', Buffer.from('content'), 1e12)
  await counter.native(key, 'folder/ls', {})
  await counter.native(key, 'folder/ls', { folder_id: folder })
  counter.calls()
  const url = `https://1fichier.com/?${link.id}`
  return { counter, key, folder, url }
}

async function namesIn(counter: Counter, key: string, folder: number): Promise<readonly string[]> {
  const { json } = await counter.native(key, 'folder/ls', { folder_id: folder, files: 1 })
  const folders = json['sub_folders'] as { name: string }[]
  const items = json['items'] as { filename: string }[]
  return [...folders.map(({ name }) => name), ...items.map(({ filename }) => filename)]
}

describe('the catalogue', () => {
  it('asks once for a thousand identical questions at both doors, and never for a second listing (T6)', async () => {
    await using counter = await openCounter()
    const { text: key } = await counter.key({ verbs: ['list'] })
    const asked = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        index % 2 === 0 ? counter.native(key, 'folder/ls', {}) : counter.api(key, 'GET', '/children?at=/'),
      ),
    )
    assert.ok(asked.every(({ status }) => status === 200))
    assert.deepEqual(counter.calls(), ['listFolder'])
    await counter.native(key, 'file/ls', {})
    await counter.api(key, 'GET', '/nodes?at=/')
    assert.deepEqual(counter.calls(), [])
  })

  it('says of what an older listing lacks that it may be there by now', async () => {
    const { counter, key } = await withFolder()
    await using _ = counter
    const hint = async (): Promise<unknown> =>
      (await counter.api(key, 'GET', '/nodes?at=/not%20there/x')).json['hint']
    assert.equal(await hint(), '`guichet ls /` shows what is there')
    await counter.clock.advance(2 * MINUTE_MS)
    assert.equal(await hint(), '`guichet ls --refresh /` asks 1fichier what is there by now')
  })

  it('goes on answering from what is known after the account was refused', async () => {
    const { counter, key } = await withFolder()
    await using _ = counter
    counter.fail('makeFolder', async () => {
      throw new GatewayError('account-refused', 'No such user #93')
    })
    assert.equal((await counter.api(key, 'POST', '/folders', { at: '/new' })).status, 503)
    counter.calls()
    assert.equal((await counter.api(key, 'GET', '/children?at=/folder')).status, 200)
    assert.deepEqual(counter.calls(), [])
  })

  it('says of a listing that was cut that there is more', async () => {
    const { counter, key, folder } = await withFolder()
    await using _ = counter
    counter.fail('listFolder', async (go) => ({ ...((await go()) as FolderListing), fileCount: 6_000 }))
    const at = `/children?at=folder:${folder}`
    assert.equal((await counter.api(key, 'GET', `${at}&refresh=1`)).json['isCut'], true)
    assert.equal((await counter.api(key, 'GET', at)).json['isCut'], undefined)
  })

  it('shares one answer for every file of the account', async () => {
    const { counter, key } = await withFolder()
    await using _ = counter
    const asked = new Set<string>()
    counter.fail('listFiles', async (go) => {
      // The others have been let in by the ledger, and wait for the same answer.
      while (asked.size < 3) {
        for (const { requestId, target } of await counter.ledger.recent(10))
          if (target === 'every file of the account') asked.add(requestId)
        await counter.clock.settle()
      }
      return go()
    })
    const all = await Promise.all([1, 2, 3].map(() => counter.native(key, 'file/ls', { folder_id: -1 })))
    assert.deepEqual(all[0]?.json['count'], 1)
    assert.deepEqual(counter.calls(), ['listFiles'])
  })

  it('answers an old listing at once, and refreshes it behind the answer', async () => {
    const { counter, key, folder } = await withFolder()
    await using _ = counter
    counter.account.plant(folder, 'later', Buffer.from('x'), 1e12)
    await counter.clock.advance(3_700_000)
    assert.deepEqual(await namesIn(counter, key, folder), ['file'])
    await counter.clock.settle()
    assert.deepEqual(await namesIn(counter, key, folder), ['file', 'later'])
    assert.deepEqual(counter.calls(), ['listFolder'])
  })

  it('refreshes many old listings one by one, and whoever wants one at once does not wait for the others', async () => {
    const { counter, key } = await withFolder()
    await using _ = counter
    const ids = await Promise.all(
      Array.from({ length: 20 }, (_, number) => counter.account.makeFolder(`f${number}`, ROOT, {})),
    )
    for (const id of ids) await namesIn(counter, key, id)
    await counter.clock.advance(3_700_000)
    counter.calls()
    const held = Promise.withResolvers<void>()
    counter.fail('listFolder', async (go) => {
      await held.promise
      return await go()
    })
    for (const id of ids) await namesIn(counter, key, id)
    await counter.clock.settle()
    assert.deepEqual(counter.calls(), ['listFolder'])
    const last = ids.at(-1)
    await counter.api(key, 'GET', `/children?refresh=1&at=folder:${last}`)
    assert.deepEqual(counter.calls(), ['listFolder'], 'it is asked for while the first one hangs')
    held.resolve()
    while (counter.upstream.length < 18) await counter.clock.settle()
    await counter.clock.settle()
    assert.equal(counter.calls().length, 18, 'each folder once')
  })

  it('takes a listing from before a step of the clock for old', async () => {
    const { counter, key, folder } = await withFolder()
    await using _ = counter
    counter.account.plant(folder, 'later', Buffer.from('x'), 1e12)
    counter.clock.jump(-24 * 3_600_000)
    await namesIn(counter, key, folder)
    while (counter.upstream.length === 0) await counter.clock.settle()
    await counter.clock.settle()
    assert.deepEqual(await namesIn(counter, key, folder), ['file', 'later'])
  })

  for (const [what, fault, isDone] of [
    ['done', lostAfter, true],
    ['not done', lostBefore, false],
  ] as const) {
    it(`finds out after an answer was lost, when the change was ${what}`, async () => {
      const { counter, key, folder, url } = await withFolder()
      await using _ = counter
      const body = { folder_id: folder }
      counter.fail('makeFolder', fault)
      const made = await counter.native(key, 'folder/mkdir', { ...body, name: 'made' })
      assert.equal(made.status, 502)
      assert.deepEqual(await namesIn(counter, key, folder), isDone ? ['made', 'file'] : ['file'])
      counter.fail('renameFiles', fault)
      await counter.native(key, 'file/rename', { urls: [{ url, filename: 'renamed' }] })
      const name = isDone ? 'renamed' : 'file'
      assert.ok((await namesIn(counter, key, folder)).includes(name))
      counter.fail('moveFiles', fault)
      await counter.native(key, 'file/mv', { urls: [url], destination_folder_id: 0 })
      assert.equal((await namesIn(counter, key, 0)).includes(name), isDone)
      assert.equal((await namesIn(counter, key, folder)).includes(name), !isDone)
      counter.fail('removeFiles', fault)
      await counter.native(key, 'file/rm', { files: [{ url }] })
      assert.equal((await namesIn(counter, key, isDone ? 0 : folder)).includes(name), !isDone)
    })
  }

  it('does not take a listing that was under way for the truth about a change whose answer was lost', async () => {
    const { counter, key, folder } = await withFolder()
    await using _ = counter
    let release: () => void = () => {}
    counter.fail('listFolder', async (go) => {
      const before = await go()
      await new Promise<void>((resolve) => {
        release = resolve
      })
      return before
    })
    const slow = counter.api(key, 'GET', `/children?refresh=1&at=folder:${folder}`)
    while (counter.upstream.length === 0) await new Promise(setImmediate)
    await counter.clock.settle()
    counter.fail('makeFolder', lostAfter)
    await counter.native(key, 'folder/mkdir', { folder_id: folder, name: 'made' })
    assert.deepEqual(
      await namesIn(counter, key, folder),
      ['made', 'file'],
      'asked anew while the other waits',
    )
    release()
    await slow
    assert.deepEqual(await namesIn(counter, key, folder), ['made', 'file'])
  })

  it('keeps the name and the place that a file was given while its attributes were changed', async () => {
    const { counter, key, folder, url } = await withFolder()
    await using _ = counter
    counter.fail('changeFiles', async (go) => {
      await counter.native(key, 'file/rename', { urls: [{ url, filename: 'renamed' }] })
      await counter.native(key, 'file/mv', { urls: [url], destination_folder_id: 0 })
      return await go()
    })
    await counter.native(key, 'file/chattr', { urls: [url], pass: 'a password' })
    assert.deepEqual(await namesIn(counter, key, folder), [])
    assert.ok((await namesIn(counter, key, 0)).includes('renamed'))
    assert.deepEqual(counter.calls(), ['changeFiles', 'renameFiles', 'moveFiles'])
  })

  it('drops what 1fichier does not know any more', async () => {
    const { counter, key, folder, url } = await withFolder()
    await using _ = counter
    counter.fail('renameFiles', notThere)
    counter.account.files.clear()
    assert.equal((await counter.native(key, 'file/rename', { urls: [{ url, filename: 'x' }] })).status, 404)
    counter.calls()
    assert.equal((await counter.native(key, 'file/rm', { files: [{ url }] })).status, 404)
    assert.deepEqual(counter.calls(), [])
    assert.deepEqual(await namesIn(counter, key, folder), [])
    counter.fail('listFolder', notThere)
    assert.equal((await counter.api(key, 'GET', `/children?refresh=1&at=folder:${folder}`)).status, 404)
    assert.equal(await counter.tree.folder(folder), undefined)
  })

  it('keeps what it knows when a change was refused before it was sent', async () => {
    const { counter, key, folder } = await withFolder()
    await using _ = counter
    for (const code of ['paced', 'locked', 'sealed'] as const) {
      counter.fail('makeFolder', () => {
        throw new GatewayError(code, 'not now', { retryAfterMs: 61_000 })
      })
      const refused = await counter.native(key, 'folder/mkdir', { folder_id: folder, name: 'made' })
      assert.equal(refused.headers['retry-after'], '61', code)
    }
    counter.calls()
    await namesIn(counter, key, folder)
    assert.deepEqual(counter.calls(), [])
  })

  it('shows a confined key nothing when its folder is gone, and follows the folder when it moves', async () => {
    const { counter, key, folder } = await withFolder()
    await using _ = counter
    const other = await counter.account.makeFolder('other', ROOT, {})
    await counter.api(key, 'GET', '/children?refresh=1&at=/')
    const { text } = await counter.key({ verbs: VERBS, root: folder, rootPath: '/folder' })
    const seen = async (at: string) => {
      const { status, json } = await counter.api(text, 'GET', `/children?at=${at}`)
      return status === 200 ? (json['folders'] as { path: string }[]).map(({ path }) => path) : status
    }
    assert.deepEqual(await seen('/'), ['/folder'])
    await counter.native(key, 'folder/mv', { folder_id: folder, destination_folder_id: other })
    assert.deepEqual(await seen('/'), ['/other'])
    assert.deepEqual(await seen('/other'), ['/other/folder'])
    await counter.tree.removeFolder(folder, counter.clock.nowMs())
    for (const at of ['/', '/other', '/folder', `folder:${folder}`]) assert.equal(await seen(at), 404, at)
    assert.equal((await counter.native(text, 'folder/mkdir', { name: 'x', folder_id: folder })).status, 404)
    for (const id of [folder, 0, other]) {
      for (const endpoint of ['folder/rm', 'folder/mv']) {
        const answer = await counter.native(text, endpoint, {
          folder_id: id,
          destination_folder_id: id,
          rename: 'x',
        })
        assert.equal(answer.status, 404)
      }
    }
  })

  it('leaves the root of a key as it is', async () => {
    const { counter, folder } = await withFolder()
    await using _ = counter
    const { text } = await counter.key({ verbs: VERBS, root: folder, rootPath: '/folder' })
    for (const [endpoint, body] of [
      ['folder/mv', { folder_id: folder, rename: 'x' }],
      ['folder/mv', { folder_id: folder, destination_folder_id: folder }],
      ['folder/rm', { folder_id: folder }],
    ] as const) {
      assert.equal((await counter.native(text, endpoint, body)).status, 400)
    }
    assert.equal(
      (await counter.api(text, 'POST', '/remove', { at: ['/folder'], recursive: true })).status,
      400,
    )
    assert.deepEqual(counter.calls(), [])
  })
})
