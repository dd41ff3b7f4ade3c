import { DAY_MS, isRotationDue, VERBS } from '@guichet/core'
import type { Check, Weakness } from './checks.ts'
import { type DoctorFacts, known } from './facts.ts'

/** A key that nobody has used for so long is likely to be forgotten. */
const UNUSED_DAYS_MAX = 60
/** One that was just made has had no time to be used. */
const SETTLING_DAYS = 14

export const KEY_CHECKS: readonly Check[] = [
  {
    id: 'api-key-age',
    group: 'API key',
    looksAt: 'the age of the API key',
    look({ vault, nowMs }) {
      const stored = known(vault)
      if (stored === undefined) return undefined
      const days = Math.floor((nowMs - stored.storedMs) / DAY_MS)
      if (!isRotationDue(days)) return []
      return [
        {
          severity: 'weak',
          text: `the API key was stored ${days} days ago, and never ends by itself`,
          mend: 'guichet rotate',
        },
      ]
    },
  },
  {
    id: 'api-key-copies',
    group: 'API key',
    looksAt: 'copies of an API key where tools keep them',
    look({ copies }) {
      return copies?.map(
        ({ path, line, tool }): Weakness => ({
          severity: 'serious',
          text: `what looks like an API key stands in ${path}:${line} (${tool})`,
          mend:
            tool === 'shell history'
              ? `sed -i ${line}d ${quoted(path)}, then guichet rotate with a new API key`
              : `guichet adopt ${quoted(path)}`,
        }),
      )
    },
  },
  {
    id: 'vault',
    group: 'API key',
    looksAt: 'the vault',
    look({ vault }) {
      if (vault === undefined) return undefined
      if (!('problem' in vault)) return []
      return [
        {
          severity: 'serious',
          text: vault.problem,
          mend: 'put a copy of the vault back from a backup of the home',
        },
      ]
    },
  },
  {
    id: 'keys-for-ever',
    group: 'virtual keys',
    looksAt: 'virtual keys without an end',
    look: eachLivingKey(({ id, name, expiresMs }) =>
      expiresMs !== undefined
        ? undefined
        : {
            severity: 'weak',
            text: `the key ${id} (${name}) never ends`,
            mend: `guichet key create --name NAME --expires 90d, then guichet key revoke ${id}`,
          },
    ),
  },
  {
    id: 'keys-unused',
    group: 'virtual keys',
    looksAt: 'virtual keys that nobody uses',
    look: eachLivingKey(({ id, name, createdMs, usedMs }, nowMs) => {
      const days = Math.floor((nowMs - (usedMs ?? createdMs)) / DAY_MS)
      if (days <= (usedMs === undefined ? SETTLING_DAYS : UNUSED_DAYS_MAX)) return undefined
      const since = usedMs === undefined ? `since it was made ${days} days ago` : `for ${days} days`
      return {
        severity: 'weak',
        text: `the key ${id} (${name}) has not been used ${since}`,
        mend: `guichet key revoke ${id}`,
      }
    }),
  },
  {
    id: 'keys-without-bounds',
    group: 'virtual keys',
    looksAt: 'virtual keys that may do everything everywhere',
    look: eachLivingKey(({ id, name, verbs, root }) =>
      root !== 0 || !VERBS.every((verb) => verbs.includes(verb))
        ? undefined
        : {
            severity: 'weak',
            text: `the key ${id} (${name}) has every verb in the whole account`,
            mend: `guichet key create --name NAME --verbs write --root FOLDER, then guichet key revoke ${id}`,
          },
    ),
  },
]

type LookAtKey = (
  key: NonNullable<ReturnType<typeof livingKeys>>[number],
  nowMs: number,
) => Weakness | undefined

function eachLivingKey(look: LookAtKey): Check['look'] {
  return (facts) => livingKeys(facts)?.flatMap((key) => look(key, facts.nowMs) ?? [])
}

function livingKeys({ database, nowMs }: DoctorFacts) {
  return known(database)?.keys.filter(
    ({ revokedMs, endedMs, expiresMs }) =>
      revokedMs === undefined && endedMs === undefined && (expiresMs === undefined || expiresMs > nowMs),
  )
}

/** For a shell. */
export function quoted(path: string): string {
  return /^[\w./~@%+=:,-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`
}
