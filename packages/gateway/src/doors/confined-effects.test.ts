import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseTransferId, ROOT } from '@guichet/core'
import { openCounter } from './counter.testing.ts'

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
})
