import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { type FileHost, type FileNode, GatewayError, HOUR_MS, parseBudgets, ROOT } from '@guichet/core'
import type { MemoryHost } from '@guichet/testkit'
import { type Counter, openCounter } from '../doors/counter.testing.ts'
import { OWNER } from './principals.ts'

describe('panic', () => {
  it('ends every key, on disk before it answers, and leaves its line in the ledger (K2, K8)', async () => {
    await using counter = await openCounter()
    const keys = [await counter.key({ verbs: ['list'] }), await counter.key({ verbs: ['list', 'download'] })]
    for (const { text } of keys) assert.equal((await counter.native(text, 'folder/ls')).status, 200)
    const answer = await counter.ask({ method: 'POST', path: '/api/v1/panic', local: true })
    assert.deepEqual([answer.status, answer.json], [200, { revoked: 2 }])
    using db = new DatabaseSync(counter.databasePath, { readOnly: true })
    const { left } = db.prepare('SELECT count(*) AS left FROM keys WHERE revoked_ms IS NULL').get() ?? {}
    assert.equal(left, 0)
    counter.calls()
    for (const { text } of keys) assert.notEqual((await counter.native(text, 'folder/ls')).status, 200)
    assert.deepEqual(counter.calls(), [])
    const again = await counter.ask({ method: 'POST', path: '/api/v1/panic', local: true })
    assert.deepEqual(again.json, { revoked: 0 })
  })

  it('is for the owner alone (K5)', async () => {
    await using counter = await openCounter()
    const { text } = await counter.key({ verbs: ['account', 'delete'] })
    for (const route of ['/seal', '/panic'])
      assert.equal((await counter.api(text, 'POST', route, {})).status, 403)
    assert.equal((await counter.native(text, 'folder/ls')).json['status'], 'KO')
  })

  it('is done when the ledger cannot be written, and says that its line is missing (K2)', async () => {
    let isBroken = false
    await using counter = await openCounter({
      ledger: (real) =>
        new Proxy(real, {
          get(target, name) {
            if (name === 'record' && isBroken)
              return async () => {
                throw new GatewayError('disk-full', 'no room')
              }
            const value = Reflect.get(target, name)
            return typeof value === 'function' ? value.bind(target) : value
          },
        }),
    })
    const { text } = await counter.key({ verbs: ['list'] })
    isBroken = true
    const answer = await counter.ask({ method: 'POST', path: '/api/v1/panic', local: true })
    assert.equal(answer.json['code'], 'disk-full')
    assert.match(String(answer.json['message']), /this was done: panic.*ledger could not be written/)
    isBroken = false
    assert.equal((await counter.api(text, 'GET', '/children?at=/')).status, 401)
  })

  it('ends links to files that the owner has made, also those that last (K2, K11)', async () => {
    await using counter = await openCounter()
    counter.account.plant(ROOT, 'file', Buffer.from('content'), 1e12)
    const { json } = await counter.api(undefined, 'POST', '/tickets', { at: '/file', forMs: HOUR_MS })
    const lasting = String(json['path'])
    assert.equal((await counter.ask({ path: lasting })).text, 'content')
    const short = counter.services.tickets.issue({
      principal: OWNER,
      file: { ...(await fileOf(counter)) },
      options: {},
    })
    assert.equal((await counter.ask({ path: `/p${short}` })).text, 'content')
    assert.equal((await counter.api(undefined, 'POST', '/panic', {})).status, 200)
    for (const path of [lasting, `/p${short}`]) {
      const { status, text } = await counter.ask({ path })
      assert.ok(status >= 400 && !text.includes('content'), `${path} ${status}`)
    }
  })

  it('and seal and revoking are no matter of the budgets of the owner (K2, K8, K10)', async () => {
    await using counter = await openCounter({ ownerBudgets: parseBudgets(['calls=1/day']) })
    const { key } = await counter.key({ verbs: ['list'] })
    assert.equal((await counter.api(undefined, 'GET', '/keys')).status, 200)
    assert.equal((await counter.api(undefined, 'GET', '/keys')).json['code'], 'over-budget')
    assert.equal((await counter.api(undefined, 'DELETE', `/keys/${key.id}`)).status, 200)
    for (const route of ['/seal', '/panic'])
      assert.equal((await counter.api(undefined, 'POST', route, {})).status, 200, route)
  })

  it('ends what a key has under way, and all that it begins, when the disk takes nothing (K2, R2)', async () => {
    await using counter = await openCounter()
    const keys = [await counter.key({ verbs: ['list'] }), await counter.key({ verbs: ['list'] })]
    counter.database.prepare('PRAGMA query_only = ON').run()
    const answer = await counter.api(undefined, 'POST', '/panic', {})
    assert.ok(answer.status >= 500)
    assert.match(String(answer.json['message']), /2 keys could not be revoked on the disk/)
    counter.database.prepare('PRAGMA query_only = OFF').run()
    for (const { text } of keys)
      await assert.rejects(counter.api(text, 'GET', '/children?at=/'), /socket hang up|ECONNRESET/)
  })

  it('loses no content that was received whole: it goes to 1fichier all the same (K8)', async () => {
    const { promise: panicked, resolve } = Promise.withResolvers<void>()
    await using counter = await openCounter({ host: (account) => uploadingAfter(account, panicked) })
    const { text } = await counter.key({ verbs: ['list', 'upload'] })
    const path = '/api/v1/content?at=/kept&wait=0'
    const sent = await counter.ask({ method: 'PUT', path, key: text, body: 'content' })
    assert.equal(sent.status, 202, sent.text)
    await counter.api(undefined, 'POST', '/panic', {})
    assert.equal(counter.account.filesIn(ROOT).length, 0)
    resolve()
    for (let turns = 0; turns < 500 && counter.account.filesIn(ROOT).length === 0; turns += 1)
      await counter.clock.settle()
    assert.deepEqual(
      counter.account.filesIn(ROOT).map(({ entry }) => entry.name),
      ['kept'],
    )
  })

  it('and revoking are done while the ledger is not trusted (K2, K17)', async () => {
    const distrust = new GatewayError('unavailable', 'the ledger is not trusted')
    await using counter = await openCounter({ distrust: () => distrust })
    const { key, text } = await counter.key({ verbs: ['list'] })
    await counter.key({ verbs: ['list'] })
    assert.equal((await counter.api(text, 'GET', '/children?at=/')).status, 503)
    assert.equal((await counter.api(undefined, 'DELETE', `/keys/${key.id}`)).status, 200)
    assert.equal((await counter.api(undefined, 'POST', '/seal', {})).status, 200)
    assert.deepEqual((await counter.api(undefined, 'POST', '/panic', {})).json, { revoked: 1 })
  })
})

/** Uploads to it begin at a moment. */
function uploadingAfter(account: MemoryHost, moment: Promise<void>): FileHost {
  return new Proxy(account, {
    get(target, name) {
      if (name === 'upload')
        return async (...args: Parameters<FileHost['upload']>) => {
          await moment
          return target.upload(...args)
        }
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

async function fileOf({ services }: Counter): Promise<FileNode> {
  const owner = { principal: OWNER, door: 'admin', requestId: 'test' } as const
  const [file] = (await services.catalogue.list(owner, ROOT)).files
  assert.ok(file !== undefined)
  return file
}
