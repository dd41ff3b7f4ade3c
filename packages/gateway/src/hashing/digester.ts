import { createHash, getHashes } from 'node:crypto'

/** One digest under way, in the thread it is used in. */
export interface Digester {
  update(bytes: Uint8Array): void
  /** 128 lower-case hexadecimal digits; ends the digest. */
  digest(): string
}

/** OpenSSL where it has Whirlpool (it hides in the legacy provider, and is the faster one), else WebAssembly. */
export async function createWhirlpool(): Promise<Digester> {
  if (hasNativeWhirlpool()) {
    const hash = createHash('whirlpool')
    return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') }
  }
  return await createWasmWhirlpool()
}

/** The implementation that needs no flag of Node. */
export async function createWasmWhirlpool(): Promise<Digester> {
  // Loaded where it is needed only: the package takes some megabytes in every thread.
  const { createWhirlpool: createWasm } = await import('hash-wasm')
  const hash = await createWasm()
  hash.init()
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') }
}

export function hasNativeWhirlpool(): boolean {
  return getHashes().includes('whirlpool')
}
