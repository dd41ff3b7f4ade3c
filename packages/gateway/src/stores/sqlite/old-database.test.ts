import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { ROOT } from '@guichet/core'
import { fileId, folderId, sampleKey, transferId } from '@guichet/testkit'
import { openStores } from '../../compose/stores.ts'
import { verifyLedger } from '../../services/ledger/verify.ts'
import { type Database, openDatabase, openReadOnly } from './index.ts'

/** Made by the version that wrote schema 6, with the hash of its keys keyed by these bytes. */
const FIXTURE = new URL('../../../fixtures/guichet-6.db.gz', import.meta.url)
const PEPPER = Buffer.alloc(32, 7)
const MADE_MS = Date.UTC(2026, 10, 1)

describe('a database of schema 6', () => {
  it('is brought up to date with all that is in it: keys, tree, transfers, limits and the ledger (R11)', async () => {
    await using old = await openFixture()
    await using db = openDatabase({ path: old.path })
    const { keys, tree, journal, facts, limiter, ledger } = openStores(db)
    const hash = createHmac('sha256', PEPPER).update('the text of laptop').digest('hex')
    const found = await keys.byHash(hash, MADE_MS)
    assert.deepEqual(found?.key, {
      ...sampleKey(1, { name: 'laptop', verbs: ['list', 'download'] }),
      ...{ root: folderId(2), rootPath: '/films', expiresMs: Date.UTC(2036, 0, 1) },
    })
    assert.equal((await keys.byId(sampleKey(2).id))?.revokedMs, MADE_MS)
    assert.deepEqual(
      (await tree.children(ROOT)).folders.map(({ name }) => name),
      ['folder 2'],
    )
    assert.equal((await tree.file(fileId('file2')))?.folder, 2)
    assert.deepEqual(
      (await journal.unfinished()).map(({ id }) => id),
      [transferId(1)],
    )
    assert.deepEqual(await facts.get('account'), { value: { offer: 'premium' }, atMs: MADE_MS })
    assert.equal((await limiter.load()).counters.get('call'), MADE_MS)
    assert.deepEqual(
      (await ledger.recent(9)).map(({ target }) => target),
      ['/films/3', '/films/2', '/films/1'],
    )
    const { head, problem } = await verifyLedger({ source: ledger })
    assert.deepEqual([head.size, problem], [3, undefined])
  })

  it('is read only after that, and is whole when it is opened once more (R11)', async () => {
    await using old = await openFixture()
    assert.throws(() => openReadOnly(old.path), { code: 'invalid', message: /an older version/ })
    await close(openDatabase({ path: old.path }))
    await close(openReadOnly(old.path))
    await close(openDatabase({ path: old.path }))
  })
})

async function openFixture(): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'old-database-'))
  const path = join(folder, 'guichet.db')
  await writeFile(path, gunzipSync(await readFile(FIXTURE)))
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

function close(db: Database): Promise<void> {
  return db[Symbol.asyncDispose]()
}
