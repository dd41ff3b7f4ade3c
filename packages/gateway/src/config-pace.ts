import {
  CONSERVATIVE_RULES,
  findEndpoint,
  LOCK_POLICY,
  type LockPolicy,
  type PaceRule,
  scaleRules,
} from '@guichet/core'
import { z } from 'zod'
import { parseJson, readText } from './config-text.ts'

/** How fast 1fichier is asked. */
export interface Pace {
  readonly rules: readonly PaceRule[]
  readonly locks: LockPolicy
  /** How many times faster 1fichier's time runs; 1 for the real one. */
  readonly timeScale: number
}

const rulesFile = z.strictObject({
  /** Every window and lock this many times shorter: for a stand-in whose time runs faster. */
  timeScale: z.number().positive().max(1_000_000).optional(),
  rules: z
    .array(
      z.strictObject({
        id: z.string().min(1),
        burst: z.number().int().positive(),
        gapMs: z.number().nonnegative(),
        per: z.enum(['account', 'folder']).optional(),
        endpoints: z.array(z.string()).min(1).optional(),
        source: z.string().optional(),
      }),
    )
    .optional(),
  locks: z
    .strictObject({
      floodMs: z.number().positive().optional(),
      lockedMs: z.number().positive().optional(),
      longestMs: z.number().positive().optional(),
      probeMs: z.number().positive().optional(),
    })
    .optional(),
})

/** The pace that ships, with the changes of a file; every problem at once. */
export function readRules(name: string | undefined, problems: string[]): Pace {
  const text = name === undefined ? undefined : readText(name, 'rules', problems)
  const wish = text === undefined ? undefined : parseJson(text, rulesFile, 'rules', problems)
  const changes = wish?.rules ?? []
  problems.push(...changes.flatMap((change, index) => problemsOfRule(change, changes.slice(0, index))))
  const changed = new Map(changes.map((change) => [change.id, change]))
  const known = CONSERVATIVE_RULES.map((rule) => ({ ...rule, ...ruleOf(changed.get(rule.id)) }))
  const timeScale = wish?.timeScale ?? 1
  const locks: LockPolicy = { ...LOCK_POLICY, ...definedOnly(wish?.locks ?? {}) }
  return {
    timeScale,
    rules: scaleRules(known, timeScale),
    locks: {
      floodMs: locks.floodMs / timeScale,
      lockedMs: locks.lockedMs / timeScale,
      longestMs: locks.longestMs / timeScale,
      probeMs: Math.max(locks.probeMs / timeScale, 5_000),
    },
  }
}

type RuleChange = NonNullable<z.infer<typeof rulesFile>['rules']>[number]

/** What would otherwise quietly do nothing. */
function problemsOfRule(
  { id, endpoints = [] }: RuleChange,
  before: readonly RuleChange[],
): readonly string[] {
  const known = CONSERVATIVE_RULES.map((rule) => rule.id)
  const problems = endpoints
    .filter((name) => findEndpoint(name) === undefined)
    .map((name) => `rules: ${id}: there is no endpoint ${JSON.stringify(name)}`)
  if (!known.includes(id)) problems.push(`rules: there is no rule "${id}" (${known.join(' ')})`)
  if (before.some((change) => change.id === id)) problems.push(`rules: "${id}" stands there twice`)
  return problems
}

function ruleOf(change: RuleChange | undefined): Partial<PaceRule> {
  if (change === undefined) return {}
  const { burst, gapMs, per, source = 'rules file' } = change
  const endpoints = change.endpoints?.flatMap((name) => findEndpoint(name) ?? [])
  return definedOnly({ burst, gapMs, per, source, endpoints })
}

function definedOnly<T extends object>(value: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined)
  return Object.fromEntries(entries) as { [Name in keyof T]?: Exclude<T[Name], undefined> }
}
