import { isObject } from '../routes/fields.ts'
import type { SeedableAccount } from '../state/seed.ts'
import type { JsonObject } from '../transport/call.ts'

/** Carries out seeds from untyped JSON, in order: see the index page for their forms. */
export async function plantSeeds(account: SeedableAccount, seeds: readonly unknown[]): Promise<unknown[]> {
  const results: unknown[] = []
  for (const seed of seeds) results.push(await plant(account, seed))
  return results
}

async function plant(account: SeedableAccount, seed: unknown): Promise<unknown> {
  if (!isObject(seed)) throw new Error('a seed is an object, such as {"mkdir":"/a/b"}')
  if (typeof seed['mkdir'] === 'string') return { folder_id: account.mkdir(seed['mkdir']) }
  if (typeof seed['putFile'] === 'string') return await account.putFile(seed['putFile'], bytesOf(seed))
  if (typeof seed['putSynthetic'] === 'string') {
    return await account.putSynthetic(seed['putSynthetic'], {
      sizeBytes: numberOf(seed, 'sizeBytes'),
      seed: String(seed['seed'] ?? seed['putSynthetic']),
    })
  }
  if (typeof seed['putForest'] === 'string') {
    const folders = numberOf(seed, 'folders')
    const filesPerFolder = numberOf(seed, 'filesPerFolder')
    return { folder_id: account.putForest(seed['putForest'], { folders, filesPerFolder }) }
  }
  throw new Error('a seed has one of mkdir, putFile, putSynthetic, putForest with a path')
}

function bytesOf(seed: JsonObject): Buffer {
  if (typeof seed['base64'] === 'string') return Buffer.from(seed['base64'], 'base64')
  if (typeof seed['text'] === 'string') return Buffer.from(seed['text'])
  throw new Error('putFile needs text or base64')
}

function numberOf(seed: JsonObject, name: string): number {
  const value = seed[name]
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value
  throw new Error(`${name}: a whole number is needed`)
}
