import { type Clock, GatewayError, GUESS_RULE, type Guesses, isForgiven, miss, shutMs } from '@guichet/core'

/** Misses are remembered of so many at one time; the one heard of longest ago is forgotten first. */
const REMEMBERED_MAX = 10_000

/** Counts wrong keys by what they have in common: where they come from, or how they begin. */
export interface Strangers {
  /** For so much longer nothing is judged; 0 when the next one is. */
  shutMs(subject: string): number
  /** Counts one more, unless they are shut out. */
  missed(subject: string): void
  /** One was refused that is not written down by itself. */
  passOver(): void
  /** How many that were since this was last asked. */
  takePassedOver(): number
  count(): number
}

export function createStrangers(clock: Clock, rule: typeof GUESS_RULE = GUESS_RULE): Strangers {
  const known = new Map<string, Guesses>()
  let passedOver = 0
  return {
    shutMs: (subject) => shutMs(rule, known.get(subject), clock.nowMs()),
    missed(subject) {
      const nowMs = clock.nowMs()
      const guesses = miss(rule, known.get(subject), nowMs)
      known.delete(subject)
      known.set(subject, guesses)
      const [oldest] = known
      if (oldest === undefined) return
      if (known.size > REMEMBERED_MAX || isForgiven(rule, oldest[1], nowMs)) known.delete(oldest[0])
    },
    passOver() {
      passedOver += 1
    },
    takePassedOver() {
      const count = passedOver
      passedOver = 0
      return count
    },
    count: () => known.size,
  }
}

/** Keys that were good where they were sent from: they are served there while others guess at their beginning. */
export interface Welcome {
  has(from: string | undefined, hash: string): boolean
  add(from: string | undefined, hash: string): void
}

export function createWelcome(): Welcome {
  const known = new Set<string>()
  const nameOf = (from: string | undefined, hash: string): string => `${neighbourhoodOf(from)} ${hash}`
  return {
    has: (from, hash) => known.has(nameOf(from, hash)),
    add(from, hash) {
      const name = nameOf(from, hash)
      known.delete(name)
      known.add(name)
      const [oldest = ''] = known
      if (known.size > REMEMBERED_MAX) known.delete(oldest)
    },
  }
}

/**
 * Who counts as one: an IPv4 address, or the 64 bits of an IPv6 address that one customer has at the least.
 * Takes plain addresses (`plainAddress`); what is not known counts as one.
 */
export function neighbourhoodOf(address: string | undefined): string {
  if (address?.includes(':') !== true) return address ?? 'an address that is not known'
  const [head = '', tail = ''] = address.split('::')
  const first = head === '' ? [] : head.split(':')
  const last = tail === '' ? [] : tail.split(':')
  const zeros = address.includes('::')
    ? Array.from({ length: 8 - first.length - last.length }, () => '0')
    : []
  return `${[...first, ...zeros, ...last].slice(0, 4).join(':')}::/64`
}

export function tooManyWrong(retryAfterMs: number): GatewayError {
  return new GatewayError('too-often', 'too many wrong keys have been sent from here', {
    hint: 'correct the key of the tool that sends it; good keys are served meanwhile',
    retryAfterMs,
  })
}
