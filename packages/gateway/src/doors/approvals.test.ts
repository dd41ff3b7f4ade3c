import assert from 'node:assert/strict'
import { request } from 'node:http'
import { describe, it } from 'node:test'
import { type ApprovalRequest, type FileEntry, type FolderId, MINUTE_MS, ROOT, VERBS } from '@guichet/core'
import { type Answer, type Counter, openCounter } from './counter.testing.ts'

const url = ({ link }: FileEntry): string => `https://1fichier.com/?${link.id}`

/** `/inside` with files of 1,000 bytes, and a key that asks when it deletes more than so much. */
async function openPlace(approval: { readonly overFiles?: number; readonly overBytes?: number }, count = 12) {
  const counter = await openCounter()
  const folder = await counter.account.makeFolder('inside', ROOT, {})
  const files = Array.from({ length: count }, (_, index) =>
    counter.account.plant(folder, `file-${index}`, Buffer.alloc(1_000, index), 1e12),
  )
  const { text: key } = await counter.key({ name: 'sync', verbs: VERBS, limits: { approval } })
  for (const id of [ROOT, folder]) await counter.native(key, 'folder/ls', { folder_id: id })
  counter.calls()
  const remove = (...indices: readonly number[]): Promise<Answer> =>
    counter.native(key, 'file/rm', {
      files: indices.map((index) => ({ url: url(files[index] as FileEntry) })),
    })
  const paths = files.map(({ name }) => `/inside/${name}`)
  return { counter, folder, key, remove, paths }
}

async function waiting(counter: Counter): Promise<readonly ApprovalRequest[]> {
  const { json } = await counter.api(undefined, 'GET', '/approvals')
  return json['approvals'] as readonly ApprovalRequest[]
}

async function untilAsked(counter: Counter): Promise<ApprovalRequest> {
  for (;;) {
    const [one] = await waiting(counter)
    if (one !== undefined) return one
    await counter.clock.settle()
  }
}

const decide = (counter: Counter, id: string, decision: string): Promise<Answer> =>
  counter.api(undefined, 'POST', `/approvals/${id}`, { decision })

const leftIn = (counter: Counter, folder: FolderId): number => counter.account.filesIn(folder).length

describe('a key that asks a person before large deletions', () => {
  it('makes no FTP users, of whom nobody would be asked, and neither does a key below it (K14)', async () => {
    const { counter, key } = await openPlace({ overFiles: 5 })
    await using _ = counter
    const user = { user: 'name', pass: 'password' }
    assert.equal((await counter.native(key, 'ftp/users/add', user)).status, 403)
    const { text: above } = await counter.key({
      ...{ name: 'above', verbs: VERBS },
      limits: { approval: { overFiles: 5 }, mayIssue: true },
    })
    const { json } = await counter.api(above, 'POST', '/keys', { name: 'below', verbs: ['ftp'] })
    assert.equal((await counter.native(String(json['key']), 'ftp/users/add', user)).status, 403)
    assert.deepEqual(counter.calls(), [])
  })

  it('asks for nothing any more once it is revoked (K8, K14)', async () => {
    const { counter, remove } = await openPlace({ overFiles: 0 })
    await using _ = counter
    await remove(1)
    assert.equal((await waiting(counter)).length, 1)
    const { json } = await counter.api(undefined, 'GET', '/keys/sync')
    await counter.api(undefined, 'DELETE', `/keys/${json['id']}`)
    assert.deepEqual(await waiting(counter), [])
  })

  it('passes no more by many small ones, and its client on the native door is told to come again (K14)', async () => {
    const { counter, folder, remove } = await openPlace({ overFiles: 5 })
    await using _ = counter
    for (const index of [0, 1, 2, 3, 4]) assert.equal((await remove(index)).status, 200)
    counter.calls()
    const refused = await remove(5)
    assert.equal(refused.status, 403)
    assert.match(
      String(refused.json['message']),
      /deletes so much only when a person agrees: 1 file .* wait as a-\w{6}\.1 \(the owner runs `guichet approve yes a-/,
    )
    const again = await remove(6, 7)
    assert.match(String(again.json['message']), /3 files .* wait as a-\w{6}\.2/)
    await remove(5)
    assert.deepEqual(counter.calls(), [])

    const [one] = await waiting(counter)
    assert.deepEqual([one?.files, one?.bytes, one?.isWaiting], [3, 3_000, false])
    assert.deepEqual(one?.examples, ['/inside/file-5', '/inside/file-6', '/inside/file-7'])
    const first = String(one?.id).replace('.2', '.1')
    const stale = await decide(counter, first, 'yes')
    assert.equal(stale.status, 409)
    assert.match(stale.text, /more is asked for by now: 3 files/)

    assert.equal((await decide(counter, String(one?.id), 'yes')).status, 200)
    assert.equal((await remove(5)).status, 200)
    assert.equal((await remove(6, 7)).status, 200)
    // What was allowed is exactly what was shown.
    assert.equal((await remove(8)).status, 403)
    assert.equal(leftIn(counter, folder), 4)
    // A new day, and nobody needs to be asked for a little.
    counter.clock.jump(24 * 60 * MINUTE_MS)
    assert.equal((await remove(8)).status, 200)
  })

  it('counts bytes as well (K14)', async () => {
    const { counter, folder, remove } = await openPlace({ overBytes: 2_500 })
    await using _ = counter
    assert.deepEqual([(await remove(0, 1)).status, (await remove(2)).status], [200, 403])
    assert.equal(leftIn(counter, folder), 10)
  })

  it('has a client of our own API wait for the yes, once for all of a folder (K14)', async () => {
    const { counter, folder, key } = await openPlace({ overFiles: 3 })
    await using _ = counter
    await counter.account.makeFolder('deep', folder, {})
    await counter.api(key, 'GET', '/children?at=/inside&refresh=1')
    const asked = counter.api(key, 'POST', '/remove', { at: ['/inside'], recursive: true })
    const one = await untilAsked(counter)
    assert.deepEqual([one.files, one.folders, one.isWaiting, one.keyName], [12, 2, true, 'sync'])
    assert.equal(leftIn(counter, folder), 12)
    const other = await counter.key({ verbs: VERBS })
    assert.equal(
      (await counter.api(other.text, 'POST', `/approvals/${one.id}`, { decision: 'yes' })).status,
      403,
    )
    assert.equal((await decide(counter, one.id, 'yes')).status, 200)
    assert.deepEqual((await asked).json, { files: 12, folders: 2, bytes: 12_000 })
    assert.deepEqual(await waiting(counter), [])
  })

  it('tells it of a no, of nobody there in time, and forgets a client that has left (K14)', async () => {
    const { counter, folder, key, paths } = await openPlace({ overFiles: 3 })
    await using _ = counter
    const ask = (): Promise<Answer> => counter.api(key, 'POST', '/remove', { at: paths })
    const refused = ask()
    await decide(counter, (await untilAsked(counter)).id, 'no')
    assert.match((await refused).text, /"forbidden".*the owner has refused to delete 12 files/)

    const late = ask()
    await untilAsked(counter)
    await counter.clock.advance(10 * MINUTE_MS)
    assert.match((await late).text, /"needs-approval".*nobody has agreed in time/)
    assert.deepEqual(await waiting(counter), [])

    const left = request({
      port: counter.port,
      method: 'POST',
      path: '/api/v1/remove',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    })
    left.on('error', () => undefined)
    left.end(JSON.stringify({ at: paths }))
    await untilAsked(counter)
    left.destroy()
    while ((await waiting(counter)).length > 0) await counter.clock.settle()
    assert.equal(leftIn(counter, folder), 12)
    assert.deepEqual(counter.calls(), [])
  })

  it('leaves in the ledger that it asked, who answered, and that nobody did (K14)', async () => {
    const { counter, remove } = await openPlace({ overFiles: 0 })
    await using _ = counter
    await remove(0)
    const one = await untilAsked(counter)
    await decide(counter, one.id, 'yes')
    await remove(1)
    await counter.clock.advance(10 * MINUTE_MS)
    await counter.clock.settle()
    const lines = (await counter.ledger.recent(100)).map(
      ({ key, verb, decision, target, reason }) =>
        `${key === 'owner' ? key : 'key'} ${verb} ${decision} ${target} ${reason}`,
    )
    const has = (pattern: RegExp): void =>
      assert.ok(
        lines.some((line) => pattern.test(line)),
        lines.join('\n'),
      )
    has(/^key delete deny a-\w{6}\.1: 1 file .* only when a person agrees/)
    has(/^owner admin allow approve a-\w{6}\.1 of k-\w{8}: delete 1 file /)
    has(/^key delete deny a-\w{6}\.1: 1 file .* nobody has agreed in time/)
  })

  it('asks before each call that destroys: overwrite, scan and removed folder too (K14)', async () => {
    const { counter, folder, key } = await openPlace({ overFiles: 0 }, 1)
    await using _ = counter
    const empty = await counter.account.makeFolder('empty', ROOT, {})
    await counter.api(key, 'GET', '/children?at=/&refresh=1')
    counter.calls()
    const [file] = counter.account.filesIn(folder)
    const scan = await counter.native(key, 'file/scan', { url: url(file?.entry as FileEntry) })
    const rmdir = await counter.native(key, 'folder/rm', { folder_id: empty })
    assert.deepEqual([scan.status, rmdir.status], [403, 403])
    assert.deepEqual(
      counter.calls().filter((name) => name !== 'listFolder'),
      [],
    )
    const path = '/api/v1/content?at=/inside/file-0&overwrite=1'
    const overwrite = counter.ask({ method: 'PUT', path, key, body: 'new content' })
    let one = (await waiting(counter)).find(({ isWaiting }) => isWaiting)
    while (one === undefined) one = (await waiting(counter)).find(({ isWaiting }) => isWaiting)
    // Nothing has been taken in yet: who says no leaves the old content as the only one.
    assert.deepEqual(await counter.spooled(), [])
    await decide(counter, one.id, 'yes')
    assert.equal((await overwrite).status, 201)
    assert.deepEqual(
      counter.account.filesIn(folder).map(({ content }) => Buffer.from(content).toString()),
      ['new content'],
    )
  })
})
