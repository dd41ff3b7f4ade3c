import { DAY_MS, HOUR_MS } from './clock.ts'
import { GatewayError } from './errors.ts'
import type { KeyId } from './ids.ts'

/**
 * What a budget counts.
 *
 * calls       requests at any door
 * up          bytes of contents taken from the client
 * down        bytes of contents given to the client
 * tokens      direct links asked for
 * deletes     files and folders removed
 * concurrent  requests under way at one time; the only one without a window
 */
export const MEASURES = ['calls', 'up', 'down', 'tokens', 'deletes', 'concurrent'] as const
/** With what is counted for other rules and no budget of a person's: deletions that nobody was asked about. */
export type Measure = (typeof MEASURES)[number] | 'unasked' | 'unasked-bytes'

/**
 * Windows of the calendar in UTC. A sliding window would have to keep every use of a month; a calendar window is one
 * number, opens again at a moment that can be told beforehand, and is over at the same moment for a key and its parents.
 */
export const WINDOWS = ['hour', 'day', 'month'] as const
export type Window = (typeof WINDOWS)[number]

/** So much and no more, in each window. A key may have several. */
export interface Budget {
  readonly measure: Measure
  readonly max: number
  /** Absent for `concurrent` alone. */
  readonly per?: Window | undefined
}

/** A key, or the owner, with what it may use. A use counts against the key that makes it and all above it. */
export interface BudgetHolder {
  readonly holder: KeyId | 'owner'
  readonly budgets: readonly Budget[]
}

export type Amounts = Readonly<Partial<Record<Measure, number>>>

/** What is used up of one window: what was spent, and what is reserved and not settled. */
export interface Spend {
  /** When the window began; 0 for `concurrent`. */
  readonly startMs: number
  readonly amount: number
}

/** By `spendName`. What a key has spent outlives its rotation, because its id does. */
export type SpendBook = ReadonlyMap<string, Spend>

/** One counter that a use was reserved in. */
export interface Reserved {
  readonly name: string
  readonly measure: Measure
  readonly startMs: number
  readonly amount: number
}

export interface BudgetRefusal {
  readonly holder: KeyId | 'owner'
  readonly budget: Budget
  readonly left: number
  /** When there is room again; absent when there never is enough, and for `concurrent`. */
  readonly opensMs?: number | undefined
}

export type Reservation =
  | {
      readonly kind: 'reserved'
      readonly reserved: readonly Reserved[]
      readonly changed: ReadonlyMap<string, Spend>
    }
  | { readonly kind: 'refused'; readonly refusal: BudgetRefusal }

/** Keeps what is used up, so that a restart forgets nothing of it. */
export interface BudgetStore {
  load(): Promise<SpendBook>
  /** All of it is on disk when it resolves. */
  save(changed: ReadonlyMap<string, Spend>): Promise<void>
}

/** The name of a counter: the limit itself is not part of it, so a raised budget forgets nothing. */
export function spendName(
  holder: KeyId | 'owner',
  { measure, per }: Pick<Budget, 'measure' | 'per'>,
): string {
  return per === undefined ? `${holder} ${measure}` : `${holder} ${measure} ${per}`
}

/** Takes the amounts from every budget of every holder, or from none of them. */
export function reserve(
  book: SpendBook,
  holders: readonly BudgetHolder[],
  amounts: Amounts,
  nowMs: number,
): Reservation {
  const reserved: Reserved[] = []
  const changed = new Map<string, Spend>()
  for (const { holder, budgets } of holders) {
    for (const budget of budgets) {
      const amount = amounts[budget.measure] ?? 0
      if (amount <= 0) continue
      const name = spendName(holder, budget)
      const spend = changed.get(name) ?? currentSpend(book, holder, budget, nowMs)
      const left = Math.max(0, budget.max - spend.amount)
      if (amount > left) {
        const opensMs = amount > budget.max ? undefined : windowEnd(budget.per, spend.startMs)
        return { kind: 'refused', refusal: { holder, budget, left, opensMs } }
      }
      reserved.push({ name, measure: budget.measure, startMs: spend.startMs, amount })
      changed.set(name, { startMs: spend.startMs, amount: spend.amount + amount })
    }
  }
  return { kind: 'reserved', reserved, changed }
}

/** Gives back what was reserved and not used. A window that is over takes nothing back: nobody can use it any more. */
export function settle(
  book: SpendBook,
  reserved: readonly Reserved[],
  used: Amounts,
): ReadonlyMap<string, Spend> {
  const changed = new Map<string, Spend>()
  for (const { name, measure, startMs, amount } of reserved) {
    const back = amount - Math.min(amount, Math.max(0, used[measure] ?? 0))
    const spend = changed.get(name) ?? book.get(name)
    if (back === 0 || spend === undefined || spend.startMs !== startMs) continue
    changed.set(name, { startMs, amount: Math.max(0, spend.amount - back) })
  }
  return changed
}

/** How much of a measure the tightest budget leaves; infinite where none counts it. */
export function roomFor(
  book: SpendBook,
  holders: readonly BudgetHolder[],
  measure: Measure,
  nowMs: number,
): number {
  const rooms = holders.flatMap(({ holder, budgets }) =>
    budgets
      .filter((budget) => budget.measure === measure)
      .map((budget) => Math.max(0, budget.max - currentSpend(book, holder, budget, nowMs).amount)),
  )
  return Math.min(Number.POSITIVE_INFINITY, ...rooms)
}

/** What is used up of the window that a moment is in. A clock that was set back does not open a window again. */
export function currentSpend(
  book: SpendBook,
  holder: KeyId | 'owner',
  budget: Pick<Budget, 'measure' | 'per'>,
  nowMs: number,
): Spend {
  const startMs = windowStart(budget.per, nowMs)
  const spend = book.get(spendName(holder, budget))
  return spend === undefined || spend.startMs < startMs ? { startMs, amount: 0 } : spend
}

export function windowStart(per: Window | undefined, nowMs: number): number {
  if (per === undefined) return 0
  if (per === 'hour') return Math.floor(nowMs / HOUR_MS) * HOUR_MS
  if (per === 'day') return Math.floor(nowMs / DAY_MS) * DAY_MS
  const now = new Date(nowMs)
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1)
}

/** The first moment after the window that began at `startMs`. */
export function windowEnd(per: Window | undefined, startMs: number): number | undefined {
  if (per === undefined) return undefined
  if (per === 'hour') return startMs + HOUR_MS
  if (per === 'day') return startMs + DAY_MS
  const start = new Date(startMs)
  return Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 1)
}

/** `deletes=100/day`, `down=10GB/month`, `concurrent=4`; all problems at once. */
export function parseBudgets(texts: readonly string[]): readonly Budget[] {
  const budgets: Budget[] = []
  const problems: string[] = []
  for (const text of texts) {
    const budget = parseBudget(text)
    if (typeof budget === 'string') {
      problems.push(`${JSON.stringify(text.slice(0, 60))}: ${budget}`)
    } else if (budgets.some((other) => other.measure === budget.measure && other.per === budget.per)) {
      problems.push(`${JSON.stringify(text)}: there is a budget of ${budget.measure} for this window already`)
    } else {
      budgets.push(budget)
    }
  }
  if (problems.length === 0) return budgets
  throw new GatewayError('invalid', `not a budget: ${problems.join('; ')}`, { hint: BUDGET_HINT })
}

export const BUDGET_HINT: string = `write WHAT=AMOUNT/WINDOW, as in deletes=100/day or down=10GB/month; WHAT is ${MEASURES.slice(0, -1).join(' ')}, WINDOW is ${WINDOWS.join(' ')}; concurrent=4 has no window`

/** As `parseBudgets` reads it. */
export function budgetText({ measure, max, per }: Budget): string {
  const amount = isBytes(measure) ? sizeWord(max) : String(max)
  return per === undefined ? `${measure}=${amount}` : `${measure}=${amount}/${per}`
}

export function isBytes(measure: Measure): boolean {
  return measure === 'up' || measure === 'down'
}

/** `10GB`, `1.5 TiB`, `4096`; units of 1024. Nothing for what is not a size. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgtp]?)(?:i?b)?$/i.exec(text)
  if (match === null) return undefined
  const [, number = '', unit = ''] = match
  const power = unit === '' ? 0 : UNITS.indexOf(unit.toUpperCase())
  const bytes = Math.round(Number(number) * 1024 ** power)
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

const UNITS = ' KMGTP'

/** The budget, or what is wrong with it. */
function parseBudget(text: string): Budget | string {
  const match = /^([a-z]+)=([^/]+)(?:\/([a-z]+))?$/.exec(text.trim())
  if (match === null) return 'is not WHAT=AMOUNT/WINDOW'
  const [, measure = '', amount = '', per] = match
  if (!isMeasure(measure)) return `there is no "${measure}" to count`
  const max = isBytes(measure) ? parseBytes(amount) : /^\d{1,15}$/.test(amount) ? Number(amount) : undefined
  if (max === undefined) return `"${amount}" is not ${isBytes(measure) ? 'a size' : 'a whole number'}`
  if (measure === 'concurrent') {
    return per === undefined ? { measure, max } : 'concurrent has no window'
  }
  if (per === undefined) return 'the window is missing'
  return isWindow(per) ? { measure, max, per } : `there is no window "${per}"`
}

function sizeWord(bytes: number): string {
  let value = bytes
  let power = 0
  while (value > 0 && value % 1024 === 0 && power < UNITS.length - 1) {
    value /= 1024
    power += 1
  }
  return power === 0 ? String(value) : `${value}${UNITS[power]}B`
}

function isMeasure(text: string): text is (typeof MEASURES)[number] {
  return (MEASURES as readonly string[]).includes(text)
}

function isWindow(text: string): text is Window {
  return (WINDOWS as readonly string[]).includes(text)
}
