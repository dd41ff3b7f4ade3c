import type { Verb } from '@guichet/core'
import type { ApiStatus } from '@guichet/sdk'
import type { Custody } from '../../services/custody.ts'
import type { Explain } from '../../services/explain.ts'
import type { Caller } from '../../services/gate.ts'
import type { Keys } from '../../services/keys.ts'
import type { LastingTickets } from '../../services/lasting-tickets.ts'
import type { LeakedKeys } from '../../services/leaked-keys.ts'
import type { LedgerReading } from '../../services/ledger/reading.ts'
import type { Wraps } from '../../services/wraps.ts'
import type { DoorServices } from '../services.ts'
import type { Visit } from '../visit.ts'

export interface ApiServices extends DoorServices {
  readonly explain: Explain
  readonly keys: Keys
  readonly ledgers: LedgerReading
  readonly lastingTickets: LastingTickets
  readonly wraps: Wraps
  readonly leakedKeys: LeakedKeys
  status(): Promise<ApiStatus>
  /** Goes on after a permanent refusal that a person has mended. */
  resume(): Promise<void>
  readonly custody: Custody
}

export interface ApiQuery {
  /** A path, an id or a link; empty when it is missing. */
  readonly at: string
  readonly refresh: boolean
}

export interface ApiCall {
  readonly caller: Caller
  readonly query: ApiQuery
  readonly body: object
  /** What stood for `:id` in the route. */
  readonly id: string
  readonly visit: Visit
}

/** One route of `/api/v1`: `METHOD /path`, with `:id` for a name in it. Answers JSON. */
export interface ApiRoute {
  readonly route: string
  /**
   * A key needs one of these to be heard at all; what exactly it takes is decided where it is known what is asked.
   * `owner`: no key is enough. `issuer`: a key that may issue others is.
   */
  readonly needs: readonly Verb[] | 'owner' | 'issuer'
  run(call: ApiCall): Promise<object>
}
