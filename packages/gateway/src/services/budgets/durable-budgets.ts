import {
  type Amounts,
  type Budget,
  type BudgetHolder,
  type BudgetRefusal,
  type BudgetStore,
  budgetText,
  type Clock,
  currentSpend,
  GatewayError,
  type KeyId,
  type Measure,
  reserve,
  roomFor,
  SECOND_MS,
  settle,
  spendName,
} from '@guichet/core'
import type { Gate } from '../gate.ts'
import type { Principal } from '../principals.ts'
import type { BudgetSpend, Budgets, Meter, Reservation, Use } from './budgets.ts'
import { notWritten, OpenSpendBook } from './spend-book.ts'

/** Bytes of unknown number are reserved in steps of this. */
const STEP_BYTES = 4 * 1024 * 1024
/** Whoever has too much under way is told to come again after so long. */
const COME_AGAIN_MS = SECOND_MS

export interface BudgetsOptions {
  readonly store: BudgetStore
  readonly gate: Pick<Gate, 'deny'>
  readonly clock: Clock
  readonly ofOwner: readonly Budget[]
}

/** Disposing brings the disk down to what was really used; nothing may be under way any more. */
export async function openBudgets(options: BudgetsOptions): Promise<Budgets> {
  return new DurableBudgets(options, new OpenSpendBook(options.store, await options.store.load()))
}

class DurableBudgets implements Budgets {
  readonly #options: BudgetsOptions
  readonly #book: OpenSpendBook

  constructor(options: BudgetsOptions, book: OpenSpendBook) {
    this.#options = options
    this.#book = book
  }

  get ofOwner(): readonly Budget[] {
    return this.#options.ofOwner
  }

  async reserve(use: Use, amounts: Amounts): Promise<Reservation> {
    const holders = this.#holdersOf(use.caller.principal)
    return holders.length === 0 ? NOTHING : this.#reserve(use, holders, amounts)
  }

  async meter(use: Use, measure: 'up' | 'down'): Promise<Meter> {
    const holders = this.#holdersOf(use.caller.principal)
    if (!holders.some((holder) => hasBudget(holder, measure))) return UNMETERED
    let step: Reservation = NOTHING
    let stepBytes = 0
    let usedBytes = 0
    return {
      take: async (bytes) => {
        let missing = bytes - (stepBytes - usedBytes)
        if (missing > 0) {
          // Steps shrink with what is left: one stream does not keep the rest from the others, and all of it can be used.
          const room = roomFor(this.#book.spends, holders, measure, this.#options.clock.nowMs())
          const ahead = Math.max(missing, Math.min(STEP_BYTES, Math.floor(room / 8)))
          const next = await this.#reserve(use, holders, { [measure]: ahead })
          step.settle({ [measure]: stepBytes })
          step = next
          usedBytes = 0
          stepBytes = ahead
        } else {
          missing = bytes
        }
        usedBytes += missing
      },
      end() {
        step.settle({ [measure]: usedBytes })
        step = NOTHING
      },
    }
  }

  counts(spender: Principal, measure: Measure): boolean {
    return this.#holdersOf(spender).some((holder) => hasBudget(holder, measure))
  }

  spendsOf(holder: KeyId | 'owner', budgets: readonly Budget[]): readonly BudgetSpend[] {
    const nowMs = this.#options.clock.nowMs()
    return budgets.map((budget) => ({
      budget,
      spend: currentSpend(this.#book.spends, holder, budget, nowMs),
    }))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#book[Symbol.asyncDispose]()
  }

  async within(holders: readonly BudgetHolder[], amounts: Amounts): Promise<Reservation | undefined> {
    const outcome = await this.#take(holders, amounts)
    return 'settle' in outcome ? outcome : undefined
  }

  async #reserve(use: Use, holders: readonly BudgetHolder[], amounts: Amounts): Promise<Reservation> {
    const outcome = await this.#take(holders, amounts)
    if ('settle' in outcome) return outcome
    const error = overBudget(use, outcome, amounts, this.#options.clock.nowMs())
    throw await this.#options.gate.deny(use, error)
  }

  async #take(holders: readonly BudgetHolder[], amounts: Amounts): Promise<Reservation | BudgetRefusal> {
    const nowMs = this.#options.clock.nowMs()
    // From here to `raise` nothing is waited for: two reservations never see the same room.
    const outcome = reserve(this.#book.spends, holders, amounts, nowMs)
    if (outcome.kind === 'refused') return outcome.refusal
    if (outcome.reserved.length === 0) return NOTHING
    let isSettled = false
    const reservation: Reservation = {
      settle: (used) => {
        if (isSettled) return
        isSettled = true
        this.#book.lower(settle(this.#book.spends, outcome.reserved, used))
      },
    }
    try {
      await this.#book.raise(outcome.changed, (name) => limitOf(holders, name))
    } catch (failure) {
      reservation.settle({})
      throw notWritten(failure)
    }
    return reservation
  }

  /** The key itself first, so that the refusal names its own budget where both are used up. */
  #holdersOf({ key, limits, ancestors = [] }: Principal): readonly BudgetHolder[] {
    const own = key === 'owner' ? this.#options.ofOwner : (limits.budgets ?? [])
    const above = ancestors.map((one) => ({ holder: one.key, budgets: one.limits.budgets ?? [] }))
    return [{ holder: key, budgets: own }, ...above].filter(({ budgets }) => budgets.length > 0)
  }
}

const NOTHING: Reservation = { settle: () => undefined }
const UNMETERED: Meter = { take: async () => undefined, end: () => undefined }

function hasBudget({ budgets }: BudgetHolder, measure: Measure): boolean {
  return budgets.some((budget) => budget.measure === measure)
}

function limitOf(holders: readonly BudgetHolder[], name: string): number {
  for (const { holder, budgets } of holders) {
    for (const budget of budgets) if (spendName(holder, budget) === name) return budget.max
  }
  return 0
}

function overBudget(
  { caller }: Use,
  { holder, budget, left, opensMs }: BudgetRefusal,
  amounts: Amounts,
  nowMs: number,
): GatewayError {
  const { measure, max } = budget
  const wanted = amounts[measure] ?? 0
  const isOwn = holder === caller.principal.key
  const whose = isOwn
    ? `the key "${caller.principal.name}" has`
    : `a key above "${caller.principal.name}" has`
  const retryAfterMs =
    opensMs === undefined
      ? measure === 'concurrent' && max > 0
        ? COME_AGAIN_MS
        : undefined
      : opensMs - nowMs
  return new GatewayError(
    'over-budget',
    `${whose} the budget ${budgetText(budget)}; ${left} are left, and this takes ${wanted}`,
    {
      hint: whenItOpens(budget, opensMs),
      retryAfterMs,
      facts: { budget: budgetText(budget), left, wanted, holder, ...(opensMs !== undefined && { opensMs }) },
    },
  )
}

function whenItOpens({ measure }: Budget, opensMs: number | undefined): string {
  if (opensMs !== undefined) {
    return `it opens again ${new Date(opensMs).toISOString().replace('.000Z', 'Z')}; until then the owner can raise it`
  }
  return measure === 'concurrent'
    ? 'wait until what is under way has ended'
    : 'this never fits into the budget: take less at once, or have the owner raise it'
}
