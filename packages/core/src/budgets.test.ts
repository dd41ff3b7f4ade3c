import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  type Budget,
  type BudgetHolder,
  budgetText,
  currentSpend,
  MEASURES,
  parseBudgets,
  parseBytes,
  type Reserved,
  reserve,
  roomFor,
  type Spend,
  settle,
  spendName,
  WINDOWS,
  windowEnd,
  windowStart,
} from './budgets.ts'
import { DAY_MS, HOUR_MS } from './clock.ts'
import { parseKeyId } from './ids.ts'

const CHILD = parseKeyId('k-childkey')
const PARENT = parseKeyId('k-parentky')
const NOON = Date.UTC(2026, 1, 28, 12, 34, 56)

describe('the text of a budget', () => {
  it('is read as a person writes it (K10)', () => {
    assert.deepEqual(
      parseBudgets(['deletes=100/day', ' down=10GB/month ', 'up=1.5MiB/hour', 'concurrent=4']),
      [
        { measure: 'deletes', max: 100, per: 'day' },
        { measure: 'down', max: 10 * 2 ** 30, per: 'month' },
        { measure: 'up', max: 1.5 * 2 ** 20, per: 'hour' },
        { measure: 'concurrent', max: 4 },
      ],
    )
    assert.equal(parseBytes('1 TiB'), 2 ** 40)
    assert.equal(parseBytes('4096'), 4096)
    assert.equal(parseBytes('lots'), undefined)
  })

  it('is refused with every problem at once (K10)', () => {
    const wrong = ['deletes', 'files=1/day', 'calls=ten/day', 'up=1/year', 'calls=1', 'concurrent=1/day']
    assert.throws(
      () => parseBudgets([...wrong, 'tokens=1/day', 'tokens=2/day']),
      (error: Error & { hint?: string }) => {
        for (const text of [...wrong, 'tokens=2/day']) assert.ok(error.message.includes(`"${text}"`), text)
        assert.match(error.hint ?? '', /deletes=100\/day/)
        return !error.message.includes('"tokens=1/day"')
      },
    )
  })

  it('says of any budget what is read from it', () => {
    const budgets = fc.record({
      measure: fc.constantFrom(...MEASURES),
      max: fc.integer({ min: 0, max: 2 ** 45 }),
      per: fc.constantFrom(...WINDOWS),
    })
    fc.assert(
      fc.property(budgets, ({ measure, max, per }) => {
        const budget: Budget = measure === 'concurrent' ? { measure, max } : { measure, max, per }
        assert.deepEqual(parseBudgets([budgetText(budget)]), [budget])
      }),
    )
  })
})

describe('the window of a budget', () => {
  it('is of the calendar in UTC, and ends where the next one begins (K10)', () => {
    assert.equal(windowStart('hour', NOON), Date.UTC(2026, 1, 28, 12))
    assert.equal(windowStart('day', NOON), Date.UTC(2026, 1, 28))
    assert.equal(windowStart('month', NOON), Date.UTC(2026, 1, 1))
    assert.equal(windowEnd('month', Date.UTC(2026, 1, 1)), Date.UTC(2026, 2, 1))
    assert.equal(windowEnd('month', Date.UTC(2026, 11, 1)), Date.UTC(2027, 0, 1))
    fc.assert(
      fc.property(fc.constantFrom(...WINDOWS), fc.integer({ min: 0, max: 4e12 }), (per, nowMs) => {
        const startMs = windowStart(per, nowMs)
        const endMs = windowEnd(per, startMs) ?? 0
        assert.ok(startMs <= nowMs && nowMs < endMs)
        assert.equal(windowStart(per, endMs), endMs)
        assert.equal(windowStart(per, endMs - 1), startMs)
      }),
    )
  })

  it('does not open again when the clock is set back (K10)', () => {
    const holders: BudgetHolder[] = [{ holder: CHILD, budgets: parseBudgets(['calls=1/day']) }]
    const first = reserve(new Map(), holders, { calls: 1 }, NOON)
    assert.ok(first.kind === 'reserved')
    const again = reserve(first.changed, holders, { calls: 1 }, NOON - 3 * DAY_MS)
    assert.ok(again.kind === 'refused')
    assert.equal(again.refusal.opensMs, Date.UTC(2026, 2, 1))
    assert.equal(reserve(first.changed, holders, { calls: 1 }, NOON + DAY_MS).kind, 'reserved')
  })
})

describe('a reservation', () => {
  const parent: BudgetHolder = { holder: PARENT, budgets: parseBudgets(['deletes=5/day']) }
  const child: BudgetHolder = { holder: CHILD, budgets: parseBudgets(['deletes=10/day', 'deletes=8/hour']) }

  it('counts against every key above, and takes nothing when one of them has too little left (K10)', () => {
    const taken = reserve(new Map(), [child, parent], { deletes: 4 }, NOON)
    assert.ok(taken.kind === 'reserved')
    assert.deepEqual(
      [...taken.changed.values()].map(({ amount }) => amount),
      [4, 4, 4],
    )
    const refused = reserve(taken.changed, [child, parent], { deletes: 2 }, NOON)
    assert.ok(refused.kind === 'refused')
    assert.deepEqual(refused.refusal, {
      holder: PARENT,
      budget: { measure: 'deletes', max: 5, per: 'day' },
      left: 1,
      opensMs: Date.UTC(2026, 2, 1),
    })
  })

  it('says when it never fits', () => {
    const refused = reserve(new Map(), [parent], { deletes: 6 }, NOON)
    assert.ok(refused.kind === 'refused')
    assert.equal(refused.refusal.opensMs, undefined)
  })

  it('gives back what was not used, but nothing to a window that is over (K10)', () => {
    const taken = reserve(new Map(), [child], { deletes: 8 }, NOON)
    assert.ok(taken.kind === 'reserved')
    const book = new Map([...taken.changed, ...settle(taken.changed, taken.reserved, { deletes: 3 })])
    assert.equal(roomFor(book, [child], 'deletes', NOON), 5)
    const later = reserve(book, [child], { deletes: 7 }, NOON + HOUR_MS)
    assert.ok(later.kind === 'reserved')
    const after = new Map([...book, ...later.changed])
    const settled = new Map([...after, ...settle(after, taken.reserved, { deletes: 0 })])
    assert.equal(currentSpend(settled, CHILD, { measure: 'deletes', per: 'hour' }, NOON + HOUR_MS).amount, 7)
  })
})

/** One thing that happens to a gateway. */
type Step =
  | { readonly kind: 'ask'; readonly who: number; readonly amount: number }
  | { readonly kind: 'settle'; readonly which: number; readonly part: number }
  | { readonly kind: 'crash' }
  | { readonly kind: 'wait'; readonly ms: number }

const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('ask' as const), who: fc.nat(2), amount: fc.nat(9) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('settle' as const), which: fc.nat(), part: fc.nat(100) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('wait' as const),
        ms: fc.integer({ min: -HOUR_MS, max: DAY_MS }),
      }),
    },
  ),
  { maxLength: 200 },
)

describe('budgets of keys and their children', () => {
  it('are never passed, whatever is reserved, settled, cut, failed and restarted in whatever order (K10)', () => {
    const limits = fc.record({ hour: fc.nat(20), day: fc.nat(40), above: fc.nat(30) })
    fc.assert(
      fc.property(steps, limits, (happened, { hour, day, above }) => {
        const parent: BudgetHolder = { holder: PARENT, budgets: parseBudgets([`calls=${above}/day`]) }
        const child: BudgetHolder = {
          holder: CHILD,
          budgets: parseBudgets([`calls=${hour}/hour`, `calls=${day}/day`]),
        }
        const lineages = [[parent], [child, parent], [child]]
        const book = new Map<string, Spend>()
        let open: Reserved[][] = []
        /** What was really used, by counter and window. */
        const used = new Map<string, number>()
        let nowMs = NOON
        for (const step of happened) play(step)
        for (const reserved of open) for (const one of reserved) use(one, one.amount)
        for (const [name, amount] of used) {
          const max = name.startsWith(`${PARENT}`) ? above : name.includes(' hour ') ? hour : day
          assert.ok(amount <= max, `${name}: ${amount} of ${max}`)
        }

        function play(step: Step): void {
          if (step.kind === 'wait') nowMs += step.ms
          // Whatever was under way may have been done all the same; nobody settles it any more.
          if (step.kind === 'crash') {
            for (const reserved of open) for (const one of reserved) use(one, one.amount)
            open = []
          }
          if (step.kind === 'ask') {
            const holders = lineages[step.who] ?? []
            const outcome = reserve(book, holders, { calls: step.amount }, nowMs)
            if (outcome.kind === 'refused') {
              assert.ok(step.amount > outcome.refusal.left)
              return
            }
            for (const [name, spend] of outcome.changed) book.set(name, spend)
            open.push([...outcome.reserved])
          }
          if (step.kind === 'settle' && open.length > 0) {
            const [reserved = []] = open.splice(step.which % open.length, 1)
            const calls = Math.floor(((reserved[0]?.amount ?? 0) * step.part) / 100)
            for (const one of reserved) use(one, calls)
            for (const [name, spend] of settle(book, reserved, { calls })) book.set(name, spend)
          }
          for (const [name, { amount }] of book) {
            const holder = name.startsWith(`${PARENT}`) ? parent : child
            const budget = holder.budgets.find((one) => spendName(holder.holder, one) === name)
            assert.ok(amount >= 0 && amount <= (budget?.max ?? -1), name)
          }
        }

        function use({ name, startMs }: Reserved, amount: number): void {
          const window = `${name} ${startMs}`
          used.set(window, (used.get(window) ?? 0) + amount)
        }
      }),
      { numRuns: 300 },
    )
  })
})
