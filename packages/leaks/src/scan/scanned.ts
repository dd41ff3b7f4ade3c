import { KEY_PREFIX } from '@guichet/core'
import type { Finding } from '../finding.ts'

/** What a scan has to tell, as it goes. */
export type Scanned =
  | {
      readonly kind: 'found'
      /** As it was named, or below what was named; of a repository, inside it. */
      readonly path: string
      /** The oldest commit that has it there; absent outside of a history. */
      readonly commit?: string
      readonly finding: Finding
    }
  | { readonly kind: 'looked'; readonly path: string; readonly bytes: number }
  /** Left out, and why: one line for a person. */
  | { readonly kind: 'unread'; readonly path: string; readonly reason: string }

export interface ScanOptions {
  /** A larger file is left out. */
  readonly maxBytes: number
  readonly signal?: AbortSignal | undefined
}

/** A key in two shortest parts, so that its owner knows it and nobody else does. */
export function maskedKey({ secret, kind }: Pick<Finding, 'secret' | 'kind'>): string {
  const key = secret.expose()
  return `${key.slice(0, kind === 'virtual-key' ? KEY_PREFIX.length : 2)}…${key.slice(-2)}`
}
