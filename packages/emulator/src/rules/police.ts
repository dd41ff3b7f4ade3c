import { type JudgedCall, type LockScope, RULES, type Rule, type RuleId, type RuleReadings } from './rules.ts'
import { admit, type Limit, stricter, tolerant } from './windows.ts'

export interface RuleSettings {
  /** `observed` adds the rules that only practice knows to the documented ones. */
  readonly level: 'off' | 'documented' | 'observed'
  /** Real milliseconds by which every window is shortened. 0 gives clients nothing. */
  readonly toleranceMs: number
  /** How long a lock lasts; 1fichier does not say. */
  readonly lockMs: number
  /** Whether a call during a lock starts the lock anew. */
  readonly lockProlongs: boolean
  /** `api`: a lock stops every /v1 call of its scope, but one on user/info only user/info. `endpoint`: only the endpoint that was flooded. */
  readonly lockReach: 'endpoint' | 'api'
  /** Divides windows, locks and lifetimes. 60 lets a minute pass in a second. */
  readonly timeScale: number
  /** 2 silently halves what every rule allows. */
  readonly strictness: number
  /** Other figures than those of wire.md §3. */
  readonly limits: Partial<Record<RuleId, Limit>>
  /** Other victims than those of the rule table. */
  readonly scopes: Partial<Record<RuleId, LockScope>>
}

export const INITIAL_RULES: RuleSettings = {
  level: 'off',
  toleranceMs: 0,
  lockMs: 300_000,
  lockProlongs: true,
  lockReach: 'api',
  timeScale: 1,
  strictness: 1,
  limits: {},
  scopes: {},
}

export interface Lock {
  readonly scope: LockScope
  /** The address, user or key that is locked. */
  readonly subject: string
  /** `*` for all of /v1, else the one endpoint. */
  readonly endpoint: string
  readonly message: string
  /** The rule that was broken, or `fault` for a lock made on demand. */
  readonly cause: RuleId | 'fault'
  readonly fromMs: number
  readonly untilMs: number
  readonly callsDuring: number
}

export type Verdict =
  | { readonly kind: 'go' }
  | { readonly kind: 'locked'; readonly lock: Lock; readonly broken: RuleId | undefined }

/** Keeps the rules of wire.md §3: counts calls, makes locks, and answers for them while they last. */
export class Police {
  #settings: RuleSettings
  readonly #readings: () => RuleReadings
  #locks: Lock[] = []
  readonly #histories = new Map<string, readonly number[]>()

  constructor(settings: RuleSettings, readings: () => RuleReadings) {
    this.#settings = settings
    this.#readings = readings
  }

  settings(): RuleSettings {
    return this.#settings
  }

  change(changes: Partial<RuleSettings>): void {
    this.#settings = { ...this.#settings, ...changes }
  }

  judge(call: JudgedCall, nowMs: number): Verdict {
    const lock = this.#lockOn(call, nowMs)
    if (lock) return { kind: 'locked', lock: this.#callDuring(lock, nowMs), broken: undefined }
    const readings = this.#readings()
    const broken = this.#activeRules().filter((rule) =>
      this.#breaks(rule, rule.bucket(call, readings), nowMs),
    )
    const worst = broken[0]
    if (!worst) return { kind: 'go' }
    return { kind: 'locked', lock: this.#lockFor(worst, call, nowMs), broken: worst.id }
  }

  /** To be told of every 401, 403, 404 and 410 that is not itself a flood answer. */
  noteRefusal(call: JudgedCall, nowMs: number): Lock | undefined {
    const rule = this.#activeRules().find(({ id }) => id === 'refusals')
    return rule && this.#breaks(rule, call.ip, nowMs) ? this.#lockFor(rule, call, nowMs) : undefined
  }

  lockOnDemand(scope: LockScope, message: string, call: JudgedCall, nowMs: number): Lock {
    return this.#lock(scope, message, 'fault', call, nowMs)
  }

  locks(nowMs: number): readonly Lock[] {
    this.#locks = this.#locks.filter(({ untilMs }) => untilMs > nowMs)
    return this.#locks
  }

  /** Ends all locks and forgets all calls. */
  forgive(): void {
    this.#locks = []
    this.#histories.clear()
  }

  /** A duration of the service as it passes here. */
  scaled(durationMs: number): number {
    return durationMs / this.#settings.timeScale
  }

  #activeRules(): readonly Rule[] {
    const { level } = this.#settings
    return RULES.filter(({ source }) => level === 'observed' || (level === 'documented' && source === level))
  }

  #breaks(rule: Rule, bucket: string | undefined, nowMs: number): boolean {
    if (bucket === undefined) return false
    const { limits, strictness, toleranceMs } = this.#settings
    const read = rule.id === 'all-files-listing' ? this.#readings().allFilesWindowMs : rule.limit.windowMs
    const limit = stricter(limits[rule.id] ?? { ...rule.limit, windowMs: read }, strictness)
    const scaled = tolerant({ ...limit, windowMs: this.scaled(limit.windowMs) }, toleranceMs)
    const key = `${rule.id} ${bucket}`
    const admission = admit(scaled, this.#histories.get(key) ?? [], nowMs)
    this.#histories.set(key, admission.history)
    return admission.broken
  }

  #lockFor(rule: Rule, call: JudgedCall, nowMs: number): Lock {
    const scope = this.#settings.scopes[rule.id] ?? rule.scope
    const message = scope === rule.scope ? rule.message : messageFor(scope)
    return this.#lock(scope, message, rule.id, call, nowMs)
  }

  #lock(scope: LockScope, message: string, cause: Lock['cause'], call: JudgedCall, nowMs: number): Lock {
    const narrow = this.#settings.lockReach === 'endpoint' || call.endpoint === 'user/info'
    const lock: Lock = {
      scope,
      subject: subjectOf(scope, call) ?? call.ip,
      endpoint: narrow && cause !== 'refusals' ? call.endpoint : '*',
      message,
      cause,
      fromMs: nowMs,
      untilMs: nowMs + this.scaled(this.#settings.lockMs),
      callsDuring: 0,
    }
    this.#locks = [...this.locks(nowMs), lock]
    return lock
  }

  #lockOn(call: JudgedCall, nowMs: number): Lock | undefined {
    return this.locks(nowMs).find(
      ({ scope, subject, endpoint }) =>
        subject === subjectOf(scope, call) && (endpoint === '*' || endpoint === call.endpoint),
    )
  }

  #callDuring(lock: Lock, nowMs: number): Lock {
    const untilMs = this.#settings.lockProlongs ? nowMs + this.scaled(this.#settings.lockMs) : lock.untilMs
    const next = { ...lock, untilMs, callsDuring: lock.callsDuring + 1 }
    this.#locks = this.#locks.map((known) => (known === lock ? next : known))
    return next
  }
}

/** The message of wire.md §3 for a scope when no rule brings its own. */
export function messageFor(scope: LockScope): string {
  if (scope === 'ip') return 'Flood detected: IP Locked #412'
  if (scope === 'user') return 'Flood detected: User Locked #223'
  return 'Flood detected: User APK Locked #225'
}

function subjectOf(scope: LockScope, call: JudgedCall): string | undefined {
  if (scope === 'ip') return call.ip
  return scope === 'user' ? call.user : call.key
}
