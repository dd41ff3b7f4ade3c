import { readFileSync } from 'node:fs'
import path from 'node:path'
import {
  APPROVAL_TIMEOUT_MINUTES,
  type Budget,
  budgetText,
  GatewayError,
  MINUTE_MS,
  parseBudgets,
  systemCodeOf,
} from '@guichet/core'
import { z } from 'zod'
import type { CertificateFiles } from './certificate.ts'
import { type Pace, readRules } from './config-pace.ts'
import { parseJson, readText } from './config-text.ts'
import { checkCertificate, DEFAULT_LISTEN, parseHostPort, parseListen } from './listeners.ts'
import type { LogLevel } from './log.ts'
import { requireBlocks } from './services/addresses.ts'

export interface Config extends Pace {
  readonly home: string
  readonly listen: { readonly host: string; readonly port: number }
  /** The certificate that the port shows; without it the port speaks plain HTTP. */
  readonly tls: CertificateFiles | undefined
  /** Blocks of addresses of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[]
  readonly unlock:
    | { readonly kind: 'file'; readonly path: string }
    | { readonly kind: 'keyring' }
    | { readonly kind: 'prompt' }
  /** Where connections for 1fichier's names go instead, names and TLS checks unchanged. */
  readonly upstreamRoute: { readonly host: string; readonly port: number } | undefined
  /** A CA to trust for them, as PEM. */
  readonly upstreamCa: string | undefined
  /** For so long a listing is answered without a thought; later it is refreshed behind the answer. */
  readonly freshMs: number
  /** Disk space that uploads leave free. */
  readonly reserveBytes: number
  /** A deletion that waits for a person is refused after so long. */
  readonly approvalMs: number
  /** What the owner, too, may use up. */
  readonly ownerBudgets: readonly Budget[]
  readonly logLevel: LogLevel
  readonly env: Readonly<Record<string, string | undefined>>
}

/** What may stand in `config.json`. */
export interface ConfigFile {
  /** `HOST:PORT` */
  readonly listen?: string | undefined
  readonly unlock?: Config['unlock'] | undefined
  /** A file of pacing rules. */
  readonly rules?: string | undefined
  readonly freshMinutes?: number | undefined
  readonly reserveMegabytes?: number | undefined
  /** How long a deletion waits for a person. */
  readonly approvalMinutes?: number | undefined
  /** As `guichet key create --budget` takes them: what the owner, too, may use up. */
  readonly ownerBudgets?: readonly string[] | undefined
  readonly log?: LogLevel | undefined
  /** Listen for other machines without TLS. */
  readonly plainHttp?: boolean | undefined
  readonly tls?: CertificateFiles | undefined
  /** Addresses, or blocks of them, of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies?: readonly string[] | undefined
}

const file = z.strictObject({
  listen: z.string().optional(),
  unlock: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('file'), path: z.string().min(1) }),
      z.strictObject({ kind: z.literal('keyring') }),
      z.strictObject({ kind: z.literal('prompt') }),
    ])
    .optional(),
  rules: z.string().min(1).optional(),
  freshMinutes: z.number().positive().max(43_200).optional(),
  reserveMegabytes: z.number().nonnegative().optional(),
  approvalMinutes: z.number().positive().max(1_440).optional(),
  ownerBudgets: z.array(z.string()).max(50).optional(),
  log: z.enum(['debug', 'info', 'warn', 'error', 'silent']).optional(),
  plainHttp: z.boolean().optional(),
  tls: z.strictObject({ certFile: z.string().min(1), keyFile: z.string().min(1) }).optional(),
  trustedProxies: z.array(z.string()).optional(),
})

/**
 * Reads `<home>/config.json`, the environment and the command's flags; a later one wins.
 * Rejects with `invalid` and every problem at once.
 */
export function loadConfig(input: {
  readonly home: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly flags?: {
    readonly listen?: string | undefined
    readonly unlockFile?: string | undefined
    readonly plainHttp?: boolean | undefined
    readonly tlsCert?: string | undefined
    readonly tlsKey?: string | undefined
  }
}): Config {
  const { home, env, flags = {} } = input
  const problems: string[] = []
  const given = readConfigFile(home, problems)
  const plainHttp = flags.plainHttp ?? flagOf(env, 'GUICHET_PLAIN_HTTP', problems) ?? given.plainHttp ?? false
  const tls = checkCertificate(
    {
      certFile: fileIn(home, flags.tlsCert ?? env['GUICHET_TLS_CERT'], given.tls?.certFile),
      keyFile: fileIn(home, flags.tlsKey ?? env['GUICHET_TLS_KEY'], given.tls?.keyFile),
    },
    problems,
  )
  const listen = parseListen(
    flags.listen ?? env['GUICHET_LISTEN'] ?? given.listen ?? DEFAULT_LISTEN,
    plainHttp || tls !== undefined,
    problems,
  )
  const unlockFile = flags.unlockFile ?? env['GUICHET_UNLOCK_FILE']
  const unlock =
    unlockFile === undefined
      ? unlockIn(home, given.unlock)
      : { kind: 'file' as const, path: path.resolve(unlockFile) }
  const level = z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .safeParse(env['GUICHET_LOG'] ?? given.log ?? 'info')
  if (!level.success)
    problems.push(
      `GUICHET_LOG: ${JSON.stringify(env['GUICHET_LOG'])} is not one of debug info warn error silent`,
    )
  const rules = readRules(fileIn(home, env['GUICHET_RULES'], given.rules), problems)
  const config: Config = {
    home,
    listen,
    tls,
    trustedProxies: checkBlocks(given.trustedProxies ?? [], problems),
    unlock,
    upstreamRoute: parseRoute(env['GUICHET_UPSTREAM_CONNECT'], problems),
    upstreamCa: readCa(env['GUICHET_UPSTREAM_CA'], problems),
    ...rules,
    freshMs: (given.freshMinutes ?? 60) * MINUTE_MS,
    reserveBytes: (given.reserveMegabytes ?? 512) * 1024 * 1024,
    approvalMs: (given.approvalMinutes ?? APPROVAL_TIMEOUT_MINUTES) * MINUTE_MS,
    ownerBudgets: readOwnerBudgets(given.ownerBudgets, problems),
    logLevel: level.data ?? 'info',
    env,
  }
  if (problems.length === 0) return config
  throw new GatewayError(
    'invalid',
    `the configuration has ${problems.length} problem(s):\n  ${problems.join('\n  ')}`,
    {
      hint: 'mend every line above; `guichet config check` reads it again',
    },
  )
}

/** A file named in `config.json` stands beside it; one named elsewhere, where the command was typed. */
function fileIn(home: string, typed: string | undefined, given: string | undefined): string | undefined {
  if (typed !== undefined && typed !== '') return path.resolve(typed)
  return given === undefined ? undefined : path.resolve(home, given)
}

function unlockIn(home: string, unlock: Config['unlock'] = { kind: 'prompt' }): Config['unlock'] {
  return unlock.kind === 'file' ? { kind: 'file', path: path.resolve(home, unlock.path) } : unlock
}

function checkBlocks(blocks: readonly string[], problems: string[]): readonly string[] {
  try {
    requireBlocks(blocks)
  } catch (failure) {
    problems.push(`trustedProxies: ${GatewayError.from(failure).message}`)
  }
  return blocks
}

function parseRoute(text: string | undefined, problems: string[]): Config['upstreamRoute'] {
  if (text === undefined || text === '') return undefined
  const route = parseHostPort(text)
  if (route === undefined || route.port === 0)
    problems.push(`GUICHET_UPSTREAM_CONNECT: ${JSON.stringify(text)} is not HOST:PORT`)
  return route
}

function readCa(name: string | undefined, problems: string[]): string | undefined {
  if (name === undefined || name === '') return undefined
  const text = readText(name, 'GUICHET_UPSTREAM_CA', problems)
  if (text !== undefined && !text.includes('-----BEGIN CERTIFICATE-----'))
    problems.push(`GUICHET_UPSTREAM_CA: ${name} holds no certificate in PEM`)
  return text
}

function readConfigFile(home: string, problems: string[]): ConfigFile {
  const name = path.join(home, 'config.json')
  try {
    const text = readFileSync(name, 'utf8')
    return parseJson(text, file, 'config.json', problems) ?? soundParts(text)
  } catch (failure) {
    if (systemCodeOf(failure) === 'ENOENT') return {}
    problems.push(`config.json: cannot be read (${systemCodeOf(failure) ?? 'unknown reason'})`)
    return {}
  }
}

/** What can be understood of a broken file, so that the problems of its values are told with those of its shape. */
function soundParts(text: string): ConfigFile {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return {}
    const parts = Object.entries(file.shape).flatMap(([name, shape]) => {
      const part = shape.safeParse(Reflect.get(value, name))
      return part.success ? [[name, part.data] as const] : []
    })
    return Object.fromEntries(parts)
  } catch {
    return {} // It is no JSON, which has been told.
  }
}

/** The owner can always ask, to seal and to revoke: only what costs something is counted. */
function readOwnerBudgets(texts: readonly string[] = [], problems: string[]): readonly Budget[] {
  try {
    const budgets = parseBudgets(texts)
    for (const budget of budgets) {
      if (budget.measure === 'calls' || budget.measure === 'concurrent') {
        problems.push(`ownerBudgets: ${budgetText(budget)}: the calls of the owner are not limited`)
      }
    }
    return budgets
  } catch (failure) {
    problems.push(`ownerBudgets: ${GatewayError.from(failure).message}`)
    return []
  }
}

function flagOf(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  problems: string[],
): boolean | undefined {
  const value = env[name]
  if (value === undefined || value === '') return undefined
  if (value === '1' || value === 'true') return true
  if (value === '0' || value === 'false') return false
  problems.push(`${name}: ${JSON.stringify(value)} is neither 1 nor 0`)
  return undefined
}
