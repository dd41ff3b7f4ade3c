import type { Secret } from '@guichet/core'

/** Whose file it is, as a person calls it. */
export type Tool =
  | 'rclone'
  | 'JDownloader'
  | 'pyLoad'
  | 'environment file'
  | 'compose file'
  | 'shell file'
  | 'shell history'
  | 'script'

/** A file in which a tool may keep the key of the account. */
export interface Place {
  readonly path: string
  readonly tool: Tool
}

/** A key of the account in a file. Positions count bytes of the file's text (see `Format`). */
export interface Sighting {
  readonly start: number
  readonly end: number
  /** From 1. */
  readonly line: number
  /** `obscured`: in the form of `rclone obscure`. `wrapped`: inside another encoding, where nothing can be put in its place. */
  readonly form: 'plain' | 'obscured' | 'wrapped'
  /** What it stands at, for a person: `the remote "films"`. */
  readonly at: string
  readonly fingerprint: string
  readonly secret: Secret
}

/**
 * How a tool keeps its settings.
 *
 * Texts are in latin1, one character for a byte: whatever is in a file comes back unchanged, in any encoding.
 * `close` after `open` gives the same bytes.
 */
export interface Format {
  /** The text of the file; a `problem` where it cannot be read here, with what a person can do. */
  open(content: Buffer): { readonly text: string } | { readonly problem: string; readonly hint: string }
  close(text: string): Buffer
  find(text: string, path: string): readonly Sighting[]
}

export const PLAIN: Pick<Format, 'open' | 'close'> = {
  open: (content) => ({ text: content.toString('latin1') }),
  close: (text) => Buffer.from(text, 'latin1'),
}
