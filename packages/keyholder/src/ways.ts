import { GatewayError, type Secret } from '@guichet/core'
import type { Disk } from './private-file.ts'
import type { KdfCost } from './sealing.ts'
import {
  forgetVault,
  type NewWay,
  openApiKey,
  openSlot,
  readVault,
  sealApiKey,
  sealSlot,
  writeVault,
} from './vault.ts'
import { DEFAULT_COST, SLOTS_MAX, type Slot, type Vault, type WayKind } from './vault-format.ts'

/** One of the ways to open a vault, as its file shows it to everybody who can read it. */
export interface Way {
  readonly name: string
  readonly kind: WayKind
  readonly addedAt?: string
  readonly cost: KdfCost
}

/**
 * `replace` means the way that the given secret opens; what is absent stays as it is, and no guess gets cheaper.
 * A new way costs what a new vault costs, where nothing else is said.
 */
export type WayChange =
  | { readonly act: 'add'; readonly way: NewWay; readonly cost?: Partial<KdfCost> | undefined }
  | { readonly act: 'remove'; readonly name: string }
  | {
      readonly act: 'replace'
      readonly secret?: Secret | undefined
      readonly cost?: Partial<KdfCost> | undefined
    }

/** Reads the header of a vault, without opening it. */
export async function readWays(
  path: string,
): Promise<{ readonly id: string; readonly ways: readonly Way[] }> {
  const { id, slots } = await readVault(path)
  return { id, ways: slots.map(wayOf) }
}

/**
 * Wraps the data key anew for one more, one less or a changed secret; the data key, the API key and its age stay.
 * `secret` opens the vault now. Rejects with `unauthenticated` when it does not, `conflict` for a change that would
 * leave no known way or one that is there already, `not-found` for a name that is not there.
 */
export async function changeWays(
  path: string,
  secret: Secret,
  change: WayChange,
  nowMs: number,
  disk?: Disk,
): Promise<void> {
  const vault = await readVault(path)
  const { dataKey, slot: used } = await openSlot(vault, secret)
  const apiKey = openApiKey(path, vault, dataKey)
  try {
    const slots = await changed(vault, { used, dataKey, secret, nowMs }, change)
    await writeVault(path, sealApiKey(vault.id, slots, dataKey, apiKey, vault.apiKey.storedAt), disk)
  } finally {
    forgetVault({ apiKey, dataKey })
  }
}

interface Opened {
  readonly used: Slot
  readonly dataKey: Buffer
  readonly secret: Secret
  readonly nowMs: number
}

async function changed(vault: Vault, opened: Opened, change: WayChange): Promise<readonly Slot[]> {
  const { used, dataKey, nowMs } = opened
  const { id, slots } = vault
  switch (change.act) {
    case 'add': {
      const { way } = change
      if (slots.length >= SLOTS_MAX) throw refused('a vault has 8 ways at the most', 'remove one first')
      if (slots.some(({ name }) => name === way.name)) {
        throw refused(
          `there is a way "${way.name}" already`,
          'choose another name; `guichet vault show` lists them',
        )
      }
      await requireNew(vault, way.secret)
      return [...slots, await sealSlot(id, way, { ...DEFAULT_COST, ...change.cost }, dataKey, nowMs)]
    }
    case 'remove': {
      const { name } = change
      if (slots.every((slot) => slot.name !== name)) {
        throw new GatewayError('not-found', `there is no way "${name}"`, {
          hint: '`guichet vault show` lists them',
        })
      }
      // Whoever removes a way has just shown another one that works; so the last one stays, too.
      if (used.name === name) {
        throw refused(
          `the way "${name}" cannot be removed by itself`,
          'open the vault with one that is to stay',
        )
      }
      return slots.filter((slot) => slot.name !== name)
    }
    case 'replace': {
      const next = change.secret ?? opened.secret
      if (change.secret !== undefined) await requireNew(vault, next)
      const { passes, memoryKiB, parallelism } = { ...used, ...change.cost }
      if (passes * memoryKiB < used.passes * used.memoryKiB) {
        throw new GatewayError('invalid', 'a guess would cost less than it does', {
          hint: 'give more passes or memory; `guichet vault show` shows what it is',
        })
      }
      const way = { name: used.name, kind: used.kind, secret: next }
      const slot = await sealSlot(id, way, { passes, memoryKiB, parallelism }, dataKey, nowMs)
      return slots.map((old) => (old === used ? slot : old))
    }
  }
}

/** Two ways with one secret would look as if one of them could be taken away. */
async function requireNew(vault: Vault, secret: Secret): Promise<void> {
  const found = await openSlot(vault, secret).catch((failure: unknown) => {
    if (GatewayError.from(failure).code === 'unauthenticated') return undefined
    throw failure
  })
  if (found === undefined) return
  found.dataKey.fill(0)
  throw refused(`this secret opens the vault already (way "${found.slot.name}")`, 'choose another secret')
}

function refused(message: string, hint: string): GatewayError {
  return new GatewayError('conflict', message, { hint })
}

function wayOf({ name, kind, addedAt, passes, memoryKiB, parallelism }: Slot): Way {
  return { name, kind, ...(addedAt !== undefined && { addedAt }), cost: { passes, memoryKiB, parallelism } }
}
