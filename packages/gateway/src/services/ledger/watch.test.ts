import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GatewayError, MINUTE_MS, SECOND_MS } from '@guichet/core'
import { FakeClock, MemoryWitness, sampleEntry } from '@guichet/testkit'
import { createLog } from '../../log.ts'
import { openDatabase, SqliteFactStore, SqliteLedger } from '../../stores/sqlite/index.ts'
import { createGate } from '../gate.ts'
import { OWNER } from '../principals.ts'
import { ACCEPTED_FACT, KEEP_AFTER, type LedgerWatch, SHOW_EVERY_MS, watchLedger } from './watch.ts'

describe('the watch over the ledger', () => {
  it('shows the ledger at the start and keeps the checkpoint (K17)', async () => {
    await using world = openWorld()
    await record(world.book, 3)
    await using watch = await world.watch()
    assert.equal((await world.book.lastCheckpoint())?.size, 3)
    assert.equal(watch.distrust, undefined)
    await watch.requireWitness()
  })

  it('shows what is new within seconds, and asks for nothing when nothing is (R7)', async () => {
    await using world = openWorld()
    await using _watch = await world.watch()
    await record(world.book, 1)
    await world.clock.advance(SHOW_EVERY_MS)
    assert.equal(world.witness.known.size, 1)
    await record(world.book, 2)
    await world.clock.advance(SHOW_EVERY_MS)
    assert.equal(world.witness.known.size, 3)
    const { asked } = world.witness
    await world.clock.advance(4 * MINUTE_MS)
    assert.equal(world.witness.asked, asked)
  })

  it('keeps a checkpoint after a thousand entries, and for one entry after five minutes (K17)', async () => {
    await using world = openWorld()
    const kept = async (): Promise<readonly number[]> =>
      (await world.book.checkpoints(0, 99)).map(({ size }) => size)
    await record(world.book, 1)
    await using _watch = await world.watch()
    await record(world.book, KEEP_AFTER.entries - 1)
    await world.clock.advance(10 * SECOND_MS)
    assert.deepEqual(await kept(), [1])
    await record(world.book, 1)
    await world.clock.advance(10 * SECOND_MS)
    assert.deepEqual(await kept(), [1, 1_001])
    await record(world.book, 1)
    await world.clock.advance(4 * MINUTE_MS)
    assert.deepEqual(await kept(), [1, 1_001])
    await world.clock.advance(MINUTE_MS + 10 * SECOND_MS)
    assert.deepEqual(await kept(), [1, 1_001, 1_002])
    await world.clock.advance(60 * MINUTE_MS)
    assert.deepEqual(await kept(), [1, 1_001, 1_002])
  })

  it('keeps a last checkpoint when the gateway stops (K17)', async () => {
    await using world = openWorld()
    {
      await using _watch = await world.watch()
      await record(world.book, 5)
      await world.clock.advance(SHOW_EVERY_MS)
      await record(world.book, 1)
    }
    assert.equal((await world.book.lastCheckpoint())?.size, 6)
    assert.equal(world.witness.known.size, 6)
    assert.equal(world.clock.sleeping, 0)
  })

  it('waits for a sealed keyholder, and lets nothing out with the key before it has seen the ledger (K17)', async () => {
    await using world = openWorld()
    world.witness.isSealed = true
    await record(world.book, 2)
    await using watch = await world.watch()
    assert.equal(watch.refusal(), undefined)
    await assert.rejects(watch.requireWitness(), { code: 'sealed' })
    await world.clock.advance(MINUTE_MS)
    assert.equal(await world.book.lastCheckpoint(), undefined)
    world.witness.isSealed = false
    await watch.requireWitness()
    assert.equal((await world.book.lastCheckpoint())?.size, 2)
  })

  it('notices an old database that was put back, at the next start, and refuses service (R7)', async () => {
    await using today = openWorld()
    await record(today.book, 9)
    await (await today.watch())[Symbol.asyncDispose]()
    await using yesterday = openWorld(today.witness)
    await record(yesterday.book, 4)
    await using watch = await yesterday.watch()
    assert.equal(watch.distrust?.alarm, 'ledger-cut')
    await refusesAll(yesterday, watch)
  })

  it('notices it at the first use after the unseal, when it was sealed at the start (R7)', async () => {
    await using today = openWorld()
    await record(today.book, 9)
    await (await today.watch())[Symbol.asyncDispose]()
    await using yesterday = openWorld(today.witness)
    today.witness.isSealed = true
    await using watch = await yesterday.watch()
    today.witness.isSealed = false
    await assert.rejects(watch.requireWitness(), {
      code: 'unavailable',
      facts: { alarm: 'ledger-cut', sent: false },
    })
  })

  it('notices an old database that has gone on in another way (R7)', async () => {
    await using today = openWorld()
    await record(today.book, 9)
    await (await today.watch())[Symbol.asyncDispose]()
    await using other = openWorld(today.witness)
    await record(other.book, 20, 'other')
    await using watch = await other.watch()
    assert.equal(watch.distrust?.alarm, 'ledger-rewritten')
  })

  it('notices an entry that was changed past the triggers, by going over all of them (K17)', async () => {
    await using world = openWorld()
    await record(world.book, 1_200)
    edit(world, 3)
    await using watch = await world.watch()
    assert.equal(watch.refusal(), undefined)
    await world.clock.advance(SECOND_MS)
    assert.equal(watch.distrust?.alarm, 'ledger-edited')
    assert.match(watch.distrust?.message ?? '', /entry 3/)
    await refusesAll(world, watch)
  })

  it('notices a checkpoint that is not what was signed (K17)', async () => {
    await using world = openWorld()
    await record(world.book, 2)
    await (await world.watch())[Symbol.asyncDispose]()
    world.db.prepare('DROP TRIGGER ledger_keeps_checkpoints').run()
    world.db.prepare("UPDATE ledger_checkpoints SET note = replace(note, 'of-tests', 'of-a-thief')").run()
    await record(world.book, 1)
    await using watch = await world.watch()
    await world.clock.advance(SECOND_MS)
    assert.equal(watch.distrust?.alarm, 'ledger-signature')
  })

  it('is content with what the owner has accepted, and with nothing after it', async () => {
    await using world = openWorld()
    await record(world.book, 10)
    edit(world, 3)
    await new SqliteFactStore(world.db).put(ACCEPTED_FACT, 5, 0)
    {
      await using watch = await world.watch()
      await world.clock.advance(SECOND_MS)
      assert.equal(watch.distrust, undefined)
    }
    edit(world, 7)
    await using watch = await world.watch()
    await world.clock.advance(SECOND_MS)
    assert.match(watch.distrust?.message ?? '', /entry 7/)
  })

  it('takes no part in what is recorded while it goes over the entries', async () => {
    await using world = openWorld()
    await record(world.book, 700)
    await using watch = await world.watch()
    for (let round = 0; round < 5; round += 1) {
      await record(world.book, 600)
      await world.clock.advance(10)
    }
    await world.clock.advance(MINUTE_MS)
    assert.equal(watch.distrust, undefined)
  })
})

interface World extends AsyncDisposable {
  readonly db: ReturnType<typeof openDatabase>
  readonly book: SqliteLedger
  readonly witness: MemoryWitness
  readonly clock: FakeClock
  readonly logged: string[]
  watch(): Promise<LedgerWatch>
}

function openWorld(witness: MemoryWitness = new MemoryWitness()): World {
  const db = openDatabase({ path: ':memory:' })
  const book = new SqliteLedger(db)
  const clock = new FakeClock()
  const logged: string[] = []
  const log = createLog('debug', { write: (line: string) => void logged.push(line) })
  const facts = new SqliteFactStore(db)
  return {
    ...{ db, book, witness, clock, logged },
    watch: () => watchLedger({ book, facts, witness, clock, log }),
    [Symbol.asyncDispose]: () => db[Symbol.asyncDispose](),
  }
}

async function record(book: SqliteLedger, count: number, target = '/'): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => book.record(sampleEntry(1, { target }))))
}

function edit({ db }: World, sequence: number): void {
  db.prepare('DROP TRIGGER IF EXISTS ledger_keeps_entries').run()
  db.prepare("UPDATE ledger SET target = '/something else' WHERE sequence = ?").run(sequence)
}

/** Nothing is done for anybody, it is recorded, and the owner is told why. */
async function refusesAll({ book, clock, logged }: World, watch: LedgerWatch): Promise<void> {
  assert.match(logged.join(''), /"level":50,.*the ledger is not trusted/)
  const log = createLog('silent')
  const gate = createGate({ ledger: book, clock, log, refusal: () => watch.refusal() })
  const caller = { principal: OWNER, door: 'native', requestId: 'after' } as const
  for (const work of [
    () => gate.permit(caller, 'list', '/'),
    () => gate.note(caller, 'stat', '/'),
    () => gate.permitTunnel(OWNER, 'example.org:443', 'after'),
    () => watch.requireWitness(),
  ]) {
    await assert.rejects(work, (error) => {
      assert.ok(error instanceof GatewayError)
      assert.equal(error.code, 'unavailable')
      assert.match(error.message, /^the ledger is not trusted, so nothing is done: /)
      assert.match(error.hint ?? '', /guichet ledger verify/)
      return true
    })
  }
  const denied = (await book.recent(10)).filter(({ requestId }) => requestId === 'after')
  assert.deepEqual(
    denied.map(({ decision }) => decision),
    ['deny', 'deny', 'deny'],
  )
  await gate.permitOwner(caller, 'status')
}
