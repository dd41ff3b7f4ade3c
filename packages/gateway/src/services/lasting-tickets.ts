import {
  type Clock,
  DAY_MS,
  type FileNode,
  GatewayError,
  type LastingTicket,
  type TicketStore,
} from '@guichet/core'
import { isIn, requireBlocks } from './addresses.ts'
import { unknownCaller } from './admission.ts'
import type { Downloads } from './downloads.ts'
import type { Caller, Gate } from './gate.ts'
import type { Principals } from './principals.ts'

export interface TicketWish {
  readonly forMs: number
  /** Each request for content is a use, also one for a part of it; absent: as often as one likes. */
  readonly uses?: number | undefined
  readonly from?: readonly string[] | undefined
}

const LONGEST_MS = 30 * DAY_MS
/** 40 characters that the log takes for a secret. */
const TEXT_BYTES = 30
const TICKETS_PER_KEY_MAX = 20_000

/**
 * Links to one file for people and tools without a key: for a time, with uses and addresses.
 *
 * A ticket allows no more than the key that made it does when it is used, and ends with it.
 */
export interface LastingTickets {
  /** Rejects with `forbidden` when the caller may not download the file itself. */
  issue(
    caller: Caller,
    file: FileNode,
    wish: TicketWish,
  ): Promise<{ readonly text: string; readonly untilMs: number }>
  /** The ticket behind a text, while it lives. Rejects with `not-found`, once that is recorded. */
  find(text: string, visitor: Visitor): Promise<LastingTicket>
  /** Takes one use of it. Rejects as `find` when there is none left. */
  use(ticket: LastingTicket, visitor: Visitor): Promise<void>
}

/** Whoever comes with a ticket. */
export interface Visitor {
  readonly requestId: string
  readonly from: string | undefined
  readonly isLocal: boolean
}

export function createLastingTickets(options: {
  readonly store: TicketStore
  readonly downloads: Pick<Downloads, 'permitLink'>
  readonly principals: Pick<Principals, 'hash'>
  readonly gate: Gate
  readonly clock: Clock
  readonly random: (count: number) => Uint8Array
}): LastingTickets {
  const { store, downloads, principals, gate, clock, random } = options

  async function refused(visitor: Visitor, reason: string): Promise<GatewayError> {
    const { requestId, from, isLocal } = visitor
    const caller = { door: isLocal ? 'admin' : 'api', requestId, from } as const
    await unknownCaller(gate, caller, 'a link to one file', new GatewayError('not-found', reason))
    return new GatewayError('not-found', 'this link has ended, or never was one', {
      hint: 'ask whoever sent it for a new one',
    })
  }

  return {
    async issue(caller, file, { forMs, uses, from }) {
      const { principal } = caller
      await downloads.permitLink(caller, file)
      requireTime(forMs)
      requireBlocks(from ?? [])
      const nowMs = clock.nowMs()
      await store.prune(nowMs)
      if ((await store.count(principal.key, nowMs)) >= TICKETS_PER_KEY_MAX) throw tooMany()
      const untilMs = Math.min(nowMs + forMs, principal.expiresMs ?? Number.POSITIVE_INFINITY)
      const text = Buffer.from(random(TEXT_BYTES)).toString('base64url')
      const hash = principals.hash(text)
      await store.add({ hash, key: principal.key, file: file.link.id, untilMs, usesLeft: uses, from })
      return { text, untilMs }
    },

    async find(text, visitor) {
      const ticket = await store.find(principals.hash(text), clock.nowMs())
      if (ticket === undefined) throw await refused(visitor, 'the link is over, used up, or none of ours')
      const { from } = ticket
      if (from === undefined || visitor.isLocal || isIn(visitor.from, from)) return ticket
      throw await refused(visitor, `a link of ${ticket.key} may not be used from ${visitor.from}`)
    },

    async use(ticket, visitor) {
      if (await store.use(ticket.hash, clock.nowMs())) return
      throw await refused(visitor, `a link of ${ticket.key} is used up`)
    },
  }
}

function requireTime(forMs: number): void {
  if (Number.isSafeInteger(forMs) && forMs > 0 && forMs <= LONGEST_MS) return
  throw new GatewayError('invalid', `a link cannot be good for ${forMs} ms`, {
    hint: 'give it up to 30 days',
  })
}

function tooMany(): GatewayError {
  return new GatewayError('conflict', `there are ${TICKETS_PER_KEY_MAX} links of this key already`, {
    hint: 'wait until some have ended, or revoke the key',
  })
}
