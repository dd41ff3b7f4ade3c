import { type LastingTicket, parseFileId, parseKeyId, type TicketStore } from '@guichet/core'
import { z } from 'zod'
import type { Database, Statement } from './database.ts'

interface TicketRow {
  readonly hash: string
  readonly key: string
  readonly file: string
  readonly until_ms: number
  readonly uses_left: number | null
  readonly from_blocks: string | null
}

const LIVES = 'until_ms > ?2 AND coalesce(uses_left, 1) > 0'

export class SqliteTicketStore implements TicketStore {
  readonly #insert: Statement<never>
  readonly #find: Statement<TicketRow>
  readonly #use: Statement<never>
  readonly #count: Statement<{ readonly value: number }>
  readonly #drop: Statement<never>
  readonly #prune: Statement<never>

  constructor(db: Database) {
    this.#insert = db.prepare('INSERT INTO tickets VALUES (?, ?, ?, ?, ?, ?)')
    this.#find = db.prepare(`SELECT * FROM tickets WHERE hash = ?1 AND ${LIVES}`)
    this.#use = db.prepare(`UPDATE tickets SET uses_left = uses_left - 1 WHERE hash = ?1 AND ${LIVES}`)
    this.#count = db.prepare(`SELECT count(*) AS value FROM tickets WHERE key = ?1 AND ${LIVES}`)
    this.#drop = db.prepare('DELETE FROM tickets WHERE key = ?')
    this.#prune = db.prepare('DELETE FROM tickets WHERE until_ms <= ? OR uses_left <= 0')
  }

  async add(ticket: LastingTicket): Promise<void> {
    const { hash, key, file, untilMs, usesLeft, from } = ticket
    const blocks = from === undefined ? null : JSON.stringify(from)
    this.#insert.run(hash, key, file, untilMs, usesLeft ?? null, blocks)
  }

  async find(hash: string, nowMs: number): Promise<LastingTicket | undefined> {
    const row = this.#find.get(hash, nowMs)
    return row === undefined ? undefined : ticketOf(row)
  }

  async use(hash: string, nowMs: number): Promise<boolean> {
    return this.#use.run(hash, nowMs) === 1
  }

  async count(key: LastingTicket['key'], nowMs: number): Promise<number> {
    return this.#count.get(key, nowMs)?.value ?? 0
  }

  async drop(key: LastingTicket['key']): Promise<void> {
    this.#drop.run(key)
  }

  async prune(nowMs: number): Promise<void> {
    this.#prune.run(nowMs)
  }
}

function ticketOf(row: TicketRow): LastingTicket {
  return {
    hash: row.hash,
    key: row.key === 'owner' ? 'owner' : parseKeyId(row.key),
    file: parseFileId(row.file),
    untilMs: row.until_ms,
    usesLeft: row.uses_left ?? undefined,
    from: row.from_blocks === null ? undefined : z.array(z.string()).parse(JSON.parse(row.from_blocks)),
  }
}
