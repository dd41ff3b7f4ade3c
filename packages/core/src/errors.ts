/**
 * Every failure a person or a program can meet is a `GatewayError`: what happened, to which thing, what to do next.
 *
 * Callers branch on `code`, never on the text.
 * The HTTP status, the exit code and the retry advice of a code stand in one table, `TRAITS`; no door has its own.
 */
export class GatewayError extends Error {
  readonly code: ErrorCode
  /** The reader's next step, imperative, with the command to type. */
  readonly hint: string | undefined
  /** How long to wait before asking again, in milliseconds, when that is known. */
  readonly retryAfterMs: number | undefined
  /** Facts that are safe to log: never a secret, never a whole body. */
  readonly facts: Readonly<Record<string, string | number | boolean>>

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'GatewayError'
    this.code = code
    this.hint = details.hint
    this.retryAfterMs = details.retryAfterMs
    this.facts = details.facts ?? {}
  }

  /** The single gate by which foreign failures become ours. */
  static from(failure: unknown): GatewayError {
    if (failure instanceof GatewayError) return failure
    if (isAbort(failure))
      return new GatewayError('cancelled', 'the request was cancelled', { cause: failure })
    const systemCode = systemCodeOf(failure)
    if (systemCode === 'ENOSPC' || systemCode === 'EDQUOT') {
      return new GatewayError('disk-full', 'the disk of the gateway is full', {
        hint: 'free some space where the data directory is, then try again',
        cause: failure,
      })
    }
    return new GatewayError('internal', 'something failed inside the gateway', {
      hint: 'look for the request id in the log of `guichet serve`',
      cause: failure,
    })
  }
}

export interface ErrorDetails {
  readonly hint?: string | undefined
  readonly retryAfterMs?: number | undefined
  readonly facts?: Readonly<Record<string, string | number | boolean>>
  readonly cause?: unknown
}

/** What a code means at each edge. `retry`: may a machine try the same thing again by itself? */
export interface Traits {
  readonly http: number
  readonly exit: number
  readonly retry: 'never' | 'later'
}

/** The exhaustive table: a code without a row does not compile. */
export const TRAITS: Readonly<Record<ErrorCode, Traits>> = {
  /** The caller sent something that cannot be understood. */
  invalid: { http: 400, exit: 2, retry: 'never' },
  /** No virtual key, or one that is unknown, expired or revoked. */
  unauthenticated: { http: 401, exit: 3, retry: 'never' },
  /** The virtual key does not allow this. */
  forbidden: { http: 403, exit: 3, retry: 'never' },
  /** A person has to agree first. */
  'needs-approval': { http: 403, exit: 3, retry: 'never' },
  /** There is no such thing, or the key may not know that there is. */
  'not-found': { http: 404, exit: 4, retry: 'never' },
  /** The thing is in the way of itself: it exists already, it is not empty, it is in use. */
  conflict: { http: 409, exit: 5, retry: 'never' },
  /** More than 1fichier or this gateway takes. */
  'too-large': { http: 413, exit: 2, retry: 'never' },
  /** Too many wrong keys: whoever sends them is heard again later. */
  'too-often': { http: 429, exit: 6, retry: 'later' },
  /** 1fichier's limits allow this only later than the caller would wait. */
  paced: { http: 503, exit: 6, retry: 'later' },
  /** A budget of the key is used up for now. */
  'over-budget': { http: 429, exit: 6, retry: 'later' },
  /** 1fichier has locked the address, the user or the key for a while. */
  locked: { http: 503, exit: 6, retry: 'later' },
  /** 1fichier cannot be reached, or answers with an outage. */
  'upstream-down': { http: 502, exit: 6, retry: 'later' },
  /** 1fichier refuses the account or its key until a person acts. */
  'account-refused': { http: 503, exit: 7, retry: 'never' },
  /** 1fichier refuses this one file: private, password, owner locked, virus. */
  'file-refused': { http: 403, exit: 3, retry: 'never' },
  /** 1fichier answered in a way that this version does not know. */
  'upstream-changed': { http: 502, exit: 8, retry: 'never' },
  /** Content arrived that is not the content that was promised. */
  corrupt: { http: 502, exit: 8, retry: 'later' },
  /** The keyholder is sealed or gone. */
  sealed: { http: 503, exit: 7, retry: 'later' },
  'disk-full': { http: 507, exit: 9, retry: 'later' },
  /** The gateway cannot be reached, or is stopping. */
  unavailable: { http: 503, exit: 6, retry: 'later' },
  cancelled: { http: 499, exit: 130, retry: 'never' },
  internal: { http: 500, exit: 1, retry: 'never' },
}

/** The closed list of what can go wrong. */
export type ErrorCode =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'needs-approval'
  | 'not-found'
  | 'conflict'
  | 'too-large'
  | 'too-often'
  | 'paced'
  | 'over-budget'
  | 'locked'
  | 'upstream-down'
  | 'account-refused'
  | 'file-refused'
  | 'upstream-changed'
  | 'corrupt'
  | 'sealed'
  | 'disk-full'
  | 'unavailable'
  | 'cancelled'
  | 'internal'

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(TRAITS, text)
}

/** The hints along the cause chain, outermost first, no repeats. */
export function hintsOf(error: unknown): readonly string[] {
  const hints = new Set<string>()
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof GatewayError && current.hint !== undefined) hints.add(current.hint)
  }
  return [...hints]
}

/** The operating system's word for a failure (`ENOENT`, `EACCES` …), if it has one. */
export function systemCodeOf(failure: unknown): string | undefined {
  if (!(failure instanceof Error) || !('code' in failure)) return undefined
  return typeof failure.code === 'string' ? failure.code : undefined
}

function isAbort(failure: unknown): boolean {
  return failure instanceof Error && (failure.name === 'AbortError' || systemCodeOf(failure) === 'ABORT_ERR')
}
