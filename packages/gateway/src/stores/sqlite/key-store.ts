import { timingSafeEqual } from 'node:crypto'
import {
  GatewayError,
  isLiving,
  type KeyId,
  type KeyOfText,
  type KeyStore,
  type Relimited,
  type SelfEnding,
  type VirtualKey,
} from '@guichet/core'
import type { Database, Statement } from './database.ts'
import { isConstraint } from './failures.ts'
import { KEY_COLUMNS, type KeyRow, rowOf, virtualKey } from './key-rows.ts'

/** So many characters of a hash find it; the others are compared in constant time. */
const FINDING = 16

export class SqliteKeyStore implements KeyStore {
  readonly #db: Database
  readonly #insert: Statement<never>
  readonly #insertText: Statement<never>
  readonly #texts: Statement<{
    readonly hash: string
    readonly key: string
    readonly until_ms: number | null
  }>
  readonly #endTexts: Statement<never>
  readonly #forgetText: Statement<never>
  readonly #byId: Statement<KeyRow>
  readonly #byName: Statement<KeyRow>
  readonly #list: Statement<KeyRow>
  readonly #unended: Statement<KeyRow>
  readonly #ancestors: Statement<KeyRow>
  readonly #family: Statement<KeyRow>
  readonly #use: Statement<never>
  readonly #end: Statement<never>
  readonly #revoke: Statement<never>
  readonly #relimit: Statement<never>

  constructor(db: Database) {
    this.#db = db
    const columns = KEY_COLUMNS.join(', ')
    this.#insert = db.prepare(
      `INSERT INTO keys (${columns}) VALUES (${KEY_COLUMNS.map(() => '?').join(', ')})`,
    )
    this.#insertText = db.prepare('INSERT INTO key_texts (hash, key) VALUES (?, ?)')
    this.#texts = db.prepare('SELECT * FROM key_texts WHERE hash >= ?1 AND hash < ?2')
    this.#endTexts = db.prepare(
      'UPDATE key_texts SET until_ms = min(coalesce(until_ms, ?2), ?2) WHERE key = ?1',
    )
    this.#forgetText = db.prepare('DELETE FROM key_texts WHERE hash = ?')
    this.#byId = db.prepare(`SELECT ${columns} FROM keys WHERE id = ?`)
    this.#byName = db.prepare(`SELECT ${columns} FROM keys WHERE name = ?`)
    this.#list = db.prepare(`SELECT ${columns} FROM keys ORDER BY created_ms DESC, rowid DESC`)
    this.#unended = db.prepare(
      `SELECT ${columns} FROM keys WHERE revoked_ms IS NULL AND ended IS NULL ORDER BY created_ms DESC, rowid DESC`,
    )
    this.#ancestors = db.prepare(`
      WITH RECURSIVE line (next, depth) AS (
        SELECT ?1, 0 UNION ALL SELECT parent, depth + 1 FROM line JOIN keys ON id = next WHERE parent IS NOT NULL
      ) SELECT ${columns} FROM line JOIN keys ON id = next ORDER BY depth`)
    this.#family = db.prepare(`
      WITH RECURSIVE family (member, depth) AS (
        SELECT ?1, 0 UNION ALL SELECT id, depth + 1 FROM family JOIN keys ON parent = member
      ) SELECT ${columns} FROM family JOIN keys ON id = member ORDER BY depth`)
    this.#use = db.prepare(`
      UPDATE keys SET uses = uses + 1, used_ms = max(coalesce(used_ms, ?2), ?2)
      WHERE id = ?1 AND uses < coalesce(limits ->> '$.uses', 9007199254740991)`)
    this.#end = db.prepare('UPDATE keys SET ended = ?2, ended_ms = ?3 WHERE id = ?1 AND ended IS NULL')
    this.#relimit = db.prepare('UPDATE keys SET limits = ?2, expires_ms = ?3 WHERE id = ?1')
    this.#revoke = db.prepare('UPDATE keys SET revoked_ms = coalesce(revoked_ms, ?) WHERE id = ?')
  }

  async add(key: VirtualKey, hash: string): Promise<void> {
    this.#db.transaction(() => {
      const living = this.#byName.all(key.name).find((row) => isLiving(virtualKey(row), key.createdMs))
      if (living !== undefined) throw nameTaken(key.name, living.id)
      try {
        this.#insert.run(...rowOf(key))
        this.#insertText.run(hash, key.id)
      } catch (failure) {
        if (!isConstraint(failure)) throw failure
        throw new GatewayError('conflict', `the virtual key ${key.id} exists already`, {
          hint: 'issue the key once more',
          cause: failure,
        })
      }
    })
  }

  async byHash(hash: string, nowMs: number): Promise<KeyOfText | undefined> {
    const start = hash.slice(0, FINDING)
    const found = this.#texts.all(start, `${start}~`).find((row) => isSame(row.hash, hash))
    if (found === undefined) return undefined
    if (found.until_ms !== null && found.until_ms <= nowMs) {
      this.#forgetText.run(found.hash)
      return undefined
    }
    const key = keyOrNothing(this.#byId.get(found.key))
    return key === undefined ? undefined : { key, untilMs: found.until_ms ?? undefined }
  }

  async byId(id: KeyId): Promise<VirtualKey | undefined> {
    return keyOrNothing(this.#byId.get(id))
  }

  async ancestors({ parent }: VirtualKey): Promise<readonly VirtualKey[]> {
    return parent === undefined ? [] : this.#ancestors.all(parent).map(virtualKey)
  }

  async list(): Promise<readonly VirtualKey[]> {
    return this.#list.all().map(virtualKey)
  }

  async unended(): Promise<readonly VirtualKey[]> {
    return this.#unended.all().map(virtualKey)
  }

  async use(ids: readonly KeyId[], nowMs: number): Promise<KeyId | undefined> {
    const usedUp = new UsedUp()
    try {
      this.#db.transaction(() => {
        for (const id of ids) {
          if (this.#use.run(id, nowMs) === 1) continue
          usedUp.key = id
          throw usedUp
        }
      })
    } catch (failure) {
      if (usedUp.key === undefined) throw failure
    }
    return usedUp.key
  }

  async end(id: KeyId, problem: SelfEnding, nowMs: number): Promise<void> {
    this.#end.run(id, problem, nowMs)
  }

  async replaceText(id: KeyId, hash: string, oldUntilMs: number): Promise<VirtualKey> {
    return this.#db.transaction(() => {
      const row = this.#byId.get(id)
      if (row === undefined) throw noKey(id)
      this.#endTexts.run(id, oldUntilMs)
      this.#insertText.run(hash, id)
      return virtualKey(row)
    })
  }

  async relimit(id: KeyId, { limits, expiresMs }: Relimited): Promise<VirtualKey> {
    this.#relimit.run(id, JSON.stringify(limits), expiresMs ?? null)
    const row = this.#byId.get(id)
    if (row === undefined) throw noKey(id)
    return virtualKey(row)
  }

  async revoke(id: KeyId, nowMs: number): Promise<readonly [VirtualKey, ...VirtualKey[]]> {
    return this.#db.transaction(() => {
      for (const member of this.#family.all(id)) this.#revoke.run(nowMs, member.id)
      const [key, ...below] = this.#family.all(id).map(virtualKey)
      if (key === undefined) throw noKey(id)
      return [key, ...below]
    })
  }
}

/** Rolls a transaction back without being a failure. */
class UsedUp {
  key: KeyId | undefined
}

function isSame(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other))
}

function keyOrNothing(row: KeyRow | undefined): VirtualKey | undefined {
  return row === undefined ? undefined : virtualKey(row)
}

function noKey(id: KeyId): GatewayError {
  return new GatewayError('not-found', `no virtual key ${id}`, { hint: '`guichet key list` shows the ids' })
}

function nameTaken(name: string, id: string): GatewayError {
  return new GatewayError('conflict', `a virtual key named ${JSON.stringify(name)} exists already`, {
    hint: `choose another name, or revoke it with \`guichet key revoke ${id}\``,
  })
}
