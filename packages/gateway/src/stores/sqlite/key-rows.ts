import {
  type KeyLimits,
  MEASURES,
  parseFolderId,
  parseKeyId,
  parseVerbs,
  type VirtualKey,
  WINDOWS,
} from '@guichet/core'
import { z } from 'zod'
import type { SqlValue } from './database.ts'

/** A row of `keys`. */
export interface KeyRow {
  readonly id: string
  readonly name: string
  readonly verbs: string
  readonly root: number
  readonly root_path: string
  readonly may_tunnel: number
  readonly limits: string
  readonly parent: string | null
  readonly created_ms: number
  readonly expires_ms: number | null
  readonly revoked_ms: number | null
  readonly uses: number
  readonly used_ms: number | null
  readonly ended: string | null
  readonly ended_ms: number | null
}

export const KEY_COLUMNS: readonly (keyof KeyRow)[] = [
  'id',
  'name',
  'verbs',
  'root',
  'root_path',
  'may_tunnel',
  'limits',
  'parent',
  'created_ms',
  'expires_ms',
  'revoked_ms',
  'uses',
  'used_ms',
  'ended',
  'ended_ms',
]

/** The values of a key in the order of `KEY_COLUMNS`. */
export function rowOf(key: VirtualKey): SqlValue[] {
  return [
    key.id,
    key.name,
    JSON.stringify(key.verbs),
    key.root,
    key.rootPath,
    key.mayTunnel ? 1 : 0,
    JSON.stringify(key.limits),
    key.parent ?? null,
    key.createdMs,
    key.expiresMs ?? null,
    key.revokedMs ?? null,
    key.use.count,
    key.use.lastMs ?? null,
    key.ended?.problem ?? null,
    key.ended?.atMs ?? null,
  ]
}

export function virtualKey(row: KeyRow): VirtualKey {
  const verbs: unknown = JSON.parse(row.verbs)
  return {
    id: parseKeyId(row.id),
    name: row.name,
    verbs: Array.isArray(verbs) && verbs.length > 0 ? parseVerbs(verbs.join(',')) : [],
    root: parseFolderId(row.root),
    rootPath: row.root_path,
    mayTunnel: row.may_tunnel === 1,
    limits: keyLimits(row.limits),
    parent: row.parent === null ? undefined : parseKeyId(row.parent),
    createdMs: row.created_ms,
    expiresMs: row.expires_ms ?? undefined,
    revokedMs: row.revoked_ms ?? undefined,
    use: { count: row.uses, lastMs: row.used_ms ?? undefined },
    ended:
      row.ended === null
        ? undefined
        : { problem: ENDING.parse(row.ended), atMs: row.ended_ms ?? row.created_ms },
  }
}

const ENDING = z.enum(['expired', 'idle'])
const blocks = z.array(z.string()).min(1)
const BUDGET = z.strictObject({
  measure: z.enum(MEASURES),
  max: z.int().nonnegative(),
  per: z.enum(WINDOWS).optional(),
})
const LIMITS = z.strictObject({
  notBeforeMs: z.number().optional(),
  idleMs: z.number().positive().optional(),
  idleFromMs: z.number().optional(),
  uses: z.number().int().positive().optional(),
  from: blocks.optional(),
  notFrom: blocks.optional(),
  mayIssue: z.boolean().optional(),
  budgets: z.array(BUDGET).optional(),
  trash: z
    .strictObject({ folder: z.int().nonnegative(), path: z.string(), keepMs: z.int().positive() })
    .transform((rule) => ({ ...rule, folder: parseFolderId(rule.folder) }))
    .optional(),
  approval: z
    .strictObject({
      overFiles: z.int().nonnegative().optional(),
      overBytes: z.int().nonnegative().optional(),
    })
    .optional(),
})

/** A limit that this version does not know closes the key rather than being passed over. */
function keyLimits(text: string): KeyLimits {
  return LIMITS.parse(JSON.parse(text))
}
