import {
  type BreakerSignal,
  type BreakerState,
  CLOSED,
  countersAfter,
  countersAfterAnswer,
  countersAfterRefusal,
  countersAhead,
  countersOf,
  exclusiveCounters,
  isRecovering,
  type LimiterStore,
  type LockPolicy,
  observe,
  type PacedCall,
  type PaceRule,
  type Reach,
  reachesOf,
  SECOND_MS,
  sending,
  sinceNow,
  slowedRules,
  verdictOf,
  waitOf,
} from '@guichet/core'
import type { Outcome } from './outcome.ts'
import type { Reservation, Standing } from './standing.ts'

/** A request that takes longer to arrive is taken for lost. */
const SLOWEST_WAY_MS = 10 * SECOND_MS

/** Above so many counters, those of the past are let go: only folders have so many. */
const COUNTERS_MAX = 10_000

/**
 * What is known of 1fichier's limits, in memory and in the store. The decisions are core's; this keeps their state.
 * Every change stands in memory at once and in the store after `persist`.
 */
export class Limits {
  readonly #rules: readonly PaceRule[]
  readonly #slowed: readonly PaceRule[]
  readonly #strictestFirst: readonly PaceRule[]
  readonly #policy: LockPolicy
  readonly #store: LimiterStore
  readonly #counters: Map<string, number>
  readonly #breakers: Map<Reach, BreakerState>
  /** Which call under way holds a rule that lets one through at a time. */
  readonly #exclusive = new Map<string, Reservation>()
  /** Answers of `standing` at one moment: a long line asks for the same thing again and again. */
  readonly #standings = new Map<string, Standing>()
  #standingsMs = 0
  #unsavedCounters = new Map<string, number>()
  #unsavedBreakers = new Set<Reach>()
  #saving: Promise<void> = Promise.resolve()

  constructor(
    options: {
      readonly rules: readonly PaceRule[]
      readonly locks: LockPolicy
      readonly store: LimiterStore
    },
    loaded: Awaited<ReturnType<LimiterStore['load']>>,
    nowMs: number,
  ) {
    this.#rules = options.rules
    this.#slowed = slowedRules(options.rules)
    this.#strictestFirst = options.rules.toSorted((one, other) => other.gapMs - one.gapMs)
    this.#policy = options.locks
    this.#store = options.store
    this.#counters = new Map(loaded.counters)
    this.#breakers = new Map(loaded.breakers)
    this.clockSetBack(nowMs)
  }

  get breakers(): ReadonlyMap<Reach, BreakerState> {
    return this.#breakers
  }

  /** The rules in force: slower ones for a while after a lock. */
  rulesAt(nowMs: number): readonly PaceRule[] {
    return isRecovering(this.#breaker('api'), this.#policy, nowMs) ? this.#slowed : this.#rules
  }

  /** The rules that will be in force when the locks are over. */
  rulesAfterLock(): readonly PaceRule[] {
    return this.#slowed
  }

  standing(call: PacedCall, nowMs: number): Standing {
    if (this.#standingsMs !== nowMs) this.#standings.clear()
    this.#standingsMs = nowMs
    const name = `${call.endpoint}:${call.folder}`
    const known = this.#standings.get(name)
    if (known !== undefined) return known
    const standing = this.#findStanding(call, nowMs)
    this.#standings.set(name, standing)
    return standing
  }

  /** The rules that count a call, the strictest first. */
  rulesOf(call: PacedCall): readonly string[] {
    return countersOf(this.#strictestFirst, call).map(({ rule }) => rule.id)
  }

  /** How long one rule alone holds a call back. */
  ruleWaitMs(rule: PaceRule, call: PacedCall, nowMs: number): number {
    return waitOf([rule], this.#counters, call, nowMs).waitMs
  }

  /** Takes the turn of a call that stands on `go`. */
  reserve(call: PacedCall, nowMs: number): Reservation {
    const rules = this.rulesAt(nowMs)
    const counters = new Map<string, { before: number | undefined; after: number }>()
    for (const [name, after] of countersAfter(rules, this.#counters, call, nowMs)) {
      counters.set(name, { before: this.#counters.get(name), after })
      this.#setCounter(name, after)
    }
    for (const { rule, counter } of countersOf(rules, call)) {
      const after = counters.get(counter)?.after
      if (rule.burst > 1 || after === undefined) continue
      // After `kill -9` nobody knows when the call arrived: the store counts with a slow way there until the answer.
      this.#unsavedCounters.set(counter, after + Math.min(rule.gapMs, SLOWEST_WAY_MS))
    }
    const probes = new Map<Reach, { before: BreakerState; after: BreakerState }>()
    for (const reach of reachesOf(call.endpoint)) {
      const before = this.#breaker(reach)
      const after = sending(before, nowMs)
      if (after === before) continue
      probes.set(reach, { before, after })
      this.#setBreaker(reach, after)
    }
    const exclusive = exclusiveCounters(rules, call)
    const reservation: Reservation = { call, exclusive, counters, probes }
    this.#standings.clear()
    for (const counter of exclusive) this.#exclusive.set(counter, reservation)
    this.#forgetPast(nowMs)
    return reservation
  }

  /** May a reserved call still go? Another call may have met a lock while this one was being saved. */
  isOpenFor(reservation: Reservation): boolean {
    return reachesOf(reservation.call.endpoint).every((reach) => {
      const state = this.#breaker(reach)
      return state.kind === 'closed' || state === reservation.probes.get(reach)?.after
    })
  }

  /** Takes in how a reserved call ended. */
  settle(reservation: Reservation, outcome: Outcome, nowMs: number): void {
    const { call } = reservation
    this.release(reservation)
    if (outcome.isUnsent) {
      this.#giveBack(reservation)
      return
    }
    const concerned = outcome.reach === 'every' ? undefined : outcome.reach
    const reaches = new Set<Reach>(reachesOf(call.endpoint))
    if (concerned !== undefined) reaches.add(concerned)
    for (const reach of reaches) {
      const signal = concerned === undefined || concerned === reach ? outcome.signal : outcome.others
      const state = this.#breaker(reach)
      const isProbe = state === reservation.probes.get(reach)?.after
      const isLate = !isProbe && state.kind !== 'closed'
      // What was sent before a lock says nothing of its end.
      if (isLate && (signal.kind === 'answered' || signal.kind === 'unanswered')) continue
      this.#setBreaker(reach, observe(state, this.#policy, signal, nowMs))
    }
    const rules = this.rulesAt(nowMs)
    this.#setCounters(countersAfterAnswer(rules, this.#counters, call, nowMs))
    if (outcome.isRefusal) this.#setCounters(countersAfterRefusal(rules, this.#counters, call, nowMs))
  }

  /** Others of the same rules may go: the call has ended, or hangs for so long that nobody waits for it. */
  release(reservation: Reservation): void {
    this.#standings.clear()
    for (const counter of reservation.exclusive) {
      if (this.#exclusive.get(counter) === reservation) this.#exclusive.delete(counter)
    }
  }

  /** A lock that was told outside the API. */
  meetLock(lock: BreakerSignal, nowMs: number): void {
    this.#setBreaker('api', observe(this.#breaker('api'), this.#policy, lock, nowMs))
  }

  /** Opens what a permanent refusal has stopped. */
  resume(nowMs: number): void {
    for (const [reach, state] of this.#breakers) {
      if (state.kind === 'stopped') this.#setBreaker(reach, { kind: 'closed', locks: 0, sinceMs: nowMs })
    }
  }

  /** The clock shows less than before: nothing may wait for longer than its own length. */
  clockSetBack(nowMs: number): void {
    this.#setCounters(countersAhead(this.#slowed, this.#counters, nowMs))
    for (const [reach, state] of this.#breakers) this.#setBreaker(reach, sinceNow(state, nowMs))
  }

  /** Resolves when every change so far is in the store; what could not be written is tried again by the next. */
  persist(): Promise<void> {
    this.#saving = this.#saving.then(
      () => this.#save(),
      () => this.#save(),
    )
    return this.#saving
  }

  async #save(): Promise<void> {
    const counters = this.#unsavedCounters
    const reaches = this.#unsavedBreakers
    this.#unsavedCounters = new Map()
    this.#unsavedBreakers = new Set()
    try {
      for (const reach of reaches) await this.#store.saveBreaker(reach, this.#breaker(reach))
      if (counters.size > 0) await this.#store.saveCounters(counters)
    } catch (failure) {
      this.#unsavedCounters = new Map([...counters, ...this.#unsavedCounters])
      this.#unsavedBreakers = new Set([...reaches, ...this.#unsavedBreakers])
      throw failure
    }
  }

  #findStanding(call: PacedCall, nowMs: number): Standing {
    const lock = this.#lockOn(call, nowMs)
    if (lock !== undefined) return lock
    const rules = this.rulesAt(nowMs)
    const { waitMs, rule } = waitOf(rules, this.#counters, call, nowMs)
    const busy = exclusiveCounters(rules, call).find((counter) => this.#exclusive.has(counter))
    if (waitMs > 0) {
      const reason = `rule ${rule?.id ?? ''}`
      return { kind: 'wait', for: 'rule', waitMs, reason, isBehind: busy !== undefined }
    }
    return busy === undefined ? { kind: 'go' } : { kind: 'behind', reason: `rule ${busy.split(':')[0]}` }
  }

  #lockOn(call: PacedCall, nowMs: number): Standing | undefined {
    let longest: Standing | undefined
    for (const reach of reachesOf(call.endpoint)) {
      const verdict = verdictOf(this.#breaker(reach), this.#policy, nowMs)
      if (verdict.kind === 'stop') return verdict
      if (verdict.kind !== 'wait') continue
      if (longest?.kind === 'wait' && longest.waitMs >= verdict.waitMs) continue
      longest = { ...verdict, for: 'lock', isBehind: false }
    }
    return longest
  }

  #giveBack(reservation: Reservation): void {
    for (const [name, { before, after }] of reservation.counters) {
      if (this.#counters.get(name) === after) this.#setCounter(name, before ?? 0)
    }
    for (const [reach, { before, after }] of reservation.probes) {
      if (this.#breaker(reach) === after) this.#setBreaker(reach, before)
    }
  }

  #breaker(reach: Reach): BreakerState {
    return this.#breakers.get(reach) ?? CLOSED
  }

  #setBreaker(reach: Reach, state: BreakerState): void {
    if (this.#breaker(reach) === state) return
    this.#standings.clear()
    this.#breakers.set(reach, state)
    this.#unsavedBreakers.add(reach)
  }

  #setCounters(changed: ReadonlyMap<string, number>): void {
    for (const [name, atMs] of changed) this.#setCounter(name, atMs)
  }

  #setCounter(name: string, atMs: number): void {
    this.#standings.clear()
    this.#counters.set(name, atMs)
    this.#unsavedCounters.set(name, atMs)
  }

  #forgetPast(nowMs: number): void {
    if (this.#counters.size <= COUNTERS_MAX) return
    for (const [name, atMs] of this.#counters) {
      if (name.includes(':') && atMs <= nowMs) this.#counters.delete(name)
    }
  }
}
