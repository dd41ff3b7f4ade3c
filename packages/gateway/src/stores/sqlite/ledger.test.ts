import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { hex, LedgerAudit, type LedgerEntry } from '@guichet/core'
import { openDatabase, openReadOnly, SqliteLedger, SqliteLedgerReader } from './index.ts'
import { sha256 } from './ledger-rows.ts'

describe('the ledger of before there was a tree', () => {
  it('is taken into it as it is (K17) (R11)', async () => {
    await using folder = await temporaryFolder()
    const old = oldDatabase(folder.path, 7)
    for (let number = 1; number <= 2_500; number += 1) {
      old
        .prepare('INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
        .run(number, number, `r-${number}`, 'owner', 'api', 'list', `/${number}`, 'allow', '')
    }
    old.close()
    await using db = openDatabase({ path: join(folder.path, 'guichet.db') })
    const ledger = new SqliteLedger(db)
    await using fresh = openDatabase({ path: ':memory:' })
    const same = new SqliteLedger(fresh)
    await Promise.all(Array.from({ length: 2_500 }, (_, index) => same.record(entry(index + 1))))
    assert.equal(hex((await ledger.head()).root), hex((await same.head()).root))
    assert.throws(() => db.prepare("UPDATE ledger SET target = 'x'").run(), appendOnly)
    assert.throws(() => db.prepare("UPDATE ledger SET hashes = x''").run(), appendOnly)
  })

  it('is not taken over when an entry of it is missing', async () => {
    await using folder = await temporaryFolder()
    const old = oldDatabase(folder.path, 7)
    for (const number of [1, 2, 4]) {
      old
        .prepare('INSERT INTO ledger VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?)')
        .run(number, 'r', 'owner', 'api', 'list', '/', 'allow', '')
    }
    old.close()
    assert.throws(() => openDatabase({ path: join(folder.path, 'guichet.db') }), {
      code: 'corrupt',
      message: /has lost entry 3/,
      hint: /copy/,
    })
  })
})

describe('the tree in SQLite', () => {
  it('is not ahead of the entries when they could not be written (K17)', async () => {
    await using db = openDatabase({ path: ':memory:' })
    const ledger = new SqliteLedger(db)
    await ledger.record(entry(1))
    const before = await ledger.head()
    db.prepare('PRAGMA max_page_count = 1').get()
    await assert.rejects(ledger.record({ ...entry(2), target: 'x'.repeat(100_000) }), { code: 'disk-full' })
    assert.deepEqual(await ledger.head(), before)
    db.prepare('PRAGMA max_page_count = 4294967294').get()
    await ledger.record(entry(2))
    assert.equal(audited(await ledger.page(0, 10), 2), undefined)
  })

  it('records nothing once another program has written into the ledger (K17)', async () => {
    await using db = openDatabase({ path: ':memory:' })
    const ledger = new SqliteLedger(db)
    await ledger.record(entry(1))
    db.prepare(
      `INSERT INTO ledger (at_ms, request_id, key, door, verb, target, decision, reason)
       VALUES (1, 'r', 'owner', 'api', 'list', '/', 'allow', '')`,
    ).run()
    await assert.rejects(ledger.record(entry(3)), { code: 'internal' })
    assert.equal(await ledger.count(), 2)
  })

  it('is the same after the database was closed and opened', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'guichet.db')
    for (let number = 1; number <= 9; number += 1) {
      await using db = openDatabase({ path })
      await new SqliteLedger(db).record(entry(number))
    }
    await using db = openDatabase({ path })
    const ledger = new SqliteLedger(db)
    assert.equal(audited(await ledger.page(0, 10), 9), undefined)
    assert.equal((await ledger.head()).size, 9)
  })

  it('does not go on from hashes that are gone, and says so (K17)', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'guichet.db')
    {
      await using db = openDatabase({ path })
      const ledger = new SqliteLedger(db)
      for (let number = 1; number <= 6; number += 1) await ledger.record(entry(number))
      db.prepare('DROP TRIGGER ledger_loses_nothing').run()
      db.prepare('DELETE FROM ledger WHERE sequence = 4').run()
    }
    await using db = openDatabase({ path })
    assert.throws(() => new SqliteLedger(db), { code: 'corrupt', message: /entry 4/, hint: /ledger verify/ })
  })

  it('keeps its checkpoints, whoever asks', async () => {
    await using db = openDatabase({ path: ':memory:' })
    await new SqliteLedger(db).keepCheckpoint({ size: 1, atMs: 1, note: 'note', verifierKey: 'key' })
    assert.throws(() => db.prepare("UPDATE ledger_checkpoints SET note = ''").run(), appendOnly)
    assert.throws(() => db.prepare('DELETE FROM ledger_checkpoints').run(), appendOnly)
    assert.throws(() => db.prepare("REPLACE INTO ledger_checkpoints VALUES (1, 2, '', '')").run(), appendOnly)
  })

  it('loses no acknowledged decision when it is killed, and stays whole (K17) (R6)', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'guichet.db')
    let acknowledged = 0
    for (const lines of [1, 2, 5, 23, 90, 150, 217]) {
      acknowledged = await recordAndKill(path, lines)
      await using db = openDatabase({ path })
      const ledger = new SqliteLedger(db)
      const count = await ledger.count()
      assert.ok(count >= acknowledged, `${count} of ${acknowledged}`)
      const entries = await ledger.page(0, 10_000)
      assert.equal(audited(entries, count), undefined)
      assert.ok(entries.every(({ sequence, requestId }) => requestId === `r-${sequence}`))
    }
  })
})

describe('a ledger that is only looked at', () => {
  it('is read beside the gateway that writes it, and after it', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'guichet.db')
    {
      await using db = openDatabase({ path })
      const ledger = new SqliteLedger(db)
      await ledger.record(entry(1))
      await using looked = openReadOnly(path)
      const reader = new SqliteLedgerReader(looked)
      assert.equal(reader.count(), 1)
      await ledger.record(entry(2))
      assert.equal(reader.count(), 2)
    }
    await chmod(path, 0o400)
    await chmod(folder.path, 0o500)
    const before = readFileSync(path)
    {
      await using looked = openReadOnly(path)
      assert.equal(new SqliteLedgerReader(looked).find({}, 9).length, 2)
      assert.throws(() => looked.prepare('DROP TABLE ledger').run())
    }
    await chmod(folder.path, 0o700)
    assert.deepEqual(readFileSync(path), before)
    assert.deepEqual(readdirSync(folder.path), ['guichet.db'])
  })

  it('is refused when it is of an older version, and left as it is', async () => {
    await using folder = await temporaryFolder()
    oldDatabase(folder.path, 7).close()
    const path = join(folder.path, 'guichet.db')
    const before = readFileSync(path)
    assert.throws(() => openReadOnly(path), { code: 'invalid', message: /older version/, hint: /serve/ })
    assert.deepEqual(readFileSync(path), before)
  })

  it('is refused when there is none', async () => {
    await using folder = await temporaryFolder()
    assert.throws(() => openReadOnly(join(folder.path, 'guichet.db')), { code: 'internal' })
    assert.deepEqual(readdirSync(folder.path), [])
  })
})

const appendOnly = ({ cause }: { cause?: unknown }): boolean => /append-only/.test(String(cause))

function entry(number: number): LedgerEntry {
  return {
    atMs: number,
    requestId: `r-${number}`,
    key: 'owner',
    door: 'api',
    verb: 'list',
    target: `/${number}`,
    decision: 'allow',
    reason: '',
  }
}

function audited(entries: Awaited<ReturnType<SqliteLedger['page']>>, written: number) {
  const audit = new LedgerAudit(sha256, [])
  for (const one of entries) audit.add(one)
  return audit.finish(written).problem
}

function oldDatabase(folder: string, version: number): DatabaseSync {
  const migrations = new URL('./migrations/', import.meta.url)
  const db = new DatabaseSync(join(folder, 'guichet.db'))
  for (const name of readdirSync(migrations).sort().slice(0, version))
    db.exec(readFileSync(new URL(name, migrations), 'utf8'))
  db.exec(`PRAGMA application_id = ${0x47554943}; PRAGMA user_version = ${version}`)
  return db
}

/** Gives the largest number that was acknowledged before the kill. */
async function recordAndKill(path: string, lines: number): Promise<number> {
  const child = spawn(
    process.execPath,
    [...process.execArgv, join(import.meta.dirname, 'ledger-killed.testing.ts'), path],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const exited = new Promise((resolve) => child.once('exit', resolve))
  let acknowledged = 0
  let read = 0
  for await (const line of createInterface(child.stdout)) {
    acknowledged = Math.max(acknowledged, Number(line))
    read += 1
    if (read === lines) child.kill('SIGKILL')
  }
  await exited
  return acknowledged
}

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'guichet-ledger-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
