import type { ApprovalRule } from './approvals.ts'
import type { Budget } from './budgets.ts'
import { DAY_MS } from './clock.ts'
import { GatewayError } from './errors.ts'
import type { FolderId, KeyId } from './ids.ts'
import type { TrashRule } from './trash.ts'

/** What a virtual key may be allowed to do. Deny by default; deleting is apart from writing. */
export const VERBS = [
  'list',
  'stat',
  'download',
  'upload',
  'mkdir',
  'rename',
  'move',
  'copy',
  'delete',
  'share',
  'password',
  'remote-upload',
  'account',
  'ftp',
  'cdn',
  'direct',
] as const

export type Verb = (typeof VERBS)[number]

export type VerbSet = 'read' | 'append-only' | 'write' | 'files' | 'all'

/** Verbs that come together often enough to have a name. */
export const VERB_SETS: Readonly<Record<VerbSet, readonly Verb[]>> = {
  /** Looking and fetching. */
  read: ['list', 'stat', 'download'],
  /** For backups: nothing that is there can be changed or removed by its holder. */
  'append-only': ['list', 'stat', 'download', 'upload', 'mkdir'],
  /** What a sync tool needs to add and arrange, but not to delete. */
  write: ['list', 'stat', 'download', 'upload', 'mkdir', 'rename', 'move', 'copy'],
  /** Everything one does with files. */
  files: ['list', 'stat', 'download', 'upload', 'mkdir', 'rename', 'move', 'copy', 'delete', 'account'],
  all: VERBS,
}

/** A key we issue. Its secret is not part of it: only a keyed hash is kept. */
export interface VirtualKey {
  readonly id: KeyId
  readonly name: string
  readonly verbs: readonly Verb[]
  /** The folder it is confined to; 0 is the whole account. */
  readonly root: FolderId
  /** Where that folder was when the key was made, for people. */
  readonly rootPath: string
  /** May its holder tunnel to hosts that are not 1fichier's through the proxy door? */
  readonly mayTunnel: boolean
  readonly limits: KeyLimits
  /** The key that issued it, whose limits bind it too; absent: the owner. */
  readonly parent: KeyId | undefined
  readonly createdMs: number
  readonly expiresMs: number | undefined
  readonly revokedMs: number | undefined
  /** What it was used for, as far as its limits count that. */
  readonly use: KeyUse
  /** Seen to be over by itself, which is for good: a clock that is set back does not revive it. */
  readonly ended: { readonly problem: SelfEnding; readonly atMs: number } | undefined
}

export interface KeyUse {
  /** Requests that were let in; counted only where a limit needs it. */
  readonly count: number
  /** The last of them. */
  readonly lastMs: number | undefined
}

/** What narrows a key beyond its verbs, its root and its end; what is absent does not. */
export interface KeyLimits {
  /** It is good from this moment on. */
  readonly notBeforeMs?: number | undefined
  /** Unused for so long, it ends for good. */
  readonly idleMs?: number | undefined
  /** Before this moment it was not noted when it was used: `idleMs` counts from here at the earliest. */
  readonly idleFromMs?: number | undefined
  /** So many requests are let in during its whole life. */
  readonly uses?: number | undefined
  /** Blocks of addresses (`192.168.1.0/24`, `2001:db8::1`) that it may be used from; absent: from everywhere. */
  readonly from?: readonly string[] | undefined
  /** Blocks of addresses that it may not be used from, also where `from` has them. */
  readonly notFrom?: readonly string[] | undefined
  /** May its holder issue narrower keys? */
  readonly mayIssue?: boolean | undefined
  readonly budgets?: readonly Budget[] | undefined
  readonly approval?: ApprovalRule | undefined
  /** What it deletes is kept for a while; also what keys issued under it delete. */
  readonly trash?: TrashRule | undefined
}

/** How a key ends by the mere passing of time. */
export type SelfEnding = 'expired' | 'idle'
export type KeyProblem = 'revoked' | SelfEnding | 'used-up' | 'not-yet'

/** Keys last this long unless told otherwise. */
export const KEY_LIFETIME_MS: number = 90 * DAY_MS

/** What decides whether a key is good at a moment. */
export type KeyLife = Pick<VirtualKey, 'createdMs' | 'expiresMs' | 'revokedMs' | 'limits' | 'use' | 'ended'>

/** Why a key is not good at a moment, or nothing. Its ancestors may be over all the same. */
export function problemOfKey(key: KeyLife, nowMs: number): KeyProblem | undefined {
  const { createdMs, expiresMs, revokedMs, limits, use, ended } = key
  if (revokedMs !== undefined) return 'revoked'
  if (ended !== undefined) return ended.problem
  if (expiresMs !== undefined && expiresMs <= nowMs) return 'expired'
  const { notBeforeMs, idleMs, idleFromMs = createdMs, uses } = limits
  const idleSinceMs = Math.max(use.lastMs ?? createdMs, notBeforeMs ?? createdMs, idleFromMs)
  if (idleMs !== undefined && nowMs - idleSinceMs >= idleMs) return 'idle'
  if (uses !== undefined && use.count >= uses) return 'used-up'
  if (notBeforeMs !== undefined && nowMs < notBeforeMs) return 'not-yet'
  return undefined
}

/** Is a key good now, or will it be? A name that it has is taken. */
export function isLiving(key: KeyLife, nowMs: number): boolean {
  const problem = problemOfKey(key, nowMs)
  return problem === undefined || problem === 'not-yet'
}

/** `list,download`, a name of `VERB_SETS`, or a mix; all problems at once. */
export function parseVerbs(text: string): readonly Verb[] {
  const words = text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')
  const unknown = words.filter((word) => !isVerb(word) && !isVerbSet(word))
  if (unknown.length > 0 || words.length === 0) {
    throw new GatewayError(
      'invalid',
      unknown.length > 0 ? `unknown verb: ${unknown.join(', ')}` : 'no verb given',
      {
        hint: `choose from ${VERBS.join(' ')}, or one of ${Object.keys(VERB_SETS).join(' ')}`,
      },
    )
  }
  const chosen = new Set<Verb>(
    words.flatMap((word) => (isVerbSet(word) ? [...VERB_SETS[word]] : isVerb(word) ? [word] : [])),
  )
  return VERBS.filter((verb) => chosen.has(verb))
}

/** May a holder of these verbs do this? Listing shows what `stat` would, so it includes it. */
export function allowsVerb(verbs: readonly Verb[], verb: Verb): boolean {
  return verbs.includes(verb) || (verb === 'stat' && verbs.includes('list'))
}

/**
 * The text of a key: 32 characters that pass for an API key of 1fichier (`[A-Za-z0-9\-_=]{32}`), so that tools take it.
 *
 *     gch_ rrrrrrrrrrrrrrrrrrrrrr cccccc
 *     │    │                      └ checksum: CRC-32 of all that is before it, base 62
 *     │    └ 22 random characters of base 62: 131 bits
 *     └ prefix, for scanners
 */
export const KEY_PREFIX = 'gch_'
const RANDOM_LENGTH = 22
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Marks a token that fetches the text of a new key once; it has the form of a key otherwise. */
export const WRAP_PREFIX = 'gcw_'

/** Builds the text of a new key from random bytes; asks for as many as it needs. */
export function createKeyText(randomBytes: (count: number) => Uint8Array): string {
  return createText(KEY_PREFIX, randomBytes)
}

export function createWrapToken(randomBytes: (count: number) => Uint8Array): string {
  return createText(WRAP_PREFIX, randomBytes)
}

function createText(prefix: string, randomBytes: (count: number) => Uint8Array): string {
  let body = ''
  while (body.length < RANDOM_LENGTH) {
    // Bytes of 248 and more are dropped: 248 is the largest multiple of 62 in a byte, so no character is likelier.
    for (const byte of randomBytes(RANDOM_LENGTH)) {
      if (byte < 248 && body.length < RANDOM_LENGTH) body += ALPHABET[byte % 62]
    }
  }
  const head = prefix + body
  return head + checksum(head)
}

/** True for a text that has the shape and the checksum of a virtual key; says nothing about whether it was issued. */
export function isKeyText(text: string): boolean {
  return hasChecksum(KEY_PREFIX, text)
}

export function isWrapToken(text: string): boolean {
  return hasChecksum(WRAP_PREFIX, text)
}

function hasChecksum(prefix: string, text: string): boolean {
  if (!text.startsWith(prefix) || !/^[0-9A-Za-z]{28}$/.test(text.slice(prefix.length))) return false
  const head = text.slice(0, -6)
  return checksum(head) === text.slice(-6)
}

/** True for a text that could be an API key of 1fichier: 32 characters, and not one of ours (wire.md §2). */
export function mayBeApiKey(text: string): boolean {
  return /^[A-Za-z0-9\-_=]{32}$/.test(text) && !isKeyText(text) && !isWrapToken(text)
}

function isVerb(word: string): word is Verb {
  return (VERBS as readonly string[]).includes(word)
}

function isVerbSet(word: string): word is VerbSet {
  return Object.hasOwn(VERB_SETS, word)
}

function checksum(text: string): string {
  let rest = crc32(text)
  let out = ''
  for (let index = 0; index < 6; index += 1) {
    out = ALPHABET[rest % 62] + out
    rest = Math.floor(rest / 62)
  }
  return out
}

/** CRC-32 as in IEEE 802.3, over ASCII. */
function crc32(text: string): number {
  let crc = 0xffffffff
  for (let index = 0; index < text.length; index += 1) {
    crc ^= text.charCodeAt(index)
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}
