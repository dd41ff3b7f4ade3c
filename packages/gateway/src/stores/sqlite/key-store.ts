import {
  GatewayError,
  type KeyId,
  type KeyLimits,
  type KeyStore,
  parseFolderId,
  parseKeyId,
  parseVerbs,
  problemOfKey,
  type VirtualKey,
} from '@guichet/core'
import { z } from 'zod'
import type { Database, Statement } from './database.ts'
import { isConstraint } from './failures.ts'

interface KeyRow {
  readonly id: string
  readonly name: string
  readonly verbs: string
  readonly root: number
  readonly root_path: string
  readonly may_tunnel: number
  readonly limits: string
  readonly created_ms: number
  readonly expires_ms: number | null
  readonly revoked_ms: number | null
}

const KEY = 'id, name, verbs, root, root_path, may_tunnel, limits, created_ms, expires_ms, revoked_ms'

export class SqliteKeyStore implements KeyStore {
  readonly #db: Database
  readonly #insert: Statement<never>
  readonly #byHash: Statement<KeyRow>
  readonly #byId: Statement<KeyRow>
  readonly #byName: Statement<KeyRow>
  readonly #list: Statement<KeyRow>
  readonly #revoke: Statement<never>

  constructor(db: Database) {
    this.#db = db
    this.#insert = db.prepare(`INSERT INTO keys (hash, ${KEY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
    this.#byHash = db.prepare(`SELECT ${KEY} FROM keys WHERE hash = ?`)
    this.#byId = db.prepare(`SELECT ${KEY} FROM keys WHERE id = ?`)
    this.#byName = db.prepare(`SELECT ${KEY} FROM keys WHERE name = ?`)
    this.#list = db.prepare(`SELECT ${KEY} FROM keys ORDER BY created_ms DESC, rowid DESC`)
    this.#revoke = db.prepare('UPDATE keys SET revoked_ms = coalesce(revoked_ms, ?) WHERE id = ?')
  }

  async add(key: VirtualKey, hash: string): Promise<void> {
    this.#db.transaction(() => {
      const living = this.#byName
        .all(key.name)
        .find((row) => problemOfKey(virtualKey(row), key.createdMs) === undefined)
      if (living !== undefined) throw nameTaken(key.name, living.id)
      try {
        this.#insert.run(
          hash,
          key.id,
          key.name,
          JSON.stringify(key.verbs),
          key.root,
          key.rootPath,
          key.mayTunnel ? 1 : 0,
          JSON.stringify(key.limits),
          key.createdMs,
          key.expiresMs ?? null,
          key.revokedMs ?? null,
        )
      } catch (failure) {
        if (!isConstraint(failure)) throw failure
        throw new GatewayError('conflict', `the virtual key ${key.id} exists already`, {
          hint: 'issue the key once more',
          cause: failure,
        })
      }
    })
  }

  async byHash(hash: string): Promise<VirtualKey | undefined> {
    return keyOrNothing(this.#byHash.get(hash))
  }

  async byId(id: KeyId): Promise<VirtualKey | undefined> {
    return keyOrNothing(this.#byId.get(id))
  }

  async list(): Promise<readonly VirtualKey[]> {
    return this.#list.all().map(virtualKey)
  }

  async revoke(id: KeyId, nowMs: number): Promise<VirtualKey> {
    this.#revoke.run(nowMs, id)
    const key = keyOrNothing(this.#byId.get(id))
    if (key !== undefined) return key
    throw new GatewayError('not-found', `no virtual key ${id}`, { hint: '`guichet key list` shows the ids' })
  }
}

function keyOrNothing(row: KeyRow | undefined): VirtualKey | undefined {
  return row === undefined ? undefined : virtualKey(row)
}

function virtualKey(row: KeyRow): VirtualKey {
  const verbs: unknown = JSON.parse(row.verbs)
  return {
    id: parseKeyId(row.id),
    name: row.name,
    verbs: Array.isArray(verbs) && verbs.length > 0 ? parseVerbs(verbs.join(',')) : [],
    root: parseFolderId(row.root),
    rootPath: row.root_path,
    mayTunnel: row.may_tunnel === 1,
    limits: keyLimits(row.limits),
    createdMs: row.created_ms,
    expiresMs: row.expires_ms ?? undefined,
    revokedMs: row.revoked_ms ?? undefined,
  }
}

const LIMITS = z.strictObject({ notBeforeMs: z.number().optional() })

/** A limit that this version does not know closes the key rather than being passed over. */
function keyLimits(text: string): KeyLimits {
  return LIMITS.parse(JSON.parse(text))
}

function nameTaken(name: string, id: string): GatewayError {
  return new GatewayError('conflict', `a virtual key named ${JSON.stringify(name)} exists already`, {
    hint: `choose another name, or revoke it with \`guichet key revoke ${id}\``,
  })
}
