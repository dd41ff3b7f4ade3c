import { X509Certificate } from 'node:crypto'
import { access, readFile, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { GatewayError, isKeyText, systemCodeOf } from '@guichet/core'
import type { DatabaseReport } from '@guichet/gateway'
import { SHELL_FILES, usualPlaces } from '@guichet/leaks'
import type { ApiStatus } from '@guichet/sdk'
import { lookAt } from '../adopting/seen-places.ts'
import type { Session } from '../session.ts'
import type { ConfigFact, CopyFact, DoctorFacts, ShellLine } from './facts.ts'
import { known } from './facts.ts'
import { filesOfHome } from './home-files.ts'

const STATUS_TIMEOUT_MS = 5_000

/** Reads all that the checks need, and changes nothing. A gateway is asked if one runs; 1fichier never is. */
export async function gatherFacts(session: Session): Promise<DoctorFacts> {
  const { world, home } = session
  const config = await orProblem(() => configOf(session))
  return {
    nowMs: world.clock.nowMs(),
    nodeVersion: process.version,
    platform: world.platform,
    uid: process.getuid?.(),
    home: home.path,
    files: await filesOfHome(home.path, unlockPathOf(known(config))),
    vault: await orProblem(() => storedAt(home.vault)),
    config,
    status: await statusOf(session),
    database: await orProblem(() => reportOf(home.path)),
    ledger: await orProblem(() => ledgerOf(home.path)),
    disk: await diskOf(home.path),
    authority: await orProblem(() => authorityOf(home.authority)),
    copies: await copiesOf(session),
    shellLines: await shellLinesOf(session),
    coreBytesMax: await coreBytesMaxOf(),
  }
}

/** `undefined` for what is not there at all. */
async function orProblem<Fact>(
  work: () => Promise<Fact | undefined>,
): Promise<Fact | { readonly problem: string } | undefined> {
  try {
    return await work()
  } catch (failure) {
    if (systemCodeOf(failure) === 'ENOENT') return undefined
    return { problem: GatewayError.from(failure).message }
  }
}

async function configOf({ home, world }: Session): Promise<ConfigFact> {
  const { loadConfig } = await import('@guichet/gateway')
  const config = loadConfig({ home: home.path, env: world.env })
  const { listen, unlock, reserveBytes, tls } = config
  return { ...listen, unlock, reserveBytes, isEncrypted: tls !== undefined }
}

function unlockPathOf(config: ConfigFact | undefined): string | undefined {
  return config?.unlock.kind === 'file' ? config.unlock.path : undefined
}

async function storedAt(vault: string): Promise<{ storedMs: number } | undefined> {
  const { inspectVault } = await import('@guichet/keyholder')
  try {
    return { storedMs: await inspectVault(vault) }
  } catch (failure) {
    if (failure instanceof GatewayError && failure.code === 'not-found') return undefined
    throw failure
  }
}

async function statusOf(session: Session): Promise<ApiStatus | undefined> {
  try {
    return await session.connect().guichet.status({ signal: AbortSignal.timeout(STATUS_TIMEOUT_MS) })
  } catch {
    return undefined // Without a gateway the rest is looked at all the same.
  }
}

async function reportOf(home: string): Promise<DatabaseReport> {
  const { databaseOf, inspectDatabase } = await import('@guichet/gateway')
  await access(databaseOf(home))
  return inspectDatabase(databaseOf(home))
}

/** Every entry and checkpoint; `undefined` for the file of another version, of which the gateway tells. */
async function ledgerOf(home: string): Promise<DoctorFacts['ledger']> {
  const { databaseOf, openLedgerFile, verifyLedger } = await import('@guichet/gateway')
  await access(databaseOf(home))
  try {
    await using source = openLedgerFile(databaseOf(home))
    const { head, problem } = await verifyLedger({ source })
    if (problem === undefined) return { entries: head.size }
    return { problem: `the ledger is not what was recorded: ${problem.message}` }
  } catch (failure) {
    if (GatewayError.from(failure).code === 'invalid') return undefined
    throw failure
  }
}

async function diskOf(path: string): Promise<DoctorFacts['disk']> {
  try {
    const { bavail, blocks, bsize } = await statfs(path)
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
  } catch {
    return undefined // Without a home there is nothing to say about its disk.
  }
}

async function authorityOf(path: string): Promise<{ endMs: number }> {
  const pem = await readFile(path, 'utf8')
  try {
    return { endMs: Date.parse(new X509Certificate(pem).validTo) }
  } catch (cause) {
    throw new GatewayError('invalid', `${path} is not a certificate`, { cause })
  }
}

async function copiesOf({ world }: Session): Promise<readonly CopyFact[]> {
  const { seen } = await lookAt(usualPlaces(world))
  return seen.flatMap(({ place, sightings }) =>
    sightings.map(({ line }) => ({ path: place.path, tool: place.tool, line })),
  )
}

const PROXY = /\b(?:https|all)_proxy\b/i
/** The gateway's own address, as `guichet serve` prints it. */
const OURS = /(?:127\.0\.0\.1|localhost|\[::1\]):8474\b|\/\/guichet:/

async function shellLinesOf({ world }: Session): Promise<readonly ShellLine[]> {
  const found: ShellLine[] = []
  for (const name of SHELL_FILES) {
    const path = join(world.userHome, name)
    const text = await readFile(path, 'utf8').catch(() => '') // Most of them are not there.
    for (const [index, line] of text.split('\n').entries()) {
      if (/^\s*#/.test(line)) continue
      const hasKey = (line.match(/gch_[0-9A-Za-z]{28}/g) ?? []).some(isKeyText)
      if (hasKey) found.push({ path, line: index + 1, what: 'virtual-key' })
      else if (PROXY.test(line) && OURS.test(line)) found.push({ path, line: index + 1, what: 'proxy' })
    }
  }
  return found
}

/** The soft limit of this process, which what it starts inherits. */
async function coreBytesMaxOf(): Promise<number | undefined> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '') // Only Linux has it.
  const [, soft] = /^Max core file size\s+(\d+|unlimited)/m.exec(limits) ?? []
  if (soft === undefined) return undefined
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft)
}
