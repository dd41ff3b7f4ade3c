import assert from 'node:assert/strict'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { GatewayError, type KeyId, ROOT } from '@guichet/core'
import { openDatabase, SqliteFactStore, SqliteKeyStore, SqliteLedger, SqliteLimiterStore } from './index.ts'
import { inspectDatabase } from './inspect.ts'

describe('a look at a database', () => {
  it('tells its keys and when they were last used, what stands still, and the clock (U6)', async () => {
    await using place = await folder()
    const file = path.join(place.path, 'guichet.db')
    {
      await using db = openDatabase({ path: file })
      const key = {
        id: 'k-aaaaaaaa' as KeyId,
        name: 'kodi',
        verbs: ['list'],
        root: ROOT,
        rootPath: '/',
        mayTunnel: false,
        limits: {},
        parent: undefined,
        createdMs: 1,
        expiresMs: undefined,
        revokedMs: undefined,
        use: { count: 0, lastMs: undefined },
        ended: undefined,
      } as const
      await new SqliteKeyStore(db).add(key, 'hash')
      const entry = {
        requestId: 'r',
        door: 'native',
        verb: 'list',
        target: '/',
        decision: 'allow',
        reason: '',
      } as const
      await new SqliteLedger(db).record({ ...entry, atMs: 7, key: key.id })
      await new SqliteLedger(db).record({ ...entry, atMs: 9, key: 'owner' })
      await new SqliteLimiterStore(db).saveBreaker('api', {
        kind: 'stopped',
        sinceMs: 3,
        reason: 'No such user',
      })
      await new SqliteFactStore(db).put('clock', { offsetMs: -4_000 }, 8)
      // A gateway that runs has the file open meanwhile.
      const report = inspectDatabase(file)
      assert.deepEqual(
        report.keys.map(({ id, usedMs, expiresMs }) => ({ id, usedMs, expiresMs })),
        [{ id: 'k-aaaaaaaa', usedMs: 7, expiresMs: undefined }],
      )
      assert.deepEqual(report.stopped, ['No such user'])
      assert.deepEqual(report.clock, { offsetMs: -4_000, atMs: 8 })
      assert.deepEqual(report.problems, [])
      assert.equal(report.counts['ledger'], 2)
    }
    {
      // As it was before keys could end by themselves.
      using old = new DatabaseSync(file)
      old.exec('ALTER TABLE keys DROP COLUMN ended_ms')
    }
    assert.equal(inspectDatabase(file).keys[0]?.endedMs, undefined)
    const before = await readFile(file)
    inspectDatabase(file)
    assert.deepEqual(await readFile(file), before, 'the file is as it was')
  })

  it('names what is damaged', async () => {
    await using place = await folder()
    const file = path.join(place.path, 'guichet.db')
    {
      await using db = openDatabase({ path: file })
      const ledger = new SqliteLedger(db)
      for (let at = 0; at < 2_000; at += 1) {
        await ledger.record({
          atMs: at,
          requestId: `request-${at}`,
          key: 'owner',
          door: 'admin',
          verb: 'admin',
          target: 'x'.repeat(60),
          decision: 'allow',
          reason: '',
        })
      }
    }
    {
      await using handle = await open(file, 'r+')
      const { size } = await handle.stat()
      await handle.write(Buffer.alloc(8_192, 0xff), 0, 8_192, size - 16_384)
    }
    let problems: readonly string[] = []
    try {
      problems = inspectDatabase(file).problems
    } catch (failure) {
      problems = [GatewayError.from(failure).message]
    }
    assert.notDeepEqual(problems, [])
    await writeFile(file, 'not a database, but long enough to be looked at '.repeat(40))
    assert.throws(() => inspectDatabase(file), { code: 'invalid' })
    assert.throws(() => inspectDatabase(path.join(place.path, 'none.db')), { code: 'internal' })
  })
})

async function folder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const made = await mkdtemp(path.join(tmpdir(), 'guichet-inspect-'))
  return { path: made, [Symbol.asyncDispose]: () => rm(made, { recursive: true, force: true }) }
}
