import { argon2, createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { lstat } from 'node:fs/promises'
import { promisify } from 'node:util'
import { GatewayError, Secret } from '@guichet/core'
import { readPrivateFile, writePrivateFile } from './private-file.ts'
import {
  apiKeyPurpose,
  type Box,
  DEFAULT_COST,
  damaged,
  isBearable,
  type KdfCost,
  parseVault,
  SLOTS_MAX,
  type Slot,
  serialiseVault,
  slotPurpose,
  VAULT_BYTES_MAX,
  type Vault,
} from './vault-format.ts'

export interface NewVault {
  readonly apiKey: Secret
  /** Each of them opens the vault: passphrases and contents of unlock files. */
  readonly secrets: readonly Secret[]
  readonly nowMs: number
  readonly cost?: KdfCost
}

/** An open vault in memory. Whoever holds it overwrites both buffers when done. */
export interface OpenedVault {
  readonly apiKey: Buffer
  readonly dataKey: Buffer
}

/** Rejects with `conflict` when there is a file, `invalid` for a key or secret that cannot be right. */
export async function createVault(path: string, vault: NewVault): Promise<void> {
  requireApiKey(vault.apiKey)
  const cost = vault.cost ?? DEFAULT_COST
  if (vault.secrets.length < 1 || vault.secrets.length > SLOTS_MAX || !isBearable(cost)) {
    throw new GatewayError('invalid', 'a vault has 1 to 8 secrets and a bearable cost', {
      hint: 'give one passphrase or unlock file, and leave the cost to its default',
    })
  }
  for (const secret of vault.secrets) requireStrength(secret)
  if (await isTaken(path)) {
    throw new GatewayError('conflict', `there is already something at ${path}`, {
      hint: 'rotate the key of an existing vault with `guichet rotate`, or move the file away',
    })
  }
  const id = randomBytes(16).toString('base64')
  const dataKey = randomBytes(32)
  try {
    const slots: Slot[] = []
    for (const secret of vault.secrets) slots.push(await sealSlot(id, secret, cost, dataKey))
    await writeVault(path, sealApiKey(id, slots, dataKey, vault.apiKey, vault.nowMs))
  } finally {
    dataKey.fill(0)
  }
}

/** Gives the API key. Rejects with `unauthenticated` when the secret opens no slot, `invalid` for a file that cannot be trusted. */
export async function openVault(path: string, secret: Secret): Promise<Secret> {
  const opened = await unlockVault(path, secret)
  const apiKey = new Secret(opened.apiKey.toString('latin1'))
  forgetVault(opened)
  return apiKey
}

/** Reads a vault without opening it; gives when its API key was stored. */
export async function inspectVault(path: string): Promise<number> {
  return Date.parse((await readVault(path)).apiKey.storedAt)
}

/** `openVault` for the keyholder: buffers that can be overwritten, and the data key for a later rotation. */
export async function unlockVault(path: string, secret: Secret): Promise<OpenedVault> {
  const vault = await readVault(path)
  const dataKey = await openSlot(vault, secret)
  return { dataKey, apiKey: openApiKey(path, vault, dataKey) }
}

/** Puts a new API key in the place of the old one; every secret that opened the vault still does. */
export async function resealVault(
  path: string,
  dataKey: Buffer,
  newKey: Secret,
  nowMs: number,
): Promise<void> {
  requireApiKey(newKey)
  const vault = await readVault(path)
  // Nothing waits between these two: a data key that was overwritten meanwhile fails here and seals nothing.
  openApiKey(path, vault, dataKey).fill(0)
  const next = sealApiKey(vault.id, vault.slots, dataKey, newKey, nowMs)
  await writeVault(path, next)
}

export function forgetVault(opened: OpenedVault): void {
  opened.apiKey.fill(0)
  opened.dataKey.fill(0)
}

/** 1fichier's keys have 32 of these characters (wire.md, section 2). */
export function requireApiKey(apiKey: Secret): void {
  if (/^[A-Za-z0-9\-_=]{32}$/.test(apiKey.expose())) return
  throw new GatewayError('invalid', 'this is not an API key of 1fichier', {
    hint: "copy the 32 characters from 1fichier's console page, without spaces or quotation marks",
  })
}

function requireStrength(secret: Secret): void {
  if ([...secret.expose()].length >= 8) return
  throw new GatewayError('invalid', 'the passphrase is too short', { hint: 'use 8 characters or more' })
}

async function isTaken(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false, // A directory that is missing or closed is reported by the write, in its own words.
  )
}

async function readVault(path: string): Promise<Vault> {
  const file = {
    path,
    what: 'the vault',
    whenMissing: 'make one with `guichet init`, or name the right place with --home',
    bytesMax: VAULT_BYTES_MAX,
    guard: 'owner',
  } as const
  return parseVault(await readPrivateFile(file), path)
}

async function writeVault(path: string, vault: Vault): Promise<void> {
  await writePrivateFile(path, serialiseVault(vault), randomBytes(6).toString('hex'))
}

async function sealSlot(id: string, secret: Secret, cost: KdfCost, dataKey: Buffer): Promise<Slot> {
  const { passes, memoryKiB, parallelism } = cost
  const slot = {
    kdf: 'argon2id',
    passes,
    memoryKiB,
    parallelism,
    salt: randomBytes(16).toString('base64'),
  } as const
  const slotKey = await slotKeyOf(secret, slot)
  const box = seal(slotKey, dataKey, slotPurpose(id, slot))
  slotKey.fill(0)
  return { ...slot, ...box }
}

async function openSlot(vault: Vault, secret: Secret): Promise<Buffer> {
  for (const slot of vault.slots) {
    const slotKey = await slotKeyOf(secret, slot)
    const dataKey = unseal(slotKey, slot, slotPurpose(vault.id, slot))
    slotKey.fill(0)
    if (dataKey !== undefined) return dataKey
  }
  throw new GatewayError('unauthenticated', 'this passphrase or unlock file does not open the vault', {
    hint: 'try again; without the right one, move the home away and make a new one with `guichet init` and a new API key',
  })
}

function sealApiKey(
  id: string,
  slots: readonly Slot[],
  dataKey: Buffer,
  apiKey: Secret,
  nowMs: number,
): Vault {
  const storedAt = new Date(nowMs).toISOString()
  const plain = Buffer.from(apiKey.expose(), 'latin1')
  const box = seal(dataKey, plain, apiKeyPurpose(id, slots, storedAt))
  plain.fill(0)
  return {
    format: 'guichet-vault',
    version: 1,
    cipher: 'aes-256-gcm',
    id,
    slots,
    apiKey: { storedAt, ...box },
  }
}

function openApiKey(path: string, vault: Vault, dataKey: Buffer): Buffer {
  const associated = apiKeyPurpose(vault.id, vault.slots, vault.apiKey.storedAt)
  const apiKey = unseal(dataKey, vault.apiKey, associated)
  if (apiKey === undefined) throw damaged(path, 'is damaged')
  return apiKey
}

async function slotKeyOf(secret: Secret, slot: Omit<Slot, keyof Box>): Promise<Buffer> {
  // The same passphrase typed on another system may arrive composed differently.
  const message = Buffer.from(secret.expose().normalize('NFKC'))
  const { passes, memoryKiB: memory, parallelism } = slot
  const nonce = Buffer.from(slot.salt, 'base64')
  try {
    return await promisify(argon2)('argon2id', { message, nonce, passes, memory, parallelism, tagLength: 32 })
  } finally {
    message.fill(0)
  }
}

function seal(key: Buffer, plain: Buffer, associated: Buffer): Box {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(associated)
  const sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  return { nonce: nonce.toString('base64'), sealed: sealed.toString('base64') }
}

function unseal(key: Buffer, box: Box, associated: Buffer): Buffer | undefined {
  const sealed = Buffer.from(box.sealed, 'base64')
  const cipher = createDecipheriv('aes-256-gcm', key, Buffer.from(box.nonce, 'base64'), { authTagLength: 16 })
  cipher.setAAD(associated).setAuthTag(sealed.subarray(-16))
  const plain = cipher.update(sealed.subarray(0, -16))
  try {
    cipher.final()
    return plain
  } catch {
    plain.fill(0)
    return undefined // Not ours, or changed: the caller knows which of the two it must mean.
  }
}
