import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { sampleEntry, sampleFile, sampleKey, sampleListing } from '@guichet/testkit'
import { type Database, openDatabase } from './database.ts'
import { SqliteKeyStore, SqliteLedger, SqliteTree } from './index.ts'

describe('a database of a home', () => {
  it('keeps what was written after it is closed and opened again', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'guichet.db')
    {
      await using db = openDatabase({ path })
      await new SqliteKeyStore(db).add(sampleKey(1), 'hash')
    }
    await using db = openDatabase({ path })
    assert.deepEqual(await new SqliteKeyStore(db).byHash('hash', 0), {
      key: sampleKey(1),
      untilMs: undefined,
    })
  })

  it('syncs every commit to the disk, in WAL mode', async () => {
    await using folder = await temporaryFolder()
    await using db = openDatabase({ path: join(folder.path, 'guichet.db') })
    assert.equal(pragma(db, 'journal_mode'), 'wal')
    assert.equal(pragma(db, 'synchronous'), 2)
    assert.equal(pragma(db, 'foreign_keys'), 1)
  })

  it('is readable by its owner only, side files included', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'guichet.db')
    writeFileSync(path, '', { mode: 0o644 })
    await using db = openDatabase({ path })
    await new SqliteKeyStore(db).add(sampleKey(1), 'hash')
    for (const name of readdirSync(folder.path)) {
      assert.equal(statSync(join(folder.path, name)).mode & 0o777, 0o600, name)
    }
  })

  it('refuses a file that is no database, and leaves it as it is', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'guichet.db')
    const text = 'these are the notes of somebody else. '.repeat(200)
    writeFileSync(path, text)
    assert.throws(() => openDatabase({ path }), {
      code: 'invalid',
      message: /is not a database/,
      hint: /move/,
    })
    assert.equal(readFileSync(path, 'utf8'), text)
  })

  it('refuses the database of another program, and leaves it as it is', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'guichet.db')
    const foreign = new DatabaseSync(path)
    foreign.exec('CREATE TABLE bookmarks (url TEXT)')
    foreign.close()
    const before = readFileSync(path)
    assert.throws(() => openDatabase({ path }), { code: 'invalid', message: /another program/, hint: /move/ })
    assert.deepEqual(readFileSync(path), before)
    assert.equal(existsSync(`${path}-wal`), false)
  })

  it('refuses a database of a newer version', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'guichet.db')
    await openDatabase({ path })[Symbol.asyncDispose]()
    const newer = new DatabaseSync(path)
    newer.exec('PRAGMA user_version = 999')
    newer.close()
    assert.throws(() => openDatabase({ path }), {
      code: 'invalid',
      message: /newer version.*999/,
      hint: /install/,
    })
  })

  it('says that a file is damaged', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'guichet.db')
    await openDatabase({ path })[Symbol.asyncDispose]()
    const bytes = readFileSync(path)
    bytes.fill(0xff, 100, bytes.length)
    writeFileSync(path, bytes)
    assert.throws(() => openDatabase({ path }), { code: 'internal', message: /damaged/, hint: /copy/ })
  })

  it('says where it cannot write', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'missing', 'guichet.db')
    assert.throws(() => openDatabase({ path }), {
      code: 'internal',
      message: /cannot be opened for writing/,
      hint: /directory/,
    })
  })

  it('brings the schema of every earlier version up to date (R11)', async () => {
    const migrations = new URL('./migrations/', import.meta.url)
    const names = readdirSync(migrations).sort()
    for (let version = 1; version <= names.length; version += 1) {
      await using folder = await temporaryFolder()
      const path = join(folder.path, 'guichet.db')
      const old = new DatabaseSync(path)
      for (const name of names.slice(0, version)) old.exec(readFileSync(new URL(name, migrations), 'utf8'))
      old.exec(`PRAGMA application_id = ${0x47554943}; PRAGMA user_version = ${version}`)
      old.close()
      await using db = openDatabase({ path })
      assert.equal(pragma(db, 'user_version'), names.length)
      await new SqliteLedger(db).count()
    }
  })

  it('says disk-full when the disk is full, and has changed nothing (R6)', async () => {
    await using folder = await temporaryFolder()
    await using db = openDatabase({ path: join(folder.path, 'guichet.db') })
    const tree = new SqliteTree(db)
    await tree.applyListing(sampleListing(0, { files: [sampleFile('before')] }), 1, 1)
    db.prepare('PRAGMA max_page_count = 1').get()
    const files = Array.from({ length: 2_000 }, (_, index) => sampleFile(`file${index}`))
    await assert.rejects(tree.applyListing(sampleListing(0, { files }), 2, 2), {
      code: 'disk-full',
      hint: /space/,
    })
    assert.deepEqual(await tree.counts(), { folders: 0, files: 1 })
    assert.equal((await tree.folder(sampleListing(0).id))?.listedMs, 1)
    db.prepare('PRAGMA max_page_count = 4294967294').get()
    await tree.applyListing(sampleListing(0, { files }), 3, 3)
    assert.deepEqual(await tree.counts(), { folders: 0, files: 2_000 })
  })

  it('says unavailable once it is closed', async () => {
    const db = openDatabase({ path: ':memory:' })
    const tree = new SqliteTree(db)
    await db[Symbol.asyncDispose]()
    await db[Symbol.asyncDispose]()
    await assert.rejects(tree.counts(), { code: 'unavailable' })
  })
})

describe('the ledger in SQLite', () => {
  it('refuses to change or remove an entry, whoever asks', async () => {
    await using db = openDatabase({ path: ':memory:' })
    const ledger = new SqliteLedger(db)
    await ledger.record(ENTRY)
    for (const sql of [
      "UPDATE ledger SET decision = 'deny'",
      'DELETE FROM ledger',
      `REPLACE INTO ledger SELECT sequence, 0, '', '', '', '', '', '', '', x'' FROM ledger`,
    ]) {
      assert.throws(
        () => db.prepare(sql).run(),
        ({ cause }) => /append-only/.test(String(cause)),
        sql,
      )
    }
    assert.deepEqual(await ledger.recent(2), [ENTRY])
  })

  it('acknowledges nothing before the disk has it, and holds up nobody meanwhile (R6)', async () => {
    await using folder = await temporaryFolder()
    const syncs: (() => void)[] = []
    const sync = () => new Promise<void>((resolve) => void syncs.push(resolve))
    await using db = openDatabase({ path: join(folder.path, 'guichet.db'), sync })
    const ledger = new SqliteLedger(db)
    const acknowledged: number[] = []
    const record = (number: number): Promise<void> =>
      ledger.record({ ...ENTRY, atMs: number }).then(() => void acknowledged.push(number))
    const first = record(1)
    await turns()
    assert.equal(syncs.length, 1)
    const rest = [record(2), record(3)]
    await new SqliteKeyStore(db).add(sampleKey(1), 'hash')
    assert.deepEqual(acknowledged, [])
    assert.equal((await ledger.head()).size, 0, 'the tree is that of what is on the disk')
    syncs[0]?.()
    await first
    await turns()
    assert.deepEqual([acknowledged, syncs.length], [[1], 2])
    assert.equal(pragma(db, 'synchronous'), 2, 'everybody else still waits for the disk')
    syncs[1]?.()
    await Promise.all(rest)
    assert.deepEqual([acknowledged, (await ledger.head()).size], [[1, 2, 3], 3])
  })

  it('records nothing any more once the disk has failed to take an entry (R6)', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'guichet.db')
    {
      let isBroken = false
      const sync = async () => {
        if (isBroken) throw Object.assign(new Error('i/o error'), { code: 'EIO' })
      }
      await using db = openDatabase({ path, sync })
      const ledger = new SqliteLedger(db)
      await ledger.record(ENTRY)
      isBroken = true
      const failed = await Promise.allSettled([ledger.record(ENTRY), ledger.record(ENTRY)])
      isBroken = false
      for (const result of [...failed, ...(await Promise.allSettled([ledger.record(ENTRY)]))]) {
        assert.ok(result.status === 'rejected')
        assert.match(result.reason.message, /the disk failed/)
        assert.match(result.reason.hint, /start the gateway again/)
      }
    }
    await using db = openDatabase({ path })
    await new SqliteLedger(db).record(ENTRY)
  })

  it('writes the calls of one turn of the event loop in one transaction', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'guichet.db')
    await using db = openDatabase({ path })
    const ledger = new SqliteLedger(db)
    const before = statSync(`${path}-wal`).size
    await Promise.all(Array.from({ length: 50 }, () => ledger.record(ENTRY)))
    const growth = statSync(`${path}-wal`).size - before
    assert.ok(growth < 10 * 4_200, `50 entries grew the log by ${growth} bytes`)
  })

  it('refuses every call of a turn that could not be written', async () => {
    await using db = openDatabase({ path: ':memory:' })
    const ledger = new SqliteLedger(db)
    await ledger.record(ENTRY)
    db.prepare('PRAGMA max_page_count = 1').get()
    const long = { ...ENTRY, target: 'x'.repeat(100_000) }
    const results = await Promise.allSettled([ledger.record(ENTRY), ledger.record(long)])
    assert.deepEqual(
      results.map((result) => (result.status === 'rejected' ? result.reason.code : 'recorded')),
      ['disk-full', 'disk-full'],
    )
    assert.equal(await ledger.count(), 1)
  })

  it('bounds how many entries wait', async () => {
    await using db = openDatabase({ path: ':memory:' })
    const ledger = new SqliteLedger(db)
    const results = await Promise.allSettled(Array.from({ length: 10_001 }, () => ledger.record(ENTRY)))
    const refused = results.filter((result) => result.status === 'rejected')
    assert.deepEqual(
      refused.map((result) => result.reason.code),
      ['unavailable'],
    )
  })
})

const ENTRY = sampleEntry(1)

async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => void setImmediate(resolve))
}

function pragma(db: Database, name: string): unknown {
  return db.prepare<Readonly<Record<string, unknown>>>(`PRAGMA ${name}`).get()?.[name]
}

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'guichet-db-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
