import type { Config, DatabaseReport } from '@guichet/gateway'
import type { ApiStatus } from '@guichet/sdk'

/**
 * All that the checks know: gathered once, looked at by pure functions.
 * What is `undefined` could not be looked at, or is not there; then a check that needs it is left out and named.
 */
export interface DoctorFacts {
  readonly nowMs: number
  readonly nodeVersion: string
  readonly platform: NodeJS.Platform
  /** The user who asks; `undefined` where the system has no such numbers. */
  readonly uid: number | undefined
  readonly home: string
  /** Everything below the home, the home itself first, and the unlock file wherever it is. */
  readonly files: readonly FileFact[]
  /** When the API key was stored, or why the vault cannot be read. */
  readonly vault: { readonly storedMs: number } | { readonly problem: string } | undefined
  readonly config: ConfigFact | { readonly problem: string } | undefined
  /** Of the running gateway; `undefined` when none answers. */
  readonly status: ApiStatus | undefined
  readonly database: DatabaseReport | { readonly problem: string } | undefined
  /** What a look through the whole ledger has given. */
  readonly ledger: { readonly entries: number } | { readonly problem: string } | undefined
  readonly disk: { readonly freeBytes: number; readonly totalBytes: number } | undefined
  readonly authority: { readonly endMs: number } | { readonly problem: string } | undefined
  /** API keys in plain text in the places where tools keep them. */
  readonly copies: readonly CopyFact[] | undefined
  /** Lines of start-up files of shells that hold a key or lead everything through the gateway. */
  readonly shellLines: readonly ShellLine[] | undefined
  /** The largest core dump that a program started here may leave; `undefined` where the system does not say. */
  readonly coreBytesMax: number | undefined
}

export interface FileFact {
  readonly path: string
  readonly kind: 'file' | 'folder' | 'socket' | 'link' | 'other'
  readonly mode: number
  readonly uid: number
  /** What it is for, as far as it is ours. */
  readonly role: 'home' | 'secret' | 'public' | 'unlock' | 'other'
}

export interface ConfigFact {
  readonly host: string
  readonly port: number
  readonly unlock: Config['unlock']
  readonly reserveBytes: number
  /** Does it speak TLS? */
  readonly isEncrypted: boolean
}

export interface CopyFact {
  readonly path: string
  readonly line: number
  /** Whose place it is: `rclone`, `JDownloader`, `shell history` … */
  readonly tool: string
}

export interface ShellLine {
  readonly path: string
  readonly line: number
  readonly what: 'virtual-key' | 'proxy'
}

/** A fact that was gathered, and not the reason why it was not. */
export function known<Fact extends object>(
  fact: Fact | { readonly problem: string } | undefined,
): Fact | undefined {
  return fact === undefined || 'problem' in fact ? undefined : fact
}
