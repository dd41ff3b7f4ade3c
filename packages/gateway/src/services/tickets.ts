import { type Clock, type FileNode, MINUTE_MS, type TicketStore, type TokenOptions } from '@guichet/core'
import type { Principal } from './principals.ts'

/** Our short-lived link to one file: what a client gets instead of a token of 1fichier. */
export interface Ticket {
  readonly principal: Principal
  readonly file: FileNode
  readonly options: TokenOptions
}

/** As 1fichier's tokens: 5 minutes to begin, 30 more to go on with a download (wire.md §7.3). */
const START_MS = 5 * MINUTE_MS
const RESUME_MS = 30 * MINUTE_MS
/** Enough for 35 minutes of 20 opens a second; the oldest go first. */
const TICKETS_MAX = 50_000
/** One key of many does not drive out the tickets of the others. */
const TICKETS_PER_KEY_MAX = 20_000

export interface Tickets {
  /** The text of a new ticket: letters and digits only, as in 1fichier's links. */
  issue(ticket: Ticket): string
  /** The ticket behind a text while it lives; its first use makes it live longer. */
  use(text: string): Ticket | undefined
  /** Ends those of one key. */
  drop(key: Principal['key']): void
}

/** Tickets live in memory: after a restart a client asks for a new one, as it does when one has expired. */
export function createTickets(options: {
  readonly clock: Clock
  readonly random: (count: number) => Uint8Array
}): Tickets {
  const { clock, random } = options
  const live = new Map<string, { readonly ticket: Ticket; untilMs: number; isUsed: boolean }>()
  const ofKeys = new Map<Principal['key'], Set<string>>()

  function forget(text: string, { key }: Principal): void {
    live.delete(text)
    const texts = ofKeys.get(key)
    texts?.delete(text)
    if (texts?.size === 0) ofKeys.delete(key)
  }

  function sweep(nowMs: number, principal: Principal): void {
    const texts = ofKeys.get(principal.key) ?? new Set()
    const [oldest] = texts.values()
    if (texts.size >= TICKETS_PER_KEY_MAX && oldest !== undefined) forget(oldest, principal)
    for (const [text, { ticket, untilMs }] of live) {
      if (untilMs > nowMs && live.size < TICKETS_MAX) return
      forget(text, ticket.principal)
    }
  }

  return {
    issue(ticket) {
      const nowMs = clock.nowMs()
      const { principal } = ticket
      sweep(nowMs, principal)
      const text = Buffer.from(random(16)).toString('hex')
      const texts = ofKeys.get(principal.key) ?? new Set()
      ofKeys.set(principal.key, texts.add(text))
      live.set(text, { ticket, untilMs: nowMs + START_MS, isUsed: false })
      return text
    },

    use(text) {
      const entry = live.get(text)
      const nowMs = clock.nowMs()
      if (entry === undefined || entry.untilMs <= nowMs) return undefined
      if (!entry.isUsed) entry.untilMs = nowMs + RESUME_MS
      entry.isUsed = true
      return entry.ticket
    },

    drop(key) {
      for (const text of ofKeys.get(key) ?? []) live.delete(text)
      ofKeys.delete(key)
    },
  }
}

/** The links of a key, those in memory and those that last. */
export function linksOf(
  tickets: Pick<Tickets, 'drop'>,
  lasting: Pick<TicketStore, 'drop'>,
): Pick<TicketStore, 'drop'> {
  return {
    drop(key) {
      tickets.drop(key)
      return lasting.drop(key)
    },
  }
}
