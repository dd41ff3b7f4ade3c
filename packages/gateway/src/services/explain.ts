import {
  allowsVerb,
  budgetText,
  type Clock,
  DAY_MS,
  GatewayError,
  isLiving,
  type KeyProblem,
  type KeyStore,
  type Measure,
  parsePath,
  pathText,
  problemOfKey,
  type Verb,
  type VirtualKey,
  windowEnd,
} from '@guichet/core'
import { isIn, plainAddress } from './addresses.ts'
import type { Budgets } from './budgets/budgets.ts'
import { isFolder } from './catalogue/catalogue.ts'
import type { Caller, Gate } from './gate.ts'
import type { Keys } from './keys.ts'
import { findNode, type Places } from './places.ts'
import { mayComeFrom, notGood, principalOf } from './principals.ts'

export interface Question {
  /** Its id or its name. */
  readonly key: string
  readonly verb: Verb
  /** A path, a link or an id; it need not exist. */
  readonly at: string
  /** Absent: from an address that is allowed, if there is one. */
  readonly from?: string | undefined
  /** Absent: now. */
  readonly atMs?: number | undefined
}

export interface Explanation {
  readonly isAllowed: boolean
  /** The rule that decided; `none` when nothing was against it. */
  readonly rule: string
  readonly why: string
  /** The command that would allow it, where it is not. */
  readonly remedy: string | undefined
}

/** Says what would become of a request, without making one; only the owner may ask. */
export interface Explain {
  explain(caller: Caller, question: Question): Promise<Explanation>
}

export function createExplain(
  options: Places & {
    readonly keys: Keys
    readonly budgets: Pick<Budgets, 'spendsOf'>
    readonly store: KeyStore
    readonly gate: Gate
    readonly clock: Clock
  },
): Explain {
  const { catalogue, keys, budgets, store, gate, clock } = options

  return {
    async explain(caller, { key: wanted, verb, at, from: told, atMs = clock.nowMs() }) {
      await gate.permitOwner(caller, `ask what the key ${wanted} may`)
      const from = told === undefined ? undefined : requireAddress(told)
      const key = await keys.get(caller, wanted)
      const line = [key, ...(await store.ancestors(key))]
      const no = (rule: string, why: string, change: Partial<Change>): Explanation => ({
        ...{ isAllowed: false, rule, why },
        remedy: remedyFor(key, change),
      })

      const closed = line.find((one) => from !== undefined && !mayComeFrom(one.limits, from))
      if (closed !== undefined && from !== undefined) {
        const why = `the key "${closed.name}" may not be used from ${from}`
        return { isAllowed: false, rule: 'address', why, remedy: opening(closed, from) }
      }
      for (const one of line) {
        const problem = problemOfKey(one, atMs)
        if (problem === undefined) continue
        const { message, hint } = notGood(key, one, problem)
        return problem === 'not-yet'
          ? { isAllowed: false, rule: problem, why: `${message}: ${hint}`, remedy: undefined }
          : isLiving(one, clock.nowMs())
            ? {
                isAllowed: false,
                rule: problem,
                why: message,
                remedy: lengthening(one, problem, atMs - clock.nowMs()),
              }
            : no(problem, message, {})
      }
      if (!allowsVerb(key.verbs, verb))
        return no('verb', `the key "${key.name}" has not the verb ${verb}`, { verb })
      const principal = principalOf(line, undefined)
      const { folder, path } = await placeOf(options, caller, at)
      const standing = await catalogue.standing(principal, folder)
      if (standing !== 'inside') {
        const seen =
          standing === 'above' ? 'it sees only the way down through there' : 'for it nothing is there'
        return no(
          'root',
          `the key "${key.name}" is confined to ${key.rootPath}, and ${path} is outside: ${seen}`,
          {
            root: path,
          },
        )
      }
      // What will be used up at another moment nobody knows.
      const spent = atMs === clock.nowMs() ? usedUp(budgets, line, verb) : undefined
      if (spent !== undefined) return { isAllowed: false, rule: 'budget', why: spent, remedy: undefined }
      const where = addressWords(line, from)
      return {
        isAllowed: true,
        rule: 'none',
        why: `the key "${key.name}" may ${verb} ${path}${where}`,
        remedy: undefined,
      }
    },
  }
}

/** What a verb takes beside a call, of which it needs at least one. */
const TAKES: Partial<Readonly<Record<Verb, Measure>>> = {
  delete: 'deletes',
  direct: 'tokens',
  download: 'down',
  upload: 'up',
}

/** The first budget of a key, or of one above it, of which nothing is left for this verb; in words. */
function usedUp(
  budgets: Pick<Budgets, 'spendsOf'>,
  line: readonly VirtualKey[],
  verb: Verb,
): string | undefined {
  for (const { id, name, limits } of line) {
    for (const { budget, spend } of budgets.spendsOf(id, limits.budgets ?? [])) {
      const counts = ['calls', 'concurrent', TAKES[verb]].includes(budget.measure)
      if (!counts || spend.amount < budget.max) continue
      const opensMs = windowEnd(budget.per, spend.startMs)
      const opens = opensMs === undefined ? '' : `; it opens again ${new Date(opensMs).toISOString()}`
      return `nothing is left of the budget ${budgetText(budget)} of the key "${name}"${opens}`
    }
  }
  return undefined
}

function requireAddress(text: string): string {
  const address = plainAddress(text)
  if (address !== undefined) return address
  throw new GatewayError('invalid', `${JSON.stringify(text)} is not an address`, {
    hint: 'write it as in 192.168.1.7 or 2001:db8::1',
  })
}

/** The deepest folder on the way to a place that is there, and the path of it. */
async function placeOf(places: Places, caller: Caller, at: string) {
  let parts = at.startsWith('/') ? parsePath(at) : undefined
  while (true) {
    try {
      const node = await findNode(places, caller, parts === undefined ? at : pathText(parts))
      const folder = isFolder(node) ? node.id : node.folder
      return { folder, path: at.startsWith('/') ? at : await places.catalogue.pathOf(folder) }
    } catch (failure) {
      const isMissing = GatewayError.from(failure).code === 'not-found'
      if (!isMissing || parts === undefined || parts.length === 0) throw failure
      parts = parts.slice(0, -1)
    }
  }
}

function addressWords(line: readonly VirtualKey[], from: string | undefined): string {
  if (from !== undefined) return ` from ${from}`
  const limited = line.flatMap(({ limits: { from: only, notFrom } }) => [
    ...(only === undefined ? [] : [`only from ${only.join(',')}`]),
    ...(notFrom === undefined ? [] : [`not from ${notFrom.join(',')}`]),
  ])
  return limited.length === 0 ? '' : ` (${limited.join('; ')})`
}

/** What another key would need that this one has not. */
interface Change {
  readonly verb: Verb
  readonly root: string
}

/** The verbs, the root and the end that a key has come to stay: what allows more is another key, which only the owner makes. */
function remedyFor(key: VirtualKey, { verb, root }: Partial<Change>): string {
  const verbs = verb === undefined ? key.verbs : [...key.verbs, verb]
  const { from, notFrom } = key.limits
  const words = [
    `guichet key create --name NAME --verbs ${verbs.join(',')}`,
    `--root '${root ?? key.rootPath}'`,
    from === undefined ? '' : `--from ${from.join(',')}`,
    notFrom === undefined ? '' : `--not-from ${notFrom.join(',')}`,
  ]
  return words.filter((word) => word !== '').join(' ')
}

/** Lets an address in. */
function opening({ id, limits: { from, notFrom } }: VirtualKey, address: string): string {
  const words = [
    `guichet key limit ${id}`,
    from === undefined || isIn(address, from) ? '' : `--from ${[...from, address].join(',')}`,
    notFrom !== undefined && isIn(address, notFrom) ? '--not-from none' : '',
  ]
  return words.filter((word) => word !== '').join(' ')
}

/** Lets a key that is living be good so long from now still. */
function lengthening({ id }: VirtualKey, problem: KeyProblem, forMs: number): string {
  if (problem === 'idle') return `guichet key limit ${id} --idle none`
  return `guichet key limit ${id} --expires ${Math.floor(forMs / DAY_MS) + 1}d`
}
