import { MINUTE_MS, SECOND_MS } from './clock.ts'

/**
 * How many wrong keys somebody may try.
 *
 *     free ──miss──▶ free …    until `free` misses stand against them
 *       │ one miss more
 *       ▼
 *     shut, `firstMs` at first, twice as long each time, `longestMs` at the most
 *       │ over
 *       ▼
 *     open for one miss, which shuts again; one miss is forgiven every `forgiveMs`
 */
export interface GuessRule {
  readonly free: number
  readonly forgiveMs: number
  readonly firstMs: number
  readonly longestMs: number
}

/** What stands against one address, or one beginning of a key. Absent: nothing. */
export interface Guesses {
  /** Misses that are not forgiven yet, at `atMs`. */
  readonly misses: number
  readonly atMs: number
  readonly shutUntilMs: number
  /** How often it was shut since it was last without misses. */
  readonly shuts: number
}

/** A person mistypes a few times; a tool with an old key tries some more. After that it is six a minute at the most. */
export const GUESS_RULE: GuessRule = {
  free: 20,
  forgiveMs: 10 * SECOND_MS,
  firstMs: SECOND_MS,
  longestMs: 5 * MINUTE_MS,
}

/** For so much longer nothing is judged; 0 when the next one is. A clock that was set back shuts nobody out for longer. */
export function shutMs(rule: GuessRule, guesses: Guesses | undefined, nowMs: number): number {
  if (guesses === undefined) return 0
  const leftMs = guesses.shutUntilMs - nowMs
  return leftMs > 0 && leftMs <= rule.longestMs ? leftMs : 0
}

/** What stands against them after one more miss, or what stands already while they are shut out. */
export function miss(rule: GuessRule, guesses: Guesses | undefined, nowMs: number): Guesses {
  if (guesses !== undefined && shutMs(rule, guesses, nowMs) > 0) return guesses
  const left = missesLeft(rule, guesses, nowMs)
  const shuts = left === 0 ? 0 : (guesses?.shuts ?? 0)
  if (left + 1 <= rule.free) return { misses: left + 1, atMs: nowMs, shutUntilMs: 0, shuts }
  const forMs = Math.min(rule.longestMs, rule.firstMs * 2 ** Math.min(shuts, 30))
  // Those who are shut out keep what stood against them: the first miss afterwards shuts again.
  return { misses: rule.free, atMs: nowMs + forMs, shutUntilMs: nowMs + forMs, shuts: shuts + 1 }
}

/** Is there nothing left to remember? */
export function isForgiven(rule: GuessRule, guesses: Guesses, nowMs: number): boolean {
  return shutMs(rule, guesses, nowMs) === 0 && missesLeft(rule, guesses, nowMs) === 0
}

function missesLeft(rule: GuessRule, guesses: Guesses | undefined, nowMs: number): number {
  if (guesses === undefined) return 0
  const forgiven = Math.floor(Math.max(0, nowMs - guesses.atMs) / rule.forgiveMs)
  return Math.max(0, guesses.misses - forgiven)
}
