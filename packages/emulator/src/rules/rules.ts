import type { Readings } from '../readings.ts'
import type { Limit } from './windows.ts'

export type RuleId =
  | 'general'
  | 'folder-listing'
  | 'all-files-listing'
  | 'user-info-ip'
  | 'user-info-user'
  | 'refusals'
  | 'pace'
  | 'listing-gap'

export type LockScope = 'ip' | 'user' | 'key'

/** What a rule may look at. Absent `user` and `key` mean that the call was not identified. */
export interface JudgedCall {
  readonly endpoint: string
  readonly ip: string
  readonly user: string | undefined
  readonly key: string | undefined
  readonly folderId: number | undefined
}

export interface Rule {
  readonly id: RuleId
  readonly source: 'documented' | 'observed'
  readonly limit: Limit
  /** Whom the lock hits. */
  readonly scope: LockScope
  /** What the lock says; wire.md §3, the table of flood answers. */
  readonly message: string
  /** The bucket a call falls into, or undefined when the rule does not concern it. */
  readonly bucket: (call: JudgedCall, readings: RuleReadings) => string | undefined
}

/** The readings of wire.md §15 that change a rule. */
export type RuleReadings = Pick<Readings, 'folderListing' | 'allFilesWindowMs'>

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const LISTINGS: readonly string[] = ['file/ls', 'folder/ls']

/** Most listing results in one answer (wire.md §3). */
export const LISTING_RESULTS_MAX = 5_000
/** Most connections of one account to the download nodes (wire.md §7.3). */
export const DOWNLOAD_CONNECTIONS_MAX = 30

export const RULES: readonly Rule[] = [
  {
    id: 'general',
    source: 'documented',
    limit: { count: 3, windowMs: SECOND_MS },
    scope: 'ip',
    message: 'Flood detected: IP Locked #412',
    bucket: (call) => call.ip,
  },
  {
    id: 'folder-listing',
    source: 'documented',
    limit: { count: 1, windowMs: 30 * SECOND_MS },
    scope: 'ip',
    message: 'Flood detected: IP Locked #374',
    bucket: (call, { folderListing }) => {
      if (!isListing(call) || isAllFiles(call)) return undefined
      return `${folderListing === 'shared' ? 'any' : call.endpoint} ${call.user} ${call.folderId ?? 0}`
    },
  },
  {
    id: 'all-files-listing',
    source: 'documented',
    limit: { count: 1, windowMs: HOUR_MS },
    scope: 'user',
    message: 'Flood detected: User Locked #223',
    bucket: (call) => (isAllFiles(call) ? String(call.user) : undefined),
  },
  {
    id: 'user-info-ip',
    source: 'documented',
    limit: { count: 1, windowMs: MINUTE_MS },
    scope: 'ip',
    message: 'Flood detected: IP Locked #38',
    bucket: (call) => (call.endpoint === 'user/info' ? call.ip : undefined),
  },
  {
    id: 'user-info-user',
    source: 'documented',
    limit: { count: 1, windowMs: 5 * MINUTE_MS },
    scope: 'user',
    message: 'Flood detected: User Locked #218',
    bucket: (call) => (call.endpoint === 'user/info' ? String(call.user) : undefined),
  },
  {
    // Judged after the answer: see Police.noteRefusal. The documentation gives no figure; 20 a minute is a guess.
    id: 'refusals',
    source: 'documented',
    limit: { count: 20, windowMs: MINUTE_MS },
    scope: 'ip',
    message: 'IP Locked #79',
    bucket: () => undefined,
  },
  {
    // rclone PR#4160, 2020: "about" 2 calls a second before locks, so that the average over some seconds counts.
    id: 'pace',
    source: 'observed',
    limit: { count: 6, windowMs: 3 * SECOND_MS },
    scope: 'ip',
    message: 'Flood detected: IP Locked #374',
    bucket: (call) => call.ip,
  },
  {
    id: 'listing-gap',
    source: 'observed',
    limit: { count: 1, windowMs: 3 * SECOND_MS },
    scope: 'key',
    // The number of this message is in no source.
    message: 'Flood detected: User APK Locked #225',
    bucket: (call) => (isListing(call) ? String(call.key) : undefined),
  },
]

function isListing(call: JudgedCall): boolean {
  return LISTINGS.includes(call.endpoint)
}

function isAllFiles(call: JudgedCall): boolean {
  return call.endpoint === 'file/ls' && call.folderId === -1
}
