import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LedgerEntry } from '@guichet/core'
import { FakeClock, MemoryWitness, sampleEntry } from '@guichet/testkit'
import fc from 'fast-check'
import { createLog } from '../../log.ts'
import { type Database, openDatabase, SqliteFactStore, SqliteLedger } from '../../stores/sqlite/index.ts'
import { type LedgerCheck, verifyLedger } from './verify.ts'
import { watchLedger } from './watch.ts'

/** So many entries, with checkpoints over these. */
const ENTRIES = 12
const CHECKPOINTS = [3, 8, 12]

describe('a ledger in a database that somebody wrote into', () => {
  it('is whole as long as nobody did (K17)', async () => {
    await using world = await openWorld()
    const { problem, head, checkpoints, last } = await world.verify()
    assert.equal(problem, undefined)
    assert.deepEqual([head.size, checkpoints, last?.size], [ENTRIES, CHECKPOINTS.length, ENTRIES])
  })

  it('names the entry in which any column was changed to anything else (K17)', async () => {
    const change = fc.record({
      column: fc.constantFrom('at_ms', 'request_id', 'key', 'door', 'verb', 'target', 'decision', 'reason'),
      sequence: fc.integer({ min: 1, max: ENTRIES }),
      text: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
      number: fc.constantFrom('0', '-1', '9007199254740993', '9223372036854775807'),
    })
    await fc.assert(
      fc.asyncProperty(change, async ({ column, sequence, text, number }) => {
        await using world = await openWorld()
        const value = column === 'at_ms' ? `CAST(${number} AS INTEGER)` : '?'
        const statement = world.db.prepare(
          `UPDATE ledger SET ${column} = ${value} WHERE sequence = ${sequence}`,
        )
        statement.run(...(column === 'at_ms' ? [] : [`changed ${text}`]))
        const { problem } = await world.verify()
        assert.deepEqual([problem?.kind, problem?.first, problem?.last], ['edited', sequence, sequence])
      }),
      { numRuns: 40 },
    )
  })

  for (const [what, sql, kind, first] of [
    ['an entry that is taken out', 'DELETE FROM ledger WHERE sequence = 5', 'missing', 5],
    ['the end that is cut off', 'DELETE FROM ledger WHERE sequence > 10', 'cut', 11],
    ['an entry far behind the end', `${PUT_IN()} SELECT 1152921504606846976, ${REST()}`, 'missing', 13],
    ['an entry before the first', `${PUT_IN()} SELECT 0, ${REST()}`, 'misplaced', 0],
    ['an entry without a hash', `${PUT_IN()} SELECT 13, ${REST()}`, 'unhashed', 13],
    ['a hash that is another', 'UPDATE ledger SET hashes = zeroblob(32) WHERE sequence = 5', 'edited', 5],
    [
      'hashes that are too many',
      'UPDATE ledger SET hashes = CAST(hashes || zeroblob(32) AS BLOB) WHERE sequence = 5',
      'edited',
      5,
    ],
    [
      'a node that is another',
      'UPDATE ledger SET hashes = CAST(substr(hashes, 1, 32) || zeroblob(32) AS BLOB) WHERE sequence = 6',
      'edited',
      5,
    ],
    ['a checkpoint of another size', 'UPDATE ledger_checkpoints SET size = 7 WHERE size = 8', 'signature', 7],
    [
      'a checkpoint that is no note',
      "UPDATE ledger_checkpoints SET note = 'x' WHERE size = 8",
      'signature',
      8,
    ],
    ['a key that is none', "UPDATE ledger_checkpoints SET verifier_key = 'x' WHERE size = 8", 'signature', 8],
  ] as const) {
    it(`names ${what} (K17)`, async () => {
      await using world = await openWorld()
      world.db.prepare(sql).run()
      const { problem } = await world.verify()
      assert.deepEqual([problem?.kind, problem?.first], [kind, first])
    })
  }

  it('is held against a checkpoint that is kept elsewhere (K17)', async () => {
    await using today = await openWorld()
    const anchors = [{ ...(await today.ledger.head()), source: 'the one on the stick' }]
    assert.equal((await today.verify({ anchors })).problem, undefined)
    await using other = await openWorld('another history')
    const { problem } = await other.verify({ anchors })
    assert.deepEqual([problem?.kind, problem?.first, problem?.last], ['rewritten', 9, 12])
    assert.match(problem?.message ?? '', /entries 9 to 12 were changed after the one on the stick was signed/)
  })

  it('is held against the key that it must be signed with (K17)', async () => {
    await using world = await openWorld()
    const { verifierKey } = await new MemoryWitness().witnessed()
    assert.equal((await world.verify({ verifierKey })).problem, undefined)
    const { problem } = await world.verify({ verifierKey: 'another' })
    assert.match(problem?.message ?? '', /signed with another key/)
  })
})

function PUT_IN(): string {
  return 'INSERT INTO ledger (sequence, at_ms, request_id, key, door, verb, target, decision, reason)'
}

function REST(): string {
  return 'at_ms, request_id, key, door, verb, target, decision, reason FROM ledger WHERE sequence = 1'
}

interface World extends AsyncDisposable {
  readonly db: Database
  readonly ledger: SqliteLedger
  verify(check?: Partial<LedgerCheck>): ReturnType<typeof verifyLedger>
}

/** A ledger with its checkpoints, whose triggers are gone. */
async function openWorld(target = '/folder'): Promise<World> {
  const db = openDatabase({ path: ':memory:' })
  const ledger = new SqliteLedger(db)
  const options = {
    book: ledger,
    facts: new SqliteFactStore(db),
    witness: new MemoryWitness(),
    clock: new FakeClock(),
    log: createLog('silent'),
  }
  for (const size of CHECKPOINTS) {
    const from = await ledger.count()
    await Promise.all(
      Array.from({ length: size - from }, (_, index) => ledger.record(entry(from + index, target))),
    )
    await (await watchLedger(options))[Symbol.asyncDispose]()
  }
  for (const name of ['keeps_entries', 'loses_nothing', 'keeps_checkpoints', 'loses_no_checkpoint'])
    db.prepare(`DROP TRIGGER ledger_${name}`).run()
  return {
    db,
    ledger,
    verify: (check) => verifyLedger({ source: ledger, ...check }),
    [Symbol.asyncDispose]: () => db[Symbol.asyncDispose](),
  }
}

const entry = (number: number, target: string): LedgerEntry => sampleEntry(number, { target })
