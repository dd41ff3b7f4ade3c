import { isIP } from 'node:net'
import type { Check } from './checks.ts'
import { type DoctorFacts, known } from './facts.ts'

export const GATEWAY_CHECKS: readonly Check[] = [
  {
    id: 'configuration',
    group: 'gateway',
    looksAt: 'the configuration',
    look({ config }) {
      if (config === undefined) return undefined
      if (!('problem' in config)) return []
      return [{ severity: 'serious', text: config.problem, mend: 'guichet config check' }]
    },
  },
  {
    id: 'listener',
    group: 'gateway',
    looksAt: 'who can reach the gateway',
    look(facts) {
      const listener = listenerOf(facts)
      if (listener === undefined) return undefined
      const { host, isEncrypted } = listener
      if (isLoopback(host)) return []
      return isEncrypted
        ? [
            {
              severity: 'weak',
              text: `the gateway listens at ${host}: other machines can try keys there`,
              mend: 'guichet serve --listen 127.0.0.1:8474, if nothing elsewhere needs it',
            },
          ]
        : [
            {
              severity: 'serious',
              text: `the gateway listens at ${host} without TLS: whoever is on the way reads keys and files`,
              mend: 'guichet serve --listen 127.0.0.1:8474, behind a proxy that speaks TLS',
            },
          ]
    },
  },
  {
    id: 'keyholder',
    group: 'gateway',
    looksAt: 'the keyholder',
    look({ status }) {
      if (status === undefined) return undefined
      const { state, reason } = status.keyholder
      if (state === 'ready') return []
      const why = reason === undefined ? '' : `: ${reason}`
      return [
        {
          severity: 'serious',
          text: `the keyholder is ${state}${why}`,
          mend: state === 'sealed' ? 'guichet unseal' : 'guichet serve',
        },
      ]
    },
  },
  {
    id: 'refusals',
    group: 'gateway',
    looksAt: 'refusals of 1fichier that a person has to mend',
    look({ status, database }) {
      const reasons =
        status?.scheduler.locks.filter(({ state }) => state === 'stopped').map(({ reason }) => reason) ??
        known(database)?.stopped
      return reasons?.map((reason) => ({
        severity: 'serious',
        text: `1fichier refuses the account, and nothing is asked any more: ${reason}`,
        mend: 'guichet resume, when the cause is mended',
      }))
    },
  },
  {
    id: 'locks',
    group: 'gateway',
    looksAt: 'locks of 1fichier',
    look: ({ status }) =>
      status?.scheduler.locks
        .filter(({ state }) => state !== 'stopped')
        .map(({ reach, reason }) => ({
          severity: 'weak',
          text: `1fichier has locked ${reach === 'api' ? 'the account' : `calls for ${reach}`} for a while: ${reason}`,
          mend: 'guichet status, and let no other program use the API key',
        })),
  },
  {
    id: 'database',
    group: 'gateway',
    looksAt: 'the database',
    look({ database }) {
      if (database === undefined) return undefined
      if ('problem' in database)
        return [{ severity: 'serious', text: database.problem, mend: 'put a copy of guichet.db back' }]
      const [first] = database.problems
      if (first === undefined) return []
      const more = database.problems.length > 1 ? ` (and ${database.problems.length - 1} more)` : ''
      return [
        {
          severity: 'serious',
          text: `the database is damaged: ${first}${more}`,
          mend: 'stop the gateway and put a copy of guichet.db back',
        },
      ]
    },
  },
  {
    id: 'ledger',
    group: 'gateway',
    looksAt: 'the ledger',
    look({ ledger }) {
      if (ledger === undefined) return undefined
      return 'problem' in ledger
        ? [{ severity: 'serious', text: ledger.problem, mend: 'guichet ledger verify' }]
        : []
    },
  },
]

/** Where it listens, or would. */
function listenerOf({ status, config }: DoctorFacts): { host: string; isEncrypted: boolean } | undefined {
  const written = known(config)
  const host = status === undefined ? written?.host : hostOf(status.address)
  if (host === undefined) return undefined
  return { host, isEncrypted: written?.isEncrypted === true || status?.address.startsWith('https:') === true }
}

/** `127.0.0.1` of `http://127.0.0.1:8474` and of `127.0.0.1:8474`; without brackets. */
export function hostOf(address: string): string {
  return /^(?:https?:\/\/)?\[?(.*?)\]?:\d+\/?$/s.exec(address)?.[1] ?? address
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
