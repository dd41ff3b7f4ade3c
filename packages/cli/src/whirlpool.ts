import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { GatewayError } from '@guichet/core'

/** 1fichier's checksum. OpenSSL keeps it in its legacy provider, which the launcher loads. */
export function createWhirlpool(): Hash {
  try {
    return createHash('whirlpool')
  } catch (cause) {
    throw new GatewayError('internal', 'this Node cannot compute Whirlpool checksums', {
      hint: 'start guichet by its launcher `guichet`, or give Node `--openssl-legacy-provider`',
      cause,
    })
  }
}

export async function whirlpoolOfFile(path: string, signal: AbortSignal): Promise<string> {
  const hash = createWhirlpool()
  for await (const chunk of createReadStream(path, { signal, highWaterMark: 1024 * 1024 })) hash.update(chunk)
  return hash.digest('hex')
}
