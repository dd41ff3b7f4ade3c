import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { ROOT, VERBS } from '@guichet/core'
import { sampleEntry } from '@guichet/testkit'
import { type Answer, type Counter, openCounter } from './counter.testing.ts'

/** What makes the ledger unwritable, at the place where SQLite meets it; gives what ends the fault. */
const FAULTS: Readonly<Record<string, (counter: Counter) => Promise<() => void>>> = {
  async 'a full disk'({ database, ledger }) {
    database.prepare('PRAGMA max_page_count = 1').get()
    const filler = { ...ENTRY, target: 'x'.repeat(3_000) }
    // What is left of the last page is filled, so that not even the smallest entry fits.
    for (let isFull = false; !isFull; )
      isFull = await ledger.record(filler).then(
        () => false,
        () => true,
      )
    for (let isFull = false; !isFull; )
      isFull = await ledger.record(ENTRY).then(
        () => false,
        () => true,
      )
    return () => void database.prepare('PRAGMA max_page_count = 4294967294').get()
  },
  async 'a database that is read-only'({ database }) {
    database.prepare('PRAGMA query_only = ON').run()
    return () => void database.prepare('PRAGMA query_only = OFF').run()
  },
  async 'a database that another program holds'({ databasePath, database }) {
    database.prepare('PRAGMA busy_timeout = 20').get()
    const other = new DatabaseSync(databasePath)
    other.exec('BEGIN IMMEDIATE')
    return () => other.close()
  },
}

const ENTRY = sampleEntry(1)

describe('a ledger that cannot be written', () => {
  for (const [name, begin] of Object.entries(FAULTS)) {
    it(`stops all with ${name}: nothing reaches 1fichier, and all goes on after (K17) (R2) (R6)`, async () => {
      await using counter = await openCounter()
      const { link } = counter.account.plant(ROOT, 'file', Buffer.from('x'), 1e12)
      const { text } = await counter.key({ verbs: VERBS })
      await counter.native(text, 'folder/ls', {})
      counter.calls()
      const before = await counter.ledger.head()
      const end = await begin(counter)
      const recorded = await counter.ledger.count()
      for (const answer of await askAll(counter, text, `https://1fichier.com/?${link.id}`)) {
        assert.ok(answer.status >= 500, answer.text)
        assert.match(answer.text, /the ledger cannot be written/)
      }
      assert.deepEqual(counter.calls(), [])
      assert.deepEqual(await counter.spooled(), [])
      assert.equal(await counter.ledger.count(), recorded)
      end()
      assert.equal((await counter.native(text, 'folder/mkdir', { name: 'after' })).status, 200)
      assert.ok((await counter.ledger.head()).size > before.size)
    })
  }
})

function askAll(counter: Counter, key: string, url: string): Promise<readonly Answer[]> {
  return Promise.all([
    counter.native(key, 'folder/ls', {}),
    counter.native(key, 'folder/mkdir', { name: 'x' }),
    counter.native(key, 'file/rm', { files: [{ url }] }),
    counter.native(key, 'download/get_token', { url }),
    counter.native(key, 'user/info'),
    counter.native('nobody', 'folder/ls', {}),
    counter.api(key, 'GET', '/content?at=/file'),
    counter.api(undefined, 'GET', '/keys'),
    counter.api(undefined, 'GET', '/ledger'),
    counter.ask({ method: 'PUT', path: '/api/v1/content?at=/new', key, body: 'x' }),
  ])
}
