import { DAY_MS, ENDPOINTS, SECOND_MS, TRAITS, UNPACED, VERBS } from '@guichet/core'
import type { ApiStatus } from '@guichet/sdk'
import type { Diagnosis } from './checks.ts'
import { type DoctorFacts, known } from './facts.ts'
import { hostOf, isLoopback } from './gateway-checks.ts'

/**
 * A report that can be shown to everybody.
 *
 * It is built by an allow list: numbers, truth values, and words that are Guichet's own and listed here.
 * No text that came from anywhere else is copied into it, so there is nothing to search for names and keys afterwards:
 * what is not known is told as `other`.
 */
export function bundleOf(
  facts: DoctorFacts,
  diagnosis: Diagnosis,
  about: { readonly version: string; readonly arch: string; readonly log: readonly string[] },
): object {
  const { nowMs, status, database, vault, config, disk, authority } = facts
  const stored = known(vault)
  return {
    format: 'guichet-support',
    version: 1,
    madeAt: new Date(nowMs).toISOString(),
    guichet: versionText(about.version),
    node: versionText(facts.nodeVersion),
    platform: oneOf(facts.platform, ['linux', 'darwin', 'win32', 'freebsd']),
    arch: oneOf(about.arch, ['x64', 'arm64', 'arm', 'ia32', 'riscv64']),
    findings: diagnosis.findings.map(({ check, severity }) => ({ check, severity })),
    lookedAt: diagnosis.lookedAt.length,
    notLookedAt: diagnosis.notLookedAt,
    vault: stored === undefined ? stateOf(vault) : { keyAgeDays: daysBetween(stored.storedMs, nowMs) },
    config: configPart(config),
    files: facts.files.map((file) => ({
      name: oneOf(file.path.slice(file.path.lastIndexOf('/') + 1), FILE_NAMES),
      role: file.role,
      kind: file.kind,
      mode: file.mode.toString(8),
      isOwn: file.uid === facts.uid,
    })),
    database: databasePart(database, nowMs),
    ledger: known(facts.ledger) === undefined ? stateOf(facts.ledger) : 'sound',
    status: status === undefined ? 'absent' : statusPart(status, nowMs),
    disk: disk && { freeGiB: gibibytes(disk.freeBytes), totalGiB: gibibytes(disk.totalBytes) },
    authority:
      known(authority) === undefined
        ? stateOf(authority)
        : { daysLeft: daysBetween(nowMs, known(authority)?.endMs ?? nowMs) },
    copies: facts.copies?.map(({ tool }) => tool),
    shellLines: facts.shellLines?.map(({ what }) => what),
    coreDumps: facts.coreBytesMax === undefined ? 'unknown' : facts.coreBytesMax > 0,
    log: about.log.flatMap((line) => logEntry(line) ?? []),
  }
}

const FILE_NAMES = [
  ...['vault', 'config.json', 'ca.key', 'ca.pem', 'keys.pepper', 'home.lock', 'run', 'spool', 'adopt'],
  ...['guichet.db', 'guichet.db-wal', 'guichet.db-shm', 'admin.sock', 'keyholder.sock'],
] as const

/** What 1fichier's refusals have in common; whatever else stands there may name something. */
const REFUSALS = [
  ...['Flood detected', 'IP Locked', 'User Locked', 'User APK Locked', 'No such user', 'Owner locked'],
  ...['Not authenticated', 'Must be a customer'],
] as const

function configPart(config: DoctorFacts['config']): unknown {
  const fact = known(config)
  if (fact === undefined) return stateOf(config)
  return {
    listen: reachOf(fact.host),
    port: fact.port,
    isEncrypted: fact.isEncrypted,
    unlock: fact.unlock.kind,
    reserveMiB: Math.round(fact.reserveBytes / 1024 / 1024),
  }
}

function databasePart(database: DoctorFacts['database'], nowMs: number): unknown {
  const report = known(database)
  if (report === undefined) return stateOf(database)
  return {
    schema: report.schema,
    problems: report.problems.length,
    counts: report.counts,
    stopped: report.stopped.map(refusalText),
    clockOffSeconds: report.clock && Math.round(report.clock.offsetMs / SECOND_MS),
    keys: report.keys.map((key) => ({
      verbs: key.verbs.map((verb) => oneOf(verb, VERBS)),
      hasRoot: key.root !== 0,
      ageDays: daysBetween(key.createdMs, nowMs),
      daysLeft: key.expiresMs === undefined ? 'for ever' : daysBetween(nowMs, key.expiresMs),
      isRevoked: key.revokedMs !== undefined,
      unusedDays: key.usedMs === undefined ? 'never used' : daysBetween(key.usedMs, nowMs),
    })),
  }
}

function statusPart(status: ApiStatus, nowMs: number): object {
  const { scheduler, upstream, tree, keys, ledger } = status
  return {
    version: versionText(status.version),
    upSeconds: Math.round((nowMs - status.startedMs) / SECOND_MS),
    listen: reachOf(hostOf(status.address)),
    isEncrypted: status.address.startsWith('https:'),
    keyholder: status.keyholder.state,
    waiting: scheduler.waiting.map(({ endpoint, priority, waitMs }) => ({
      endpoint: oneOf(endpoint, CALLS),
      priority: oneOf(priority, PRIORITIES),
      waitMs: Math.round(waitMs),
    })),
    locks: scheduler.locks.map(({ reach, state, scope, reason, untilMs }) => ({
      reach: oneOf(reach, ['api', 'account', 'tokens']),
      state: oneOf(state, ['open', 'half-open', 'stopped']),
      scope: scope === undefined ? undefined : oneOf(scope, ['ip', 'user', 'key']),
      reason: refusalText(reason),
      secondsLeft: untilMs === undefined ? undefined : Math.round((untilMs - nowMs) / SECOND_MS),
    })),
    rules: scheduler.rules.map(({ burst, gapMs }) => ({ burst, gapMs })),
    calls: Object.fromEntries(CALLS.map((name) => [name, upstream.calls[name] ?? 0])),
    saved: upstream.saved,
    locksMet: upstream.locksMet,
    tree: { folders: tree.folders, files: tree.files },
    keys: { active: keys.active, revoked: keys.revoked, expired: keys.expired },
    transfers: Object.fromEntries(TRANSFERS.map((state) => [state, status.transfers[state] ?? 0])),
    ledger: ledger.entries,
  }
}

const CALLS = [...ENDPOINTS, ...UNPACED] as const
const PRIORITIES = ['interactive', 'stream', 'write', 'sync', 'scan'] as const
const TRANSFERS = ['spooled', 'sending', 'reporting', 'doubtful', 'stored', 'failed'] as const

/** Numbers of a line of the gateway's log, and words that can name nothing; its sentence can name a file. */
function logEntry(line: string): object | undefined {
  let entry: unknown
  try {
    entry = JSON.parse(line)
  } catch {
    return undefined // Not a line of ours.
  }
  if (typeof entry !== 'object' || entry === null) return undefined
  const field = (name: string): unknown => Reflect.get(entry, name)
  const numbers = ['level', 'time', 'status', 'waitMs', 'durationMs', 'failures', 'pid']
    .map((name) => [name, field(name)] as const)
    .filter(([, value]) => typeof value === 'number')
  const words = Object.entries(LOG_WORDS)
    .map(([name, allowed]) => [name, field(name), allowed] as const)
    .filter(([, value]) => typeof value === 'string')
    .map(([name, value, allowed]) => [name, oneOf(String(value), allowed)] as const)
  return Object.fromEntries([...numbers, ...words])
}

const LOG_WORDS: Readonly<Record<string, readonly string[]>> = {
  door: ['native', 'proxy', 'api', 'admin'],
  verb: [...VERBS, 'admin', 'tunnel', 'authenticate'],
  decision: ['allow', 'deny'],
  endpoint: CALLS,
  code: Object.keys(TRAITS),
}

function stateOf(fact: object | undefined): string {
  return fact === undefined ? 'absent' : 'unreadable'
}

function oneOf(text: string, words: readonly string[]): string {
  return words.includes(text) ? text : 'other'
}

function refusalText(reason: string): string {
  const words = REFUSALS.filter((text) => reason.toLowerCase().includes(text.toLowerCase()))
  return words.length === 0 ? 'other' : words.join(', ')
}

function versionText(text: string): string {
  return /^v?\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(text) ? text : 'other'
}

/** Who can reach an address, without the address. */
function reachOf(host: string): string {
  if (isLoopback(host)) return 'this machine'
  if (host === '0.0.0.0' || host === '::') return 'everywhere'
  return 'another address'
}

function daysBetween(fromMs: number, toMs: number): number {
  return Math.floor((toMs - fromMs) / DAY_MS)
}

function gibibytes(bytes: number): number {
  return Math.round(bytes / 1024 ** 3)
}
