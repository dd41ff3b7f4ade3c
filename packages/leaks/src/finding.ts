import type { Secret } from '@guichet/core'

/**
 * `virtual-key`: one of ours, told by prefix and checksum.
 * `api-key`: a text that can be the API key of an account, by its shape and by what stands around it.
 */
export type FoundKind = 'api-key' | 'virtual-key'

/** How the key stands there. Where several are around each other: the innermost that is not plain. */
export type Encoding = 'plain' | 'escaped' | 'base64' | 'hex' | 'rclone-obscured'

/** `certain`: by checksum, or by a setting that can hold nothing else. `high`: named and near. `medium`: near. */
export type Confidence = 'certain' | 'high' | 'medium'

export type RuleId =
  /** A virtual key, by its checksum. */
  | 'guichet-virtual-key'
  /** A setting of a tool that can only be 1fichier's key: rclone's `api_key` of a `fichier` remote, its flags and variables. */
  | '1fichier-tool-setting'
  /** An assignment to a name that says 1fichier and key. */
  | '1fichier-named-key'
  /** `Authorization` or `api_key=` in a request to 1fichier. */
  | '1fichier-request'
  /** An assignment to a name that says key, near a mention of 1fichier. */
  | '1fichier-key-nearby'
  /** A random text of the right shape beside a mention of 1fichier. */
  | '1fichier-bare-key'

export interface Finding {
  readonly kind: FoundKind
  readonly rule: RuleId
  readonly confidence: Confidence
  readonly encoding: Encoding
  /** Where it stands in the text, in UTF-16 units: of an encoded key the whole encoded part. `end` is behind it. */
  readonly start: number
  readonly end: number
  /** From 1, in UTF-16 units. */
  readonly line: number
  readonly column: number
  /** Tells the same key in two places without telling the key: 16 hexadecimal digits of a hash. */
  readonly fingerprint: string
  /** The key itself, decoded. */
  readonly secret: Secret
}

/** What is known of a text apart from itself. */
export interface FindContext {
  /** The name of the file, whole or in part: a folder called `1fichier` is a mention of it. */
  readonly path?: string | undefined
}
