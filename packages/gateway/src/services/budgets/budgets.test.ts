import assert from 'node:assert/strict'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { type BudgetStore, DAY_MS, GatewayError, parseBudgets, parseKeyId, ROOT } from '@guichet/core'
import { FakeClock } from '@guichet/testkit'
import fc from 'fast-check'
import { createLog } from '../../log.ts'
import { type Database, openDatabase, SqliteBudgetStore, SqliteLedger } from '../../stores/sqlite/index.ts'
import { createGate } from '../gate.ts'
import { OWNER } from '../principals.ts'
import type { Budgets, Use } from './budgets.ts'
import { openBudgets } from './durable-budgets.ts'

const KEY = parseKeyId('k-aaaaaaaa')
const ABOVE = parseKeyId('k-bbbbbbbb')

describe('budgets on disk', () => {
  it('are neither forgotten nor passed over a crash at any moment (K10)', async () => {
    await using world = await openWorld()
    const budgets = await world.open()
    const use = world.use('calls=10/day')
    const [first, second] = [
      await budgets.reserve(use, { calls: 4 }),
      await budgets.reserve(use, { calls: 3 }),
    ]
    first.settle({ calls: 1 })
    // What was reserved and never settled counts as spent; `first` was settled in memory alone, which only is careful.
    const revived = await world.crash()
    await assert.rejects(revived.reserve(use, { calls: 7 }), { code: 'over-budget' })
    await revived.reserve(use, { calls: 3 })
    second.settle({ calls: 0 })
    const [spent] = revived.spendsOf(KEY, use.caller.principal.limits.budgets ?? [])
    assert.equal(spent?.spend.amount, 10)
  })

  it('are exact after a stop in good order (K10)', async () => {
    await using world = await openWorld()
    const budgets = await world.open()
    const use = world.use('down=1GB/month', 'down=1GB/day')
    const download = await budgets.reserve(use, { down: 5_000 })
    download.settle({ down: 1_234 })
    await budgets[Symbol.asyncDispose]()
    const amounts = (await world.open()).spendsOf(KEY, use.caller.principal.limits.budgets ?? [])
    assert.deepEqual(
      amounts.map(({ spend }) => spend.amount),
      [1_234, 1_234],
    )
  })

  it('are on disk when a reservation resolves, and at most a hundredth ahead of it (K10)', async () => {
    await using world = await openWorld()
    const budgets = await world.open()
    const use = world.use('calls=1000/day')
    for (let calls = 1; calls <= 40; calls += 1) {
      await budgets.reserve(use, { calls: 1 })
      const amount = [...(await world.store.load()).values()][0]?.amount ?? 0
      assert.ok(amount >= calls && amount <= calls + 10, `${amount} after ${calls}`)
    }
  })

  it('refuse everything, and count nothing, when the disk refuses (K10)', async () => {
    await using world = await openWorld()
    const broken: BudgetStore = {
      load: async () => new Map(),
      save: async () => {
        throw new GatewayError('disk-full', 'no space left')
      },
    }
    const budgets = await world.open(broken)
    const use = world.use('calls=2/day')
    await assert.rejects(budgets.reserve(use, { calls: 2 }), { code: 'disk-full' })
    assert.equal(budgets.spendsOf(KEY, use.caller.principal.limits.budgets ?? [])[0]?.spend.amount, 0)
  })

  it('outlive a raised limit and count against the keys above by their present limits (K10)', async () => {
    await using world = await openWorld()
    const budgets = await world.open()
    await budgets.reserve(world.use('calls=2/day'), { calls: 2 })
    await assert.rejects(budgets.reserve(world.use('calls=2/day'), { calls: 1 }), { code: 'over-budget' })
    await budgets.reserve(world.use('calls=3/day'), { calls: 1 })

    const child = world.use()
    const above = {
      key: ABOVE,
      name: 'above',
      root: ROOT,
      limits: { budgets: parseBudgets(['deletes=1/day']) },
    }
    const under: Use = {
      ...child,
      caller: { ...child.caller, principal: { ...child.caller.principal, ancestors: [above] } },
    }
    await budgets.reserve(under, { deletes: 1 })
    await assert.rejects(
      budgets.reserve(under, { deletes: 1 }),
      /a key above "backup" has the budget deletes=1\/day/,
    )
  })

  it('tell which budget, how much is left and when it opens, and the ledger of it (K10)', async () => {
    await using world = await openWorld()
    const budgets = await world.open()
    const use = world.use('deletes=5/day')
    await budgets.reserve(use, { deletes: 3 })
    const refusal = await budgets.reserve(use, { deletes: 3 }).catch(GatewayError.from)
    assert.ok(refusal instanceof GatewayError)
    assert.equal(
      refusal.message,
      'the key "backup" has the budget deletes=5/day; 2 are left, and this takes 3',
    )
    assert.match(refusal.hint ?? '', /it opens again 2026-01-02T00:00:00Z/)
    assert.equal(refusal.retryAfterMs, DAY_MS)
    const [line] = await world.ledger.recent(1)
    assert.deepEqual([line?.key, line?.decision, line?.verb], [KEY, 'deny', 'delete'])
    assert.match(
      ((await budgets.reserve(use, { deletes: 6 }).catch(GatewayError.from)) as GatewayError).hint ?? '',
      /never fits/,
    )
  })

  it('are never passed by streams of unknown length, which may use them to their last byte (K10)', async () => {
    const streams = fc.array(fc.array(fc.integer({ min: 1, max: 3_000_000 }), { maxLength: 20 }), {
      maxLength: 6,
    })
    await fc.assert(
      fc.asyncProperty(streams, fc.integer({ min: 0, max: 20_000_000 }), async (lengths, max) => {
        await using world = await openWorld(':memory:')
        const budgets = await world.open()
        const use = world.use(`up=${max}/day`)
        let passed = 0
        await Promise.all(
          lengths.map(async (chunks) => {
            const meter = await budgets.meter(use, 'up')
            try {
              for (const chunk of chunks) {
                await meter.take(chunk)
                passed += chunk
              }
            } catch (failure) {
              assert.equal(GatewayError.from(failure).code, 'over-budget')
            } finally {
              meter.end()
            }
          }),
        )
        assert.ok(passed <= max)
        const spent = budgets.spendsOf(KEY, use.caller.principal.limits.budgets ?? [])[0]?.spend.amount
        assert.equal(spent, passed)
        const last = await budgets.meter(use, 'up')
        if (max > passed) await last.take(max - passed)
        await assert.rejects(last.take(1), { code: 'over-budget' })
      }),
      { numRuns: 30 },
    )
  })
})

interface World extends AsyncDisposable {
  readonly store: SqliteBudgetStore
  readonly ledger: SqliteLedger
  open(store?: BudgetStore): Promise<Budgets>
  /** The budgets as they are found by the next process when this one is killed now. */
  crash(): Promise<Budgets>
  use(...texts: readonly string[]): Use
}

async function openWorld(kind: ':memory:' | 'file' = 'file'): Promise<World> {
  await using opened = new AsyncDisposableStack()
  const directory = await mkdtemp(path.join(tmpdir(), 'budgets-'))
  opened.defer(() => rm(directory, { recursive: true, force: true }))
  const clock = new FakeClock()
  const file = path.join(directory, 'guichet.db')
  const db = opened.use(openDatabase({ path: kind === 'file' ? file : kind }))
  const [store, ledger] = [new SqliteBudgetStore(db), new SqliteLedger(db)]
  const gate = createGate({ ledger, clock, log: createLog('silent') })
  let copies = 0
  const openFrom = (from: BudgetStore): Promise<Budgets> =>
    openBudgets({ store: from, gate, clock, ofOwner: [] })
  const owned = opened.move()
  return {
    store,
    ledger,
    open: (from = store) => openFrom(from),
    async crash() {
      copies += 1
      const copy = path.join(directory, `copy-${copies}.db`)
      await copyFile(file, copy)
      await copyFile(`${file}-wal`, `${copy}-wal`)
      const found: Database = owned.use(openDatabase({ path: copy }))
      return openFrom(new SqliteBudgetStore(found))
    },
    use: (...texts) => ({
      caller: {
        principal: { ...OWNER, key: KEY, name: 'backup', limits: { budgets: parseBudgets(texts) } },
        door: 'native',
        requestId: 'test',
      },
      verb: 'delete',
      target: 'something',
    }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
