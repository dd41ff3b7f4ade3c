import { hash } from 'node:crypto'
import type { KeptEntry, LedgerFilter, NumberedEntry, Sha256 } from '@guichet/core'
import type { SqlValue } from './database.ts'

export const sha256: Sha256 = (bytes) => hash('sha256', bytes, 'buffer')

export const COLUMNS = 'sequence, at_ms, request_id, key, door, verb, target, decision, reason'

/** Numbers as JavaScript has them: one that is too large for it was never recorded, and is told as one that differs. */
export const READ_COLUMNS: string = COLUMNS.replace(
  'sequence, at_ms',
  'CAST(sequence AS REAL) AS sequence, CAST(at_ms AS REAL) AS at_ms',
)

export interface LedgerRow {
  readonly sequence: number
  readonly at_ms: number
  readonly request_id: string
  readonly key: NumberedEntry['key']
  readonly door: NumberedEntry['door']
  readonly verb: NumberedEntry['verb']
  readonly target: string
  readonly decision: NumberedEntry['decision']
  readonly reason: string
}

export interface KeptRow extends LedgerRow {
  readonly hashes: Uint8Array
}

export function entryOf(row: LedgerRow): NumberedEntry {
  return {
    sequence: row.sequence,
    atMs: row.at_ms,
    requestId: row.request_id,
    key: row.key,
    door: row.door,
    verb: row.verb,
    target: row.target,
    decision: row.decision,
    reason: row.reason,
  }
}

export function keptEntryOf(row: KeptRow): KeptEntry {
  return { ...entryOf(row), hashes: row.hashes }
}

export function valuesOf(entry: NumberedEntry): SqlValue[] {
  const { sequence, atMs, requestId, key, door, verb, target, decision, reason } = entry
  return [sequence, atMs, requestId, key, door, verb, target, decision, reason]
}

const CONDITIONS: Readonly<Record<keyof LedgerFilter, string>> = {
  key: 'key = ?',
  verb: 'verb = ?',
  door: 'door = ?',
  decision: 'decision = ?',
  sinceMs: 'at_ms >= ?',
  untilMs: 'at_ms < ?',
  target: 'instr(target, ?) > 0',
  before: 'sequence < ?',
  after: 'sequence > ?',
}

/** The condition of a filter, and what stands for its question marks. */
export function whereOf(filter: LedgerFilter): { readonly sql: string; readonly values: SqlValue[] } {
  const conditions: string[] = []
  const values: SqlValue[] = []
  for (const [name, condition] of Object.entries(CONDITIONS)) {
    const value = filter[name as keyof LedgerFilter]
    if (value === undefined) continue
    conditions.push(condition)
    values.push(value)
  }
  return { sql: conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`, values }
}
