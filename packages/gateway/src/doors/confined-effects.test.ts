import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseTransferId, ROOT, VERBS } from '@guichet/core'
import { openCounter } from './counter.testing.ts'
import { layGround, titleOf } from './verb-table.testing.ts'
import { API_ROWS } from './verb-table-api.testing.ts'
import { NATIVE_ROWS } from './verb-table-native.testing.ts'

describe('what a key with a root does', () => {
  it('leaves the uploads of others alone in a folder of which it sees only the way down', async () => {
    await using counter = await openCounter()
    const folder = await counter.account.makeFolder('folder', ROOT, {})
    const whole = await counter.key({ verbs: ['list', 'upload'] })
    const confined = await counter.key({ verbs: ['list'], root: folder, rootPath: '/folder' })
    await counter.native(whole.text, 'folder/ls', {})
    const put = await counter.ask({
      method: 'PUT',
      path: '/api/v1/content?at=/x&wait=0',
      key: whole.text,
      body: 'content',
    })
    const id = parseTransferId(String(put.json['transfer']))
    while ((await counter.journal.counts()).stored === 0) await counter.clock.settle()

    for (const path of ['folder/ls', 'file/ls'])
      assert.equal((await counter.native(confined.text, path, {})).status, 200)
    assert.equal((await counter.api(confined.text, 'GET', '/children?at=/')).status, 200)
    assert.equal((await counter.journal.get(id))?.isClaimed, false)
    await counter.native(whole.text, 'file/ls', {})
    assert.equal((await counter.journal.get(id))?.isClaimed, true)
  })

  it('gets no content of a file that left its root while the link was waited for', async () => {
    await using counter = await openCounter()
    const folder = await counter.account.makeFolder('folder', ROOT, {})
    const { link } = counter.account.plant(folder, 'file', Buffer.from('content'), 1e12)
    const whole = await counter.key({ verbs: ['list', 'download'] })
    const confined = await counter.key({ verbs: ['list', 'download'], root: folder, rootPath: '/folder' })
    await counter.native(whole.text, 'folder/ls', {})
    await counter.native(whole.text, 'folder/ls', { folder_id: folder })
    const content = (key: string) => counter.ask({ path: `/api/v1/content?at=file:${link.id}`, key })
    counter.fail('downloadToken', async (go) => {
      const url = await go()
      await counter.tree.moveFile(link.id, ROOT, link.id, counter.clock.nowMs())
      return url
    })
    counter.calls()
    const refused = await content(confined.text)
    assert.equal(refused.status, 404)
    assert.doesNotMatch(refused.text, /content/)
    assert.deepEqual(counter.calls(), ['downloadToken'])
    // What the others know of the file, and its link, are as good as before.
    assert.equal((await content(whole.text)).text, 'content')
    assert.deepEqual(counter.calls(), ['openDirect'])
  })

  it('is told nothing more of an upload that has left its root, by its report, its transfer or its ticket (K6)', async () => {
    await using counter = await openCounter()
    const folder = await counter.account.makeFolder('folder', ROOT, {})
    const owner = await counter.key({ verbs: VERBS })
    await counter.native(owner.text, 'folder/ls', {})
    const { text: key } = await counter.key({
      ...{ verbs: ['upload', 'download', 'list'] as const, root: folder, rootPath: '/folder' },
    })
    const put = await counter.ask({
      method: 'PUT',
      path: '/api/v1/content?at=/folder/x',
      key,
      body: 'content',
    })
    const { transfer, file } = put.json as { transfer: string; file: { id: string } }
    const form = `--b\r\nContent-Disposition: form-data; name="did"\r\n\r\n${folder}\r\n--b\r\nContent-Disposition: form-data; name="file[]"; filename="y"\r\n\r\ncontent\r\n--b--\r\n`
    const headers = { 'content-type': 'multipart/form-data; boundary=b' }
    await counter.ask({ method: 'POST', path: '/upload.cgi?id=abc', key, headers, body: form })
    const report = () => counter.ask({ path: '/end.pl?xid=abc', key, headers: { json: '1' } })
    const sent = /[?](m\d+)/.exec((await report()).text)?.[1] ?? ''
    const token = await counter.native(key, 'download/get_token', { folder_id: folder, filename: 'x' })
    const ticket = new URL(String(token.json['url'])).pathname
    for (const id of [file.id, sent])
      assert.equal(
        (await counter.api(undefined, 'POST', '/move', { from: [`file:${id}`], to: '/' })).status,
        200,
      )

    const told = await counter.api(key, 'GET', `/transfers/${transfer}`)
    assert.deepEqual([told.status, told.json['state'], told.json['link']], [200, 'stored', undefined])
    const gone = await report()
    assert.equal(gone.status, 404)
    const never = await counter.ask({ path: '/end.pl?xid=def', key, headers: { json: '1' } })
    assert.equal(gone.text, never.text.replace('def', 'abc'))
    const link = await counter.ask({ path: ticket })
    assert.deepEqual(
      [link.status, link.text],
      [404, (await counter.ask({ path: `/p${'0'.repeat(32)}` })).text],
    )
    for (const { text } of [told, gone, link])
      assert.ok(!text.includes(file.id) && !text.includes(sent), text)
  })

  it('is not told the id of its upload when that has left its root before the answer (K6)', async () => {
    await using counter = await openCounter()
    const folder = await counter.account.makeFolder('folder', ROOT, {})
    const owner = await counter.key({ verbs: VERBS })
    await counter.native(owner.text, 'folder/ls', {})
    const { text: key } = await counter.key({ verbs: ['upload'], root: folder, rootPath: '/folder' })
    const whenStored = counter.services.uploads.whenStored.bind(counter.services.uploads)
    counter.services.uploads.whenStored = async (upload, signal) => {
      const transfers = await whenStored(upload, signal)
      for (const { state } of transfers)
        if (state.kind === 'stored')
          await counter.tree.moveFile(state.link.id, ROOT, state.link.id, counter.clock.nowMs())
      return transfers
    }
    const put = await counter.ask({
      method: 'PUT',
      path: '/api/v1/content?at=/folder/x',
      key,
      body: 'content',
    })
    assert.deepEqual([put.status, put.json['state'], put.json['file']], [201, 'stored', undefined])
    assert.doesNotMatch(put.text, /m\d{19}/)
  })

  it('is not sent when what it is about has left its root while its turn was waited for (K6)', async () => {
    let turn: (() => Promise<void>) | undefined
    await using counter = await openCounter({ turn: async () => turn?.() })
    const { account, tree, clock } = counter
    const root = await account.makeFolder('root', ROOT, {})
    await tree.addFolder({ id: root, parent: ROOT, name: 'root' }, clock.nowMs())
    await tree.markListed(root, clock.nowMs())
    const { text: key } = await counter.key({ verbs: VERBS, root, rootPath: '/root' })
    const met: string[] = []
    for (const row of [...NATIVE_ROWS, ...API_ROWS]) {
      // Contents have tests of their own: their links are shared by all who wait for them.
      if (['end.pl', 'upload.cgi', 'direct', 'PUT /content', 'GET /content'].includes(row.route)) continue
      const ground = await layGround(counter, root)
      const wish = await row.ask(ground, key)
      const { folder, empty, url, folderPath } = ground
      const asked = decodeURIComponent(`${wish.path} ${String(wish.body ?? '')}`)
      if (![`:${folder}`, `:${empty}`, url, folderPath].some((name) => asked.includes(name))) continue
      let isMoved = false
      turn = async () => {
        isMoved = true
        await account.moveFolder(folder, ROOT, {})
        await tree.moveFolder(folder, ROOT, clock.nowMs())
      }
      counter.calls()
      const answer = await counter.ask({ ...wish, key })
      turn = undefined
      if (!isMoved) continue
      met.push(titleOf(row))
      assert.equal(answer.status, 404, `${titleOf(row)}: ${answer.text}`)
      assert.deepEqual(counter.calls(), [], titleOf(row))
    }
    assert.ok(met.length >= 30, met.join(', '))
  })
})
