import type { LockScope } from '../rules/rules.ts'

/** What goes wrong. Each kind says at which moment; see `FAULT_KINDS` for the words. */
export type FaultKind =
  | { readonly kind: 'reset' }
  | { readonly kind: 'cut'; readonly afterBytes: number }
  | { readonly kind: 'truncated-json' }
  | { readonly kind: 'html'; readonly done?: boolean }
  | { readonly kind: 'slow'; readonly delayMs: number }
  | { readonly kind: 'stall' }
  | { readonly kind: 'too-many'; readonly retryAfterSeconds?: number }
  | {
      readonly kind: 'flood'
      readonly scope: LockScope
      readonly locks?: boolean
      readonly page?: boolean
    }
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'maintenance' }
  | { readonly kind: 'end-late'; readonly shape?: 'html' | 'empty' }
  | { readonly kind: 'corrupt'; readonly offset?: number }
  | { readonly kind: 'reset-after' }
  | { readonly kind: 'wrong-length'; readonly byBytes: number }
  | { readonly kind: 'ignore-range' }
  | { readonly kind: 'expired-link' }
  | { readonly kind: 'refusal'; readonly refusal: RefusalName }
  | { readonly kind: 'node-cannot-open' }
  | { readonly kind: 'halve-limits' }
  | { readonly kind: 'redirect'; readonly status: number; readonly location: string }
  | { readonly kind: 'forged'; readonly body: string }
  | { readonly kind: 'echo' }

export type RefusalName =
  | 'not-authenticated'
  | 'no-such-user'
  | 'bad-token'
  | 'ip-blocked'
  | 'must-be-customer'
  | 'owner-locked'
  | 'one-location'
  | 'professional-equipment'

export type FaultSpec = FaultKind & {
  /** Which endpoint, with `*` for any run of characters: `file/ls`, `folder/*`, `upload.cgi`, `direct`, `*`. */
  readonly at: string
  /** How often; once if not given, and `Infinity` for always. */
  readonly times?: number
  /** How many matching calls are let through first. */
  readonly after?: number
}

export interface QueuedFault {
  readonly spec: FaultSpec
  readonly timesLeft: number
  readonly skipLeft: number
}

/** What each kind does, for the index page of the control API. */
export const FAULT_KINDS: Readonly<Record<FaultKind['kind'], string>> = {
  reset: 'the socket is destroyed before anything is done or answered',
  cut: 'the socket is destroyed after `afterBytes` of the answer; on upload.cgi, of the request',
  'truncated-json': 'the answer ends in the middle of its body, with a matching Content-Length',
  html: 'an HTML page instead of the answer; the operation is carried out only with `done`',
  slow: 'the answer comes `delayMs` later',
  stall: 'no answer until the client gives up',
  'too-many': 'HTTP 429, with Retry-After when `retryAfterSeconds` is given',
  flood:
    'the flood text of `scope` (ip, user or key), as HTML with `page` and outside the API, followed by a real lock when `locks`',
  status: 'the HTTP error `status` with an HTML body',
  maintenance: 'HTTP 503 with the maintenance page',
  'end-late': 'end.pl is not ready: HTML "Veuillez patienter", or with `shape` "empty" no links',
  corrupt: 'one byte is changed: of the download at `offset`, or on upload.cgi of what is stored',
  'reset-after': 'the operation is carried out, then the socket is destroyed',
  'wrong-length': 'Content-Length is wrong by `byBytes`',
  'ignore-range': 'HTTP 200 with the whole file in answer to a Range',
  'expired-link': 'a direct link is answered as expired and stays so',
  refusal: 'the permanent refusal named by `refusal`',
  'node-cannot-open': 'the upload node cannot open its storage (French refusal, another node may work)',
  redirect: 'the redirect `status` to `location`, and nothing is done',
  forged: 'HTTP 200 with the text `body` as JSON, and nothing is done',
  echo: 'HTTP 200 with the headers of the request as JSON, credentials and all, and nothing is done',
  'halve-limits': 'from this call on every rule silently allows half',
}

interface RefusalWords {
  readonly status: number
  readonly message: string
  /** Where the pages of the other hosts say it in other words. */
  readonly page?: string
}

export const REFUSALS: Readonly<Record<RefusalName, RefusalWords>> = {
  'not-authenticated': { status: 401, message: 'Not authenticated #247' },
  'no-such-user': { status: 403, message: 'No such user #93' },
  'bad-token': { status: 403, message: 'Bad token' },
  // Only the number is known; rclone asks itself whether it means a blocked IP (wire.md §14).
  'ip-blocked': { status: 403, message: 'IP blocked #186' },
  'must-be-customer': { status: 403, message: 'Must be a customer (Premium, Access) #236' },
  'owner-locked': { status: 403, message: 'Owner locked #649' },
  'one-location': { status: 403, message: 'Only 1 location(s) allowed at a time #887' },
  'professional-equipment': {
    status: 403,
    message: 'You are using professional equipment, you must have CDN credits #888',
    page: 'Premium status is only allowed to be used on residential private connections. Use CDN credits. #913',
  },
}

/** Faults waiting to happen. A call meets at most one: the first in the queue that fits. */
export class FaultQueue {
  #queue: QueuedFault[] = []

  add(spec: FaultSpec): void {
    this.#queue.push({ spec, timesLeft: spec.times ?? 1, skipLeft: spec.after ?? 0 })
  }

  take(endpoint: string): FaultSpec | undefined {
    let taken: FaultSpec | undefined
    this.#queue = this.#queue.flatMap((fault) => {
      if (taken || !matches(fault.spec.at, endpoint)) return [fault]
      if (fault.skipLeft > 0) return [{ ...fault, skipLeft: fault.skipLeft - 1 }]
      taken = fault.spec
      return fault.timesLeft > 1 ? [{ ...fault, timesLeft: fault.timesLeft - 1 }] : []
    })
    return taken
  }

  waiting(): readonly QueuedFault[] {
    return this.#queue
  }

  clear(): void {
    this.#queue = []
  }
}

function matches(pattern: string, endpoint: string): boolean {
  const escaped = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${escaped.join('.*')}$`).test(endpoint)
}
