import { parseKeyId, problemOfKey, VERB_SETS } from '@guichet/core'
import type { ApiKey } from '@guichet/sdk'
import { approvalRows, budgetRows, trashRows } from '../../budgets.ts'
import { printable } from '../../print.ts'
import type { Session } from '../../session.ts'
import { durationText, timeText } from '../../times.ts'
import { limitRows } from './limits.ts'

/** Everything about a key but its text, a row each. */
export function rowsOf(key: ApiKey, nowMs: number): readonly (readonly string[])[] {
  return [
    ['id', key.id],
    ['name', printable(key.name)],
    ['state', stateOf(key, nowMs)],
    ['root', printable(key.root)],
    ['verbs', verbsText(key.verbs)],
    ...limitRows(key.limits, key.use.count),
    ...budgetRows(key.spends ?? []).map((row) => ['budget', row.join(': ')]),
    ...approvalRows(key.limits),
    ...trashRows(key.limits),
    ['made', timeText(key.createdMs)],
    ...(key.use.lastMs === undefined ? [] : [['last used', timeText(key.use.lastMs)]]),
    ...(key.parent === undefined ? [] : [['issued by', parseKeyId(key.parent)]]),
    ...(key.mayTunnel ? [['tunnel', 'to every public host']] : []),
  ]
}

export function stateOf(key: ApiKey, nowMs: number): string {
  const { createdMs, expiresMs, revokedMs, limits, use, ended } = key
  const life = {
    createdMs,
    expiresMs,
    revokedMs,
    limits,
    ended,
    use: { count: use.count, lastMs: use.lastMs },
  }
  switch (problemOfKey(life, nowMs)) {
    case 'not-yet':
      return `not good before ${timeText(limits.notBeforeMs ?? 0)}`
    case 'revoked':
      return `revoked ${timeText(revokedMs ?? 0)}`
    case 'expired':
      return `expired ${timeText(expiresMs ?? ended?.atMs ?? 0)}`
    case 'idle':
      return `ended: unused for ${durationText(limits.idleMs ?? 0)}`
    case 'used-up':
      return `ended: used ${use.count} times`
    case undefined:
      return expiresMs === undefined ? 'active for ever' : `active until ${timeText(expiresMs)}`
  }
}

/** The name of a set where it is exactly one: easier to read than ten words. */
export function verbsText(verbs: readonly string[]): string {
  const wanted = [...verbs].sort().join()
  const set = Object.entries(VERB_SETS).find(([, members]) => [...members].sort().join() === wanted)
  return set === undefined ? verbs.join(',') : set[0]
}

/** Where other machines reach the gateway of this session. */
export async function addressOf(session: Session): Promise<string> {
  const { target, guichet } = session.connect()
  if (target.kind === 'address') return target.base.origin
  const { address } = await guichet.status({ signal: session.stop })
  return address.startsWith('http') ? address : `http://${address}`
}
