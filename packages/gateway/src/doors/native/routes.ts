import type { Endpoint, Verb } from '@guichet/core'
import type { Caller } from '../../services/gate.ts'
import type { Ticket } from '../../services/tickets.ts'
import type { DoorServices } from '../services.ts'
import type { Visit } from '../visit.ts'

/** One endpoint of `/v1/`: the request's JSON in, the answer's JSON out. */
export interface Route {
  /** A key needs one of these to be heard at all; what exactly it takes is decided where it is known what is asked. */
  readonly needs: readonly Verb[] | 'owner'
  run(caller: Caller, body: object, visit: Visit): Promise<Record<string, unknown>>
}

/** Every endpoint but the one that is answered before a body is read. */
export type Routes<Name extends Endpoint> = Readonly<Record<Name, Route>>

export interface NativeServices extends DoorServices {
  ticketUrl(visit: Visit, ticket: Ticket): string
}
