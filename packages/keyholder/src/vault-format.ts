import { GatewayError } from '@guichet/core'
import type { Box, KdfCost } from './sealing.ts'

/**
 * The vault, a JSON text in one canonical spelling:
 *
 *   secret ──Argon2id──▶ key of a slot ──opens──▶ data key ──opens──▶ API key
 *
 * Each slot holds the same data key for another secret. The box of the API key is bound to everything else in the file,
 * all slots included, so that no part of a vault can be changed, exchanged or taken out unnoticed.
 *
 * Format 2 adds to each slot its name, its kind and when it was made. Format 1 is read, and every write makes it 2: the
 * slots themselves are sealed in the same way in both, so that this needs none of the secrets.
 */
export interface Vault {
  readonly version: 1 | 2
  readonly id: string
  readonly slots: readonly Slot[]
  readonly apiKey: Box & { readonly storedAt: string }
}

export interface Slot extends Box, KdfCost {
  readonly name: string
  readonly kind: WayKind
  /** Absent in what comes from format 1. */
  readonly addedAt?: string
  readonly kdf: 'argon2id'
  readonly salt: string
}

/** Where the secret of a slot comes from. Format 1 did not say. */
export type WayKind = (typeof WAY_KINDS)[number]
const WAY_KINDS = ['passphrase', 'file', 'keyring', 'unknown'] as const

/** RFC 9106, section 4, second recommendation: more than OWASP asks for. */
export const DEFAULT_COST: KdfCost = { passes: 3, memoryKiB: 65_536, parallelism: 4 }

export const VAULT_BYTES_MAX = 65_536
export const SLOTS_MAX = 8

export function serialiseVault({ version, id, slots, apiKey }: Vault): string {
  const head = { format: 'guichet-vault', version, cipher: 'aes-256-gcm', id }
  return `${JSON.stringify({ ...head, slots: slots.map((slot) => written(version, slot)), apiKey }, null, 2)}\n`
}

export function parseVault(text: string, path: string): Vault {
  const value = parseJson(text)
  if (!isRecord(value) || value['format'] !== 'guichet-vault') throw damaged(path, 'is not a vault')
  const { version, id, apiKey } = value
  if (version !== 1 && version !== 2) {
    throw new GatewayError('invalid', `the vault ${path} has a format this version does not know`, {
      hint: 'use the version of Guichet that wrote it, or a newer one',
    })
  }
  const slots = Array.isArray(value['slots'])
    ? value['slots'].map((slot, index) => parseSlot(slot, version, index))
    : []
  const box = parseBox(apiKey, 48)
  const storedAt = isRecord(apiKey) ? apiKey['storedAt'] : undefined
  if (
    !isBase64(id, 16) ||
    box === undefined ||
    !isTime(storedAt) ||
    slots.length === 0 ||
    slots.length > SLOTS_MAX ||
    !slots.every((slot) => slot !== undefined) ||
    new Set(slots.map(({ name }) => name)).size < slots.length
  ) {
    throw damaged(path, 'is damaged')
  }
  const vault: Vault = { version, id, slots, apiKey: { storedAt, ...box } }
  if (serialiseVault(vault) !== text) throw damaged(path, 'is damaged')
  return vault
}

/** The floor is OWASP's minimum (19 MiB, 2 passes); the ceiling keeps a hostile file from taking memory and time. */
export function isBearable(cost: KdfCost): boolean {
  const { passes, memoryKiB, parallelism } = cost
  return (
    [passes, memoryKiB, parallelism].every(Number.isSafeInteger) &&
    passes >= 2 &&
    memoryKiB >= 19_456 &&
    memoryKiB <= 1_048_576 &&
    passes * memoryKiB <= 4_194_304 &&
    parallelism >= 1 &&
    parallelism <= 16
  )
}

export function isWayName(name: unknown): name is string {
  return typeof name === 'string' && /^[a-z0-9][a-z0-9-]{0,31}$/.test(name)
}

export function isWayKind(kind: unknown): kind is WayKind {
  return WAY_KINDS.some((known) => known === kind)
}

/** What the box of a slot is bound to, in both formats: its name and kind are bound by the box of the API key. */
export function slotPurpose(id: string, slot: Pick<Slot, 'kdf' | 'salt' | keyof KdfCost>): Buffer {
  const { kdf, passes, memoryKiB, parallelism, salt } = slot
  return purpose(1, ['slot', id, kdf, passes, memoryKiB, parallelism, salt])
}

/** What the box of the API key is bound to. */
export function apiKeyPurpose({ version, id, slots }: Omit<Vault, 'apiKey'>, storedAt: string): Buffer {
  return purpose(version, ['api-key', id, storedAt, slots.map((slot) => written(version, slot))])
}

export function damaged(path: string, why: string): GatewayError {
  return new GatewayError('invalid', `the vault ${path} ${why}`, {
    hint: 'restore it from a backup, or move the home away and make a new one with `guichet init` and a new API key',
  })
}

function purpose(version: Vault['version'], parts: readonly unknown[]): Buffer {
  return Buffer.from(JSON.stringify(['guichet-vault', version, 'aes-256-gcm', ...parts]))
}

/** A slot as it stands in the file, its parts in their order. */
function written(version: Vault['version'], slot: Slot): object {
  const { name, kind, addedAt, kdf, passes, memoryKiB, parallelism, salt, nonce, sealed } = slot
  const about = { name, kind, ...(addedAt !== undefined && { addedAt }) }
  return { ...(version === 2 && about), kdf, passes, memoryKiB, parallelism, salt, nonce, sealed }
}

function parseSlot(value: unknown, version: Vault['version'], index: number): Slot | undefined {
  const box = parseBox(value, 48)
  if (box === undefined || !isRecord(value) || value['kdf'] !== 'argon2id') return undefined
  const { passes, memoryKiB, parallelism, salt } = value
  if (typeof passes !== 'number' || typeof memoryKiB !== 'number' || typeof parallelism !== 'number')
    return undefined
  if (!isBase64(salt, 16) || !isBearable({ passes, memoryKiB, parallelism })) return undefined
  const { name, kind, addedAt } = version === 2 ? value : { name: `way-${index + 1}`, kind: 'unknown' }
  if (!isWayName(name) || !isWayKind(kind) || (addedAt !== undefined && !isTime(addedAt))) return undefined
  const about = { name, kind, ...(addedAt !== undefined && { addedAt }) }
  return { ...about, kdf: 'argon2id', passes, memoryKiB, parallelism, salt, ...box }
}

function parseBox(value: unknown, sealedBytes: number): Box | undefined {
  if (!isRecord(value)) return undefined
  const { nonce, sealed } = value
  return isBase64(nonce, 12) && isBase64(sealed, sealedBytes) ? { nonce, sealed } : undefined
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && Number.isFinite(Date.parse(value))
}

function isBase64(value: unknown, bytes: number): value is string {
  if (typeof value !== 'string') return false
  const decoded = Buffer.from(value, 'base64')
  return decoded.length === bytes && decoded.toString('base64') === value
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // Garbage and a foreign JSON text are refused in the same words.
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
