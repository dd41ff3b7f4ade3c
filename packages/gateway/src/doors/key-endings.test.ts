import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { describe, it } from 'node:test'
import { HOUR_MS, ROOT, VERBS } from '@guichet/core'
import { openCounter } from './counter.testing.ts'

describe('what a key has under way', () => {
  it('is cut when the key is revoked, also for keys issued under it (K8)', async () => {
    await using counter = await openCounter()
    const { text, key } = await counter.key({ verbs: VERBS, limits: { mayIssue: true } })
    const child = await counter.api(text, 'POST', '/keys', { name: 'child', verbs: ['upload', 'list'] })
    assert.equal(child.json['parent'], key.id)
    const uploads = [text, String(child.json['key'])].map((secret) => halfAnUpload(counter.port, secret))
    while (counter.server.visits.count() < 2) await counter.clock.settle()
    assert.equal((await counter.api(undefined, 'DELETE', `/keys/${key.id}`)).status, 200)
    for (const upload of uploads) await upload
    while ((await counter.spooled()).length > 0) await counter.clock.settle()
  })

  it('goes on with a text that was replaced until the overlap ends, and with the new one (K16)', async () => {
    await using counter = await openCounter()
    const { text, key } = await counter.key({ verbs: VERBS })
    const before = halfAnUpload(counter.port, text)
    while (counter.server.visits.count() < 1) await counter.clock.settle()
    const rotated = await counter.api(undefined, 'POST', `/keys/${key.id}/rotate`, { overlapMs: HOUR_MS })
    assert.equal(rotated.json['id'], key.id)
    const fresh = String(rotated.json['key'])
    const after = halfAnUpload(counter.port, fresh)
    while (counter.server.visits.count() < 2) await counter.clock.settle()
    assert.equal((await counter.native(text, 'folder/ls')).status, 200)
    await counter.clock.advance(HOUR_MS)
    await before
    assert.equal(counter.server.visits.count(), 1)
    assert.equal((await counter.native(text, 'folder/ls')).status, 401)
    assert.equal((await counter.native(fresh, 'folder/ls')).status, 200)
    await counter.api(undefined, 'DELETE', `/keys/${key.id}`)
    await after
  })
})

describe('a child key', () => {
  it('has its root inside its issuer’s, and stays confined to both (K11)', async () => {
    await using counter = await openCounter()
    const outside = await counter.account.makeFolder('outside', ROOT, {})
    const backup = await counter.account.makeFolder('backup', ROOT, {})
    const inner = await counter.account.makeFolder('inner', backup, {})
    await counter.api(undefined, 'GET', '/children?at=/')
    await counter.api(undefined, 'GET', '/children?at=/backup')
    const { text } = await counter.key({
      ...{ verbs: VERBS, root: backup, rootPath: '/backup', limits: { mayIssue: true } },
    })
    const issue = (name: string, root?: string) =>
      counter.api(text, 'POST', '/keys', { name, verbs: ['list'], ...(root !== undefined && { root }) })
    for (const root of ['/', '/outside', `folder:${outside}`, '/nowhere'])
      assert.equal((await issue('wide', root)).json['code'], 'not-found', root)
    assert.equal((await issue('same')).json['root'], '/backup')
    const child = String((await issue('narrow', '/backup/inner')).json['key'])
    assert.equal((await counter.native(child, 'folder/ls', { folder_id: inner })).status, 200)
    // The owner moves the child's root out of its issuer's.
    const moved = await counter.api(undefined, 'POST', '/move', { from: ['/backup/inner'], to: '/outside' })
    assert.equal(moved.status, 200, moved.text)
    assert.equal((await counter.native(child, 'folder/ls', { folder_id: inner })).status, 404)
  })

  it('is made only by keys that may issue, which the refusal says (K11, U5)', async () => {
    await using counter = await openCounter()
    const { text, key } = await counter.key({ verbs: VERBS })
    const refused = await counter.api(text, 'POST', '/keys', { name: 'x', verbs: ['list'] })
    assert.equal(refused.status, 403)
    assert.deepEqual([refused.json['rule'], refused.json['key']], ['owner', key.id])
    assert.match(String(refused.json['hint']), /on the machine of the gateway/)
  })
})

/** Sends half of an upload; resolves when the connection has ended without an answer. */
async function halfAnUpload(port: number, key: string): Promise<void> {
  const outgoing = request({
    ...{ host: '127.0.0.1', port, method: 'PUT', path: '/api/v1/content?at=/half', agent: false },
    headers: { authorization: `Bearer ${key}`, 'content-length': 1_000 },
  })
  const ended = once(outgoing, 'error')
  outgoing.on('response', () => assert.fail('it was answered'))
  outgoing.write(Buffer.alloc(500))
  await ended
}
