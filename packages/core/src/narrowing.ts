import type { KeyLimits, Verb, VirtualKey } from './keys.ts'

/** What a key allows its holder, apart from its root folder. */
export type Grant = Pick<VirtualKey, 'verbs' | 'mayTunnel' | 'expiresMs' | 'limits'>

/**
 * Limits that go on binding every key issued under the one that has them, whatever those say themselves: each request
 * is held against the whole line. All others are handed down as they are.
 */
const BINDING: ReadonlySet<string> = new Set<keyof KeyLimits>([
  'notBeforeMs',
  'idleMs',
  'idleFromMs',
  'uses',
  'from',
  'notFrom',
  'mayIssue',
  'budgets',
  'approval',
])

/** The limits of a key that is issued under another. */
export function inheritedLimits(parent: KeyLimits, wish: KeyLimits): KeyLimits {
  const handedDown = Object.entries(parent).filter(([name]) => !BINDING.has(name))
  return { ...wish, ...Object.fromEntries(handedDown) }
}

/** In what a wished key would be wider than the one that issues it, in words; empty when it is narrower or the same. */
export function widenings(parent: Grant, wish: Grant): readonly string[] {
  const verbs = wish.verbs.filter((verb: Verb) => !parent.verbs.includes(verb))
  const { uses } = parent.limits
  return [
    verbs.length > 0 && `the verbs ${verbs.join(' ')}`,
    wish.mayTunnel && !parent.mayTunnel && 'tunnels to other hosts',
    endOf(wish) > endOf(parent) && 'a later end',
    uses !== undefined && (wish.limits.uses ?? 0) > uses && 'more uses',
    wish.limits.mayIssue === true && parent.limits.mayIssue !== true && 'issuing keys',
  ].filter((word) => word !== false)
}

function endOf({ expiresMs }: Grant): number {
  return expiresMs ?? Number.POSITIVE_INFINITY
}
