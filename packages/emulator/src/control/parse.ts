import { FAULT_KINDS, type FaultKind, type FaultSpec, REFUSALS } from '../faults/faults.ts'
import { isObject } from '../routes/fields.ts'
import { INITIAL_RULES, type RuleSettings } from '../rules/police.ts'
import type { JsonObject } from '../transport/call.ts'

type Check = (value: unknown) => boolean

const isNumber: Check = (value) => typeof value === 'number' && value >= 0
const isFlag: Check = (value) => typeof value === 'boolean'
const oneOf =
  (...known: readonly string[]): Check =>
  (value) =>
    typeof value === 'string' && known.includes(value)
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)

/** What the fields of each fault must be. */
const FAULT_FIELDS: Readonly<Record<FaultKind['kind'], Readonly<Record<string, Check>>>> = {
  reset: {},
  cut: { afterBytes: isNumber },
  'truncated-json': {},
  html: { done: optional(isFlag) },
  slow: { delayMs: isNumber },
  stall: {},
  'too-many': { retryAfterSeconds: optional(isNumber) },
  flood: { scope: oneOf('ip', 'user', 'key'), locks: optional(isFlag), page: optional(isFlag) },
  status: { status: isNumber },
  maintenance: {},
  'end-late': { shape: optional(oneOf('html', 'empty')) },
  corrupt: { offset: optional(isNumber) },
  'reset-after': {},
  'wrong-length': { byBytes: (value) => typeof value === 'number' },
  'ignore-range': {},
  'expired-link': {},
  refusal: { refusal: oneOf(...Object.keys(REFUSALS)) },
  'node-cannot-open': {},
  'halve-limits': {},
  redirect: { status: isNumber, location: (value) => typeof value === 'string' },
  forged: { body: (value) => typeof value === 'string' },
  echo: {},
}

const COMMON_FIELDS: Readonly<Record<string, Check>> = {
  at: (value) => typeof value === 'string',
  // JSON has no Infinity.
  times: optional((value) => isNumber(value) || value === 'always'),
  after: optional(isNumber),
}

/** A fault from untyped JSON; throws with every field that is wrong. */
export function parseFault(value: unknown): FaultSpec {
  if (!isObject(value) || !isFaultKind(value['kind'])) {
    throw new Error(
      `give a fault: {"at":"file/ls","kind":"…"} with kind one of ${Object.keys(FAULT_KINDS).join(', ')}`,
    )
  }
  const fields = { ...COMMON_FIELDS, ...FAULT_FIELDS[value['kind']] }
  const problems = fieldProblems(value, fields, ['kind'])
  if (problems.length > 0) throw new Error(problems.join('\n'))
  const spec = value['times'] === 'always' ? { ...value, times: Number.POSITIVE_INFINITY } : value
  // Every field of the kind has been checked against the tables above.
  return spec as unknown as FaultSpec
}

const RULE_FIELDS: Readonly<Record<keyof RuleSettings, Check>> = {
  level: oneOf('off', 'documented', 'observed'),
  toleranceMs: isNumber,
  lockMs: isNumber,
  lockProlongs: isFlag,
  lockReach: oneOf('endpoint', 'api'),
  timeScale: (value) => typeof value === 'number' && value > 0,
  strictness: (value) => typeof value === 'number' && value >= 1,
  limits: (value) => isObject(value) && Object.values(value).every(isLimit),
  scopes: (value) => isObject(value) && Object.values(value).every(oneOf('ip', 'user', 'key')),
}

/** Changes of the rules from untyped JSON; throws with every field that is wrong. */
export function parseRules(value: unknown): Partial<RuleSettings> {
  if (!isObject(value)) throw new Error(`give an object with any of ${Object.keys(INITIAL_RULES).join(', ')}`)
  const given = Object.fromEntries(Object.entries(RULE_FIELDS).filter(([name]) => name in value))
  const problems = fieldProblems(value, given, [])
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return value
}

function fieldProblems(
  value: JsonObject,
  fields: Readonly<Record<string, Check>>,
  others: string[],
): string[] {
  const unknown = Object.keys(value).filter((name) => !(name in fields) && !others.includes(name))
  const wrong = Object.entries(fields).filter(([name, check]) => !check(value[name]))
  return [
    ...unknown.map((name) => `${name}: not known here`),
    ...wrong.map(([name]) => `${name}: missing or wrong`),
  ]
}

function isFaultKind(value: unknown): value is FaultKind['kind'] {
  return typeof value === 'string' && value in FAULT_KINDS
}

function isLimit(value: unknown): boolean {
  return isObject(value) && isNumber(value['count']) && isNumber(value['windowMs'])
}
