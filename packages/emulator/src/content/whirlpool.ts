import { createHash, getHashes } from 'node:crypto'
import { createWhirlpool } from 'hash-wasm'

/** A Whirlpool digest under way; `hex` ends it with 128 lower-case digits. */
export interface Whirlpool {
  update(bytes: Uint8Array): void
  hex(): string
}

/** Native where OpenSSL's legacy provider is loaded, WebAssembly elsewhere. */
export async function openWhirlpool(): Promise<Whirlpool> {
  if (getHashes().includes('whirlpool')) {
    const native = createHash('whirlpool')
    return { update: (bytes) => void native.update(bytes), hex: () => native.digest('hex') }
  }
  const portable = await createWhirlpool()
  return { update: (bytes) => void portable.update(bytes), hex: () => portable.digest('hex') }
}

export async function whirlpoolOf(chunks: Iterable<Uint8Array>): Promise<string> {
  const whirlpool = await openWhirlpool()
  for (const chunk of chunks) whirlpool.update(chunk)
  return whirlpool.hex()
}
