import { DAY_MS } from '@guichet/core'
import type { DatabaseReport, ReportedKey } from '@guichet/gateway'
import type { ApiStatus } from '@guichet/sdk'
import type { DoctorFacts } from './facts.ts'

export const NOW_MS: number = Date.UTC(2026, 5, 1)

/** Facts in which there is nothing to find. */
export function healthyFacts(): DoctorFacts {
  const database: DatabaseReport = {
    schema: 7,
    problems: [],
    keys: [keyFact({})],
    stopped: [],
    clock: { offsetMs: 800, atMs: NOW_MS },
    counts: { keys: 1, ledger: 5 },
  }
  return {
    nowMs: NOW_MS,
    nodeVersion: 'v24.21.0',
    platform: 'linux',
    uid: 1000,
    home: '/home/ada/guichet',
    files: [{ path: '/home/ada/guichet', kind: 'folder', mode: 0o700, uid: 1000, role: 'home' }],
    vault: { storedMs: NOW_MS - DAY_MS },
    config: {
      host: '127.0.0.1',
      port: 8474,
      unlock: { kind: 'prompt' },
      reserveBytes: 512 * 1024 * 1024,
      isEncrypted: false,
    },
    status: healthyStatus(),
    database,
    ledger: { entries: 5 },
    disk: { freeBytes: 1e11, totalBytes: 1e12 },
    authority: { endMs: NOW_MS + 3_000 * DAY_MS },
    copies: [],
    shellLines: [],
    coreBytesMax: 0,
  }
}

export function keyFact(change: Partial<ReportedKey>): ReportedKey {
  return {
    id: 'k-aaaaaaaa',
    name: 'kodi',
    verbs: ['list', 'stat', 'download'],
    root: 0,
    rootPath: '/',
    createdMs: NOW_MS - 20 * DAY_MS,
    expiresMs: NOW_MS + DAY_MS,
    revokedMs: undefined,
    endedMs: undefined,
    usedMs: NOW_MS - DAY_MS,
    ...change,
  }
}

export function healthyStatus(): ApiStatus {
  return {
    version: '0.1.0',
    startedMs: NOW_MS - DAY_MS,
    address: '127.0.0.1:8474',
    keyholder: { state: 'ready', keyAgeDays: 1 },
    scheduler: { waiting: [], locks: [], rules: [] },
    upstream: { calls: {}, total: 0, saved: 0, locksMet: 0 },
    tree: { folders: 1, files: 0 },
    keys: { active: 1, revoked: 0, expired: 0 },
    budgets: {},
    transfers: {},
    ledger: { entries: 5 },
  }
}
