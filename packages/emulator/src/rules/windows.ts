/** `count` calls in any stretch of `windowMs`; two calls exactly `windowMs` apart do not share a stretch. */
export interface Limit {
  readonly count: number
  readonly windowMs: number
}

export interface Admission {
  readonly broken: boolean
  /** What the next call must be judged by; never longer than `count`. */
  readonly history: readonly number[]
}

/** Judges a call that arrives at `nowMs` against the earlier calls of its bucket. A call that breaks the limit is remembered too. */
export function admit(limit: Limit, history: readonly number[], nowMs: number): Admission {
  const recent = history.filter((earlierMs) => nowMs - earlierMs < limit.windowMs)
  return { broken: recent.length >= limit.count, history: [...recent, nowMs].slice(-limit.count) }
}

/** The limit with its stretch shortened by the tolerance. */
export function tolerant(limit: Limit, toleranceMs: number): Limit {
  return { ...limit, windowMs: Math.max(0, limit.windowMs - toleranceMs) }
}

/** The limit as a service would enforce it that silently allows only 1/strictness of the calls. */
export function stricter(limit: Limit, strictness: number): Limit {
  const count = Math.max(1, Math.floor(limit.count / strictness))
  return { count, windowMs: limit.windowMs * ((count * strictness) / limit.count) }
}
