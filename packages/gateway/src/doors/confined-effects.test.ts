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
})
