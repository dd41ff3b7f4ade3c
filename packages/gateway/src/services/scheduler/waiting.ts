import { type Clock, GatewayError, MINUTE_MS, type PacedCall, SECOND_MS, type Unpaced } from '@guichet/core'
import type { CallCounts } from './counts.ts'
import { type Forecast, forecast } from './forecast.ts'
import type { Limits } from './limits.ts'
import { Line, type Queued } from './line.ts'
import { ANSWERED, lockOutside, type Outcome, outcomeOf, UNSENT } from './outcome.ts'
import { accountStopped, cancelled, schedulerClosed, tooLate } from './refusals.ts'
import type { Scheduler, SchedulerOptions, Turn } from './scheduler.ts'
import type { Reservation } from './standing.ts'
import { lockStatus, type SchedulerStatus } from './status.ts'

/** Two, so that one slow listing does not hold up all else (wire.md §16 asks for one at a time per key). */
const UNDER_WAY_MAX = 2
const QUEUE_MAX = 1_000
/** No sleep is longer, so that a clock that somebody sets is noticed. */
const SLEEP_MAX_MS = MINUTE_MS
const CLOSING_MAX_MS = 10 * SECOND_MS

interface Entry extends Queued {
  readonly turn: Turn
  readonly call: PacedCall
  readonly deadlineMs: number
  /** Makes the call; gives how it ended, and what tells the caller. */
  readonly send: () => Promise<{ readonly outcome: Outcome; readonly tell: () => void }>
  readonly refuse: (failure: GatewayError) => void
  /** Leaves the line when the caller's signal is aborted. */
  readonly leave: () => void
}

/** The scheduler's line and its alarm clock: whoever may go, goes; whoever waits in vain, is told. */
export class WaitingScheduler implements Scheduler {
  readonly #options: SchedulerOptions
  readonly #clock: Clock
  readonly #limits: Limits
  readonly #counts: CallCounts
  readonly #line = new Line<Entry>()
  /** Since when each call is under way, which a clock that is set back moves. */
  readonly #underWay = new Map<Reservation, { sinceMs: number; readonly end: Promise<void> }>()
  #arrivals = 0
  /** From the start on: the clock of a machine is often set just after the gateway was started. */
  #lastMs: number
  /** How long calls take, as a moving average: for forecasts only. */
  #callMs = SECOND_MS / 2
  #alarm: { readonly atMs: number; readonly abort: AbortController } | undefined
  #isClosed = false

  constructor(options: SchedulerOptions, limits: Limits, counts: CallCounts) {
    this.#options = options
    this.#clock = options.clock
    this.#limits = limits
    this.#counts = counts
    this.#lastMs = options.clock.nowMs()
  }

  run<T>(turn: Turn, call: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const nowMs = this.#now()
      const entry: Entry = {
        turn,
        call: turn.call,
        key: turn.key,
        priority: turn.priority,
        sequence: this.#arrivals,
        deadlineMs: turn.patienceMs === undefined ? Infinity : nowMs + turn.patienceMs,
        refuse: reject,
        leave: () => this.#leave(entry),
        send: async () => {
          try {
            const value = await call()
            return { outcome: ANSWERED, tell: () => resolve(value) }
          } catch (failure) {
            return { outcome: outcomeOf(failure, turn.call.endpoint), tell: () => reject(failure) }
          }
        },
      }
      this.#arrivals += 1
      this.#enter(entry, nowMs)
    })
  }

  count(unpaced: Unpaced): void {
    this.#counts.count(unpaced)
  }

  async learn(failure: unknown): Promise<void> {
    const lock = lockOutside(failure)
    if (lock === undefined) return
    this.#counts.countLock()
    this.#limits.meetLock(lock, this.#now())
    // As with calls of the API: the caller gets its answer whether or not it could be noted.
    await this.#limits.persist().catch(() => undefined)
    this.#serve()
  }

  async resume(): Promise<void> {
    this.#limits.resume(this.#now())
    await this.#limits.persist()
    this.#serve()
  }

  status(): SchedulerStatus {
    const nowMs = this.#now()
    const waiting = [...this.#forecast(nowMs)].map(([{ turn }, { waitMs, reason }]) => ({
      endpoint: turn.call.endpoint,
      key: turn.key,
      priority: turn.priority,
      waitMs,
      reason,
    }))
    const locks = [...this.#limits.breakers].flatMap(([reach, state]) => lockStatus(reach, state))
    const rules = this.#limits
      .rulesAt(nowMs)
      .map(({ id, burst, gapMs, source }) => ({ id, burst, gapMs, source }))
    return { scheduler: { waiting, locks, rules }, upstream: this.#counts.totals() }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#alarm?.abort.abort()
    for (const entry of [...this.#line]) this.#refuse(entry, schedulerClosed())
    const tooLong = new AbortController()
    // What calls under way teach is still to be written; one that hangs does not keep the gateway from stopping.
    await Promise.race([
      Promise.all(this.#underWay.values().map(({ end }) => end)),
      this.#clock.sleep(CLOSING_MAX_MS, tooLong.signal).catch(() => undefined),
    ])
    tooLong.abort()
    await this.#counts.close()
  }

  #enter(entry: Entry, nowMs: number): void {
    const { turn } = entry
    const refusal = this.#refusalAtOnce(turn, nowMs)
    if (refusal !== undefined) {
      entry.refuse(refusal)
      return
    }
    this.#line.add(entry)
    if (this.#line.size > (this.#options.queueMax ?? QUEUE_MAX)) this.#refuseLast(nowMs)
    if (turn.patienceMs !== undefined) {
      const wait = this.#forecast(nowMs).get(entry)
      if (wait !== undefined && nowMs + wait.waitMs > entry.deadlineMs) {
        this.#refuse(entry, tooLate(turn.call, wait, false))
        return
      }
    }
    if (!this.#line.has(entry)) return
    turn.signal?.addEventListener('abort', entry.leave, { once: true })
    this.#serve()
  }

  /** The line is full: whoever would be served last has to go, so that a crowd in the back keeps nobody urgent out. */
  #refuseLast(nowMs: number): void {
    const last = this.#line.last()
    const wait = last === undefined ? undefined : this.#forecast(nowMs).get(last)
    if (last !== undefined && wait !== undefined) this.#refuse(last, tooLate(last.call, wait, true))
  }

  #refusalAtOnce(turn: Turn, nowMs: number): GatewayError | undefined {
    if (this.#isClosed) return schedulerClosed()
    if (turn.signal?.aborted) return cancelled(turn.signal)
    const standing = this.#limits.standing(turn.call, nowMs)
    return standing.kind === 'stop' ? accountStopped(standing.reason) : undefined
  }

  /** A caller has gone: it is taken out of the line. A call under way is the caller's own to cancel. */
  #leave(entry: Entry): void {
    if (entry.turn.signal !== undefined) this.#refuse(entry, cancelled(entry.turn.signal))
  }

  #refuse(entry: Entry, failure: GatewayError): void {
    if (!this.#line.remove(entry)) return
    entry.turn.signal?.removeEventListener('abort', entry.leave)
    entry.refuse(failure)
  }

  /** Lets go whoever may go, refuses whoever waits in vain, and sets the alarm for the next change. */
  #serve(): void {
    if (this.#isClosed) return
    const nowMs = this.#now()
    this.#refuseVain(nowMs)
    while (this.#freePlaces(nowMs) > 0) {
      const entry = this.#line.takeNext(
        ({ call }) => this.#limits.standing(call, nowMs).kind === 'go',
        ({ call }) => this.#limits.rulesOf(call),
      )
      if (entry === undefined) break
      entry.turn.signal?.removeEventListener('abort', entry.leave)
      const reservation = this.#limits.reserve(entry.call, nowMs)
      this.#underWay.set(reservation, { sinceMs: nowMs, end: this.#carryOut(entry, reservation) })
    }
    this.#setAlarm(nowMs)
  }

  async #carryOut(entry: Entry, reservation: Reservation): Promise<void> {
    const { signal } = entry.turn
    let outcome = UNSENT
    let tell: (() => void) | undefined
    try {
      await this.#limits.persist()
      if (signal?.aborted) throw cancelled(signal)
      if (this.#limits.isOpenFor(reservation)) {
        this.#counts.count(entry.call.endpoint)
        const sentMs = this.#now()
        const end = await entry.send()
        outcome = end.outcome
        tell = end.tell
        this.#callMs += (Math.max(0, this.#now() - sentMs) - this.#callMs) / 8
      } else {
        tell = () => this.#enterAgain(entry)
      }
    } catch (failure) {
      tell = () => entry.refuse(GatewayError.from(failure))
    }
    if (outcome.signal.kind === 'locked') this.#counts.countLock()
    this.#limits.settle(reservation, outcome, this.#now())
    // The caller gets the answer whether or not it could be noted: the next call is not sent before it is.
    await this.#limits.persist().catch(() => undefined)
    this.#underWay.delete(reservation)
    tell()
    this.#serve()
  }

  /** A lock came between the turn and the call: back to the old place. */
  #enterAgain(entry: Entry): void {
    const refusal = this.#refusalAtOnce(entry.turn, this.#now())
    if (refusal === undefined) {
      this.#line.add(entry)
      entry.turn.signal?.addEventListener('abort', entry.leave, { once: true })
    } else {
      entry.refuse(refusal)
    }
  }

  /** How many more calls may go. One that hangs for longer than a probe may holds no place. */
  #freePlaces(nowMs: number): number {
    let places = UNDER_WAY_MAX
    for (const [reservation, { sinceMs }] of this.#underWay) {
      if (nowMs - sinceMs < this.#options.locks.probeMs) places -= 1
      else this.#limits.release(reservation)
    }
    return places
  }

  #refuseVain(nowMs: number): void {
    let forecasts: ReadonlyMap<Entry, Forecast> | undefined
    for (const entry of [...this.#line]) {
      const standing = this.#limits.standing(entry.call, nowMs)
      if (standing.kind === 'stop') {
        this.#refuse(entry, accountStopped(standing.reason))
        continue
      }
      const earliestMs = standing.kind === 'wait' ? nowMs + standing.waitMs : nowMs
      if (earliestMs <= entry.deadlineMs) continue
      forecasts ??= this.#forecast(nowMs)
      const wait = forecasts.get(entry)
      if (wait !== undefined) this.#refuse(entry, tooLate(entry.call, wait, false))
    }
  }

  #setAlarm(nowMs: number): void {
    const wakeMs = this.#nextChangeMs(nowMs)
    if (this.#alarm !== undefined && this.#alarm.atMs === wakeMs) return
    this.#alarm?.abort.abort()
    this.#alarm = undefined
    if (wakeMs === undefined) return
    const alarm = { atMs: wakeMs, abort: new AbortController() }
    this.#alarm = alarm
    this.#clock
      .sleep(Math.ceil(Math.min(wakeMs - nowMs, SLEEP_MAX_MS)), alarm.abort.signal)
      .then(() => {
        if (this.#alarm === alarm) this.#alarm = undefined
        this.#serve()
      })
      .catch(() => {
        // Aborted: a sooner alarm is set, or the scheduler is closed.
      })
  }

  /** The next moment at which time alone changes something for those who wait. */
  #nextChangeMs(nowMs: number): number | undefined {
    let nextMs = Infinity
    for (const entry of this.#line) {
      const standing = this.#limits.standing(entry.call, nowMs)
      if (standing.kind === 'wait') nextMs = Math.min(nextMs, nowMs + standing.waitMs)
      nextMs = Math.min(nextMs, entry.deadlineMs + 1)
    }
    if (this.#line.size > 0) {
      for (const { sinceMs } of this.#underWay.values()) {
        const hungMs = sinceMs + this.#options.locks.probeMs
        if (hungMs > nowMs) nextMs = Math.min(nextMs, hungMs)
      }
    }
    return nextMs === Infinity ? undefined : nextMs
  }

  #forecast(nowMs: number): ReadonlyMap<Entry, Forecast> {
    return forecast(this.#line, this.#limits, nowMs, this.#callMs, this.#freePlaces(nowMs) <= 0)
  }

  #now(): number {
    const nowMs = this.#clock.nowMs()
    if (nowMs < this.#lastMs) {
      this.#limits.clockSetBack(nowMs)
      for (const call of this.#underWay.values()) call.sinceMs = Math.min(call.sinceMs, nowMs)
    }
    this.#lastMs = nowMs
    return nowMs
  }
}
