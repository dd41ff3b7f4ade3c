import { randomBytes } from 'node:crypto'
import { lstat } from 'node:fs/promises'
import { GatewayError, Secret } from '@guichet/core'
import { type Disk, readPrivateFile, writePrivateFile } from './private-file.ts'
import { deriveKey, type KdfCost, seal, unseal } from './sealing.ts'
import {
  apiKeyPurpose,
  DEFAULT_COST,
  damaged,
  isBearable,
  isWayName,
  parseVault,
  SLOTS_MAX,
  type Slot,
  serialiseVault,
  slotPurpose,
  VAULT_BYTES_MAX,
  type Vault,
  type WayKind,
} from './vault-format.ts'

export interface NewVault {
  readonly apiKey: Secret
  /** Each of them opens the vault. */
  readonly ways: readonly NewWay[]
  readonly nowMs: number
  readonly cost?: KdfCost
}

/** A way to open the vault: its secret is a passphrase, or the content of an unlock file. */
export interface NewWay {
  /** By this a person tells it from the others: `passphrase`, `laptop`. */
  readonly name: string
  readonly kind: WayKind
  readonly secret: Secret
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
  if (vault.ways.length < 1 || vault.ways.length > SLOTS_MAX) {
    throw new GatewayError('invalid', `a vault has 1 to ${SLOTS_MAX} ways to open it`, {
      hint: 'give one passphrase or unlock file',
    })
  }
  if (await isTaken(path)) {
    throw new GatewayError('conflict', `there is already something at ${path}`, {
      hint: 'rotate the key of an existing vault with `guichet rotate`, or move the file away',
    })
  }
  const id = randomBytes(16).toString('base64')
  const dataKey = randomBytes(32)
  const apiKey = Buffer.from(vault.apiKey.expose(), 'latin1')
  try {
    const slots: Slot[] = []
    for (const way of vault.ways) slots.push(await sealSlot(id, way, cost, dataKey, vault.nowMs))
    await writeVault(path, sealApiKey(id, slots, dataKey, apiKey, new Date(vault.nowMs).toISOString()))
  } finally {
    forgetVault({ apiKey, dataKey })
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
  const { dataKey } = await openSlot(vault, secret)
  return { dataKey, apiKey: openApiKey(path, vault, dataKey) }
}

/** The API key that is in the file now, for whoever has the data key. */
export async function reopenVault(path: string, dataKey: Buffer): Promise<Buffer> {
  return openApiKey(path, await readVault(path), dataKey)
}

/** Puts a new API key in the place of the old one; every secret that opened the vault still does. */
export async function resealVault(
  path: string,
  dataKey: Buffer,
  newKey: Buffer,
  nowMs: number,
  disk?: Disk,
): Promise<void> {
  const vault = await readVault(path)
  // Nothing waits between these two: a data key that was overwritten meanwhile fails here and seals nothing.
  openApiKey(path, vault, dataKey).fill(0)
  const next = sealApiKey(vault.id, vault.slots, dataKey, newKey, new Date(nowMs).toISOString())
  await writeVault(path, next, disk)
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

async function isTaken(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false, // A directory that is missing or closed is reported by the write, in its own words.
  )
}

export async function readVault(path: string): Promise<Vault> {
  const file = {
    path,
    what: 'the vault',
    whenMissing: 'make one with `guichet init`, or name the right place with --home',
    bytesMax: VAULT_BYTES_MAX,
    guard: 'owner',
  } as const
  return parseVault(await readPrivateFile(file), path)
}

export async function writeVault(path: string, vault: Vault, disk?: Disk): Promise<void> {
  await writePrivateFile(path, serialiseVault(vault), randomBytes(6).toString('hex'), disk)
}

/** Rejects with `invalid` for a name, secret or cost that cannot be taken. */
export async function sealSlot(
  id: string,
  way: NewWay,
  cost: KdfCost,
  dataKey: Buffer,
  nowMs: number,
): Promise<Slot> {
  requireSound(way, cost)
  const { passes, memoryKiB, parallelism } = cost
  const slot = {
    name: way.name,
    kind: way.kind,
    addedAt: new Date(nowMs).toISOString(),
    kdf: 'argon2id',
    passes,
    memoryKiB,
    parallelism,
    salt: randomBytes(16).toString('base64'),
  } as const
  const slotKey = await keyOf(way.secret, slot)
  const box = seal(slotKey, dataKey, slotPurpose(id, slot))
  slotKey.fill(0)
  return { ...slot, ...box }
}

/** The data key, and which of the slots gave it. */
export async function openSlot(vault: Vault, secret: Secret): Promise<{ dataKey: Buffer; slot: Slot }> {
  for (const slot of vault.slots) {
    const slotKey = await keyOf(secret, slot)
    const dataKey = unseal(slotKey, slot, slotPurpose(vault.id, slot))
    slotKey.fill(0)
    if (dataKey !== undefined) return { dataKey, slot }
  }
  throw new GatewayError('unauthenticated', 'this passphrase or unlock file does not open the vault', {
    hint: 'try again; without the right one, move the home away and make a new one with `guichet init` and a new API key',
  })
}

export function sealApiKey(
  id: string,
  slots: readonly Slot[],
  dataKey: Buffer,
  apiKey: Buffer,
  storedAt: string,
): Vault {
  const head = { version: 2, id, slots } as const
  return { ...head, apiKey: { storedAt, ...seal(dataKey, apiKey, apiKeyPurpose(head, storedAt)) } }
}

export function openApiKey(path: string, vault: Vault, dataKey: Buffer): Buffer {
  const apiKey = unseal(dataKey, vault.apiKey, apiKeyPurpose(vault, vault.apiKey.storedAt))
  if (apiKey === undefined) throw damaged(path, 'is damaged')
  return apiKey
}

function requireSound({ name, secret }: NewWay, cost: KdfCost): void {
  const refuse = (message: string, hint: string): GatewayError =>
    new GatewayError('invalid', message, { hint })
  if (!isWayName(name))
    throw refuse(`${JSON.stringify(name)} is not a name for a way`, 'use small letters, digits and -')
  if ([...secret.expose()].length < 8) throw refuse('the passphrase is too short', 'use 8 characters or more')
  if (!isBearable(cost)) {
    throw refuse(
      'this cost of a guess is too low, or too much for a machine',
      'take 2 passes or more over 19 to 1024 MiB, and no more than 4 GiB in all',
    )
  }
}

function keyOf(secret: Secret, slot: KdfCost & Pick<Slot, 'salt'>): Promise<Buffer> {
  return deriveKey(secret, Buffer.from(slot.salt, 'base64'), slot)
}
