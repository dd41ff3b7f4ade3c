import { GatewayError } from '@guichet/core'

/**
 * Format 1 of the vault, a JSON text in one canonical spelling:
 *
 *   secret ──Argon2id──▶ key of a slot ──opens──▶ data key ──opens──▶ API key
 *
 * Each slot holds the same data key for another secret. The box of the API key is bound to everything else in the file,
 * all slots included, so that no part of a vault can be changed, exchanged or taken out unnoticed.
 */
export interface Vault {
  readonly format: 'guichet-vault'
  readonly version: 1
  readonly cipher: 'aes-256-gcm'
  readonly id: string
  readonly slots: readonly Slot[]
  readonly apiKey: Box & { readonly storedAt: string }
}

export interface Slot extends Box, KdfCost {
  readonly kdf: 'argon2id'
  readonly salt: string
}

export interface KdfCost {
  readonly passes: number
  readonly memoryKiB: number
  readonly parallelism: number
}

/** Base64 of a nonce, and of the encrypted bytes followed by the authentication tag. */
export interface Box {
  readonly nonce: string
  readonly sealed: string
}

/** RFC 9106, section 4, second recommendation: more than OWASP asks for. */
export const DEFAULT_COST: KdfCost = { passes: 3, memoryKiB: 65_536, parallelism: 4 }

export const VAULT_BYTES_MAX = 65_536
export const SLOTS_MAX = 8

export function serialiseVault(vault: Vault): string {
  return `${JSON.stringify(vault, null, 2)}\n`
}

export function parseVault(text: string, path: string): Vault {
  const value = parseJson(text)
  if (!isRecord(value) || value['format'] !== 'guichet-vault') throw damaged(path, 'is not a vault')
  if (value['version'] !== 1) {
    throw new GatewayError('invalid', `the vault ${path} has a format this version does not know`, {
      hint: 'use the version of Guichet that wrote it, or a newer one',
    })
  }
  const slots = Array.isArray(value['slots']) ? value['slots'].map(parseSlot) : []
  const id = value['id']
  const apiKey = value['apiKey']
  const box = parseBox(apiKey, 48)
  const storedAt = isRecord(apiKey) ? apiKey['storedAt'] : undefined
  if (
    value['cipher'] !== 'aes-256-gcm' ||
    !isBase64(id, 16) ||
    box === undefined ||
    typeof storedAt !== 'string' ||
    !Number.isFinite(Date.parse(storedAt)) ||
    slots.length === 0 ||
    slots.length > SLOTS_MAX ||
    !slots.every((slot) => slot !== undefined)
  ) {
    throw damaged(path, 'is damaged')
  }
  const vault: Vault = {
    format: 'guichet-vault',
    version: 1,
    cipher: 'aes-256-gcm',
    id,
    slots,
    apiKey: { storedAt, ...box },
  }
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

/** What the box of a slot is bound to. */
export function slotPurpose(id: string, slot: Omit<Slot, keyof Box>): Buffer {
  const { kdf, passes, memoryKiB, parallelism, salt } = slot
  return purpose(['slot', id, kdf, passes, memoryKiB, parallelism, salt])
}

/** What the box of the API key is bound to. */
export function apiKeyPurpose(id: string, slots: readonly Slot[], storedAt: string): Buffer {
  return purpose(['api-key', id, storedAt, slots])
}

export function damaged(path: string, why: string): GatewayError {
  return new GatewayError('invalid', `the vault ${path} ${why}`, {
    hint: 'restore it from a backup, or move the home away and make a new one with `guichet init` and a new API key',
  })
}

function purpose(parts: readonly unknown[]): Buffer {
  return Buffer.from(JSON.stringify(['guichet-vault', 1, 'aes-256-gcm', ...parts]))
}

function parseSlot(value: unknown): Slot | undefined {
  const box = parseBox(value, 48)
  if (box === undefined || !isRecord(value) || value['kdf'] !== 'argon2id') return undefined
  const { passes, memoryKiB, parallelism, salt } = value
  if (typeof passes !== 'number' || typeof memoryKiB !== 'number' || typeof parallelism !== 'number')
    return undefined
  if (!isBase64(salt, 16) || !isBearable({ passes, memoryKiB, parallelism })) return undefined
  return { kdf: 'argon2id', passes, memoryKiB, parallelism, salt, ...box }
}

function parseBox(value: unknown, sealedBytes: number): Box | undefined {
  if (!isRecord(value)) return undefined
  const { nonce, sealed } = value
  return isBase64(nonce, 12) && isBase64(sealed, sealedBytes) ? { nonce, sealed } : undefined
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
