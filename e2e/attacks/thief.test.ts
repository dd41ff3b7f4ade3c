import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { cp, mkdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { searchFor } from '../leaks.ts'
import { call, type Stand, startStand } from '../stand.ts'

describe('a thief', () => {
  let stand: Stand
  let key: string
  before(async () => {
    stand = await startStand()
    key = (await stand.issue('all')).key
    await stand.emulator.account.putFile('/plans/secret plan.txt', Buffer.from('a plan'))
    assert.equal((await call(stand, key, 'folder/ls', { folder_id: 0, files: 1 })).status, 200)
    assert.equal((await stand.guichet(['ls', '-R', '/'])).code, 0)
  })
  after(() => stand[Symbol.asyncDispose]())

  async function steal(names: readonly string[], into: string): Promise<string> {
    const loot = path.join(stand.work, into)
    await mkdir(loot, { mode: 0o700 })
    for (const name of names) await cp(path.join(stand.home, name), path.join(loot, name))
    return loot
  }

  it('of the database finds no key in it, whole or in part, in any encoding (K13)', async () => {
    const loot = await steal(['guichet.db', 'guichet.db-wal'], 'loot-db')
    for (const secret of [key, stand.emulator.apiKey]) {
      const search = searchFor(secret)
      await search.directory(loot)
      assert.deepEqual(search.leaks, [])
      assert.ok(search.looked.bytes > 10_000)
    }
  })

  it('of the database cannot even tell whether a text is a key: the hashes are keyed by what is not in it (K13)', async () => {
    const loot = await steal(['guichet.db', 'guichet.db-wal'], 'loot-hashes')
    const db = new DatabaseSync(path.join(loot, 'guichet.db'))
    const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()
    const content = tables
      .map(({ name }) => JSON.stringify(db.prepare(`SELECT * FROM "${String(name)}"`).all()))
      .join('\n')
    db.close()
    const pepper = Buffer.from((await readFile(path.join(stand.home, 'keys.pepper'), 'utf8')).trim(), 'hex')
    const hashes = [
      ...['sha1', 'sha256', 'sha512', 'md5'].map((name) => createHash(name).update(key)),
      ...['', 'guichet', 'pepper', '0'.repeat(64)].map((word) => createHmac('sha256', word).update(key)),
      createHmac('sha256', Buffer.alloc(32)).update(key),
    ].map((hash) => hash.digest())
    for (const hash of hashes) {
      assert.ok(!content.includes(hash.toString('hex')))
      assert.ok(!content.includes(hash.toString('base64').slice(0, 20)))
    }
    const real = createHmac('sha256', pepper).update(key).digest('hex')
    assert.ok(content.includes(real), 'with the pepper, which is a file of its own, it could be told')
    assert.ok(
      content.includes('secret plan.txt'),
      'names of files can be read: that is what such a thief has',
    )
  })

  it('of the whole home but not of the unlock file opens no vault (K1)', async (test) => {
    const loot = path.join(stand.work, 'loot-home')
    await cp(stand.home, loot, { recursive: true, filter: (name) => !name.includes('/run') })
    const search = searchFor(stand.emulator.apiKey)
    await search.directory(loot)
    assert.deepEqual(search.leaks, [])
    const beganMs = performance.now()
    const ran = await stand.guichet(
      ['serve', '--listen', '127.0.0.1:0', '--unlock-file', path.join(stand.home, 'keys.pepper')],
      {
        env: { GUICHET_HOME: loot },
      },
    )
    test.diagnostic(`one wrong secret in ${Math.round(performance.now() - beganMs)} ms, start included`)
    assert.notEqual(ran.code, 0)
    assert.match(ran.stderr, /does not open the vault/)
    assert.ok(!(ran.stdout + ran.stderr).includes(stand.emulator.apiKey))
    await rm(loot, { recursive: true })
  })
})
