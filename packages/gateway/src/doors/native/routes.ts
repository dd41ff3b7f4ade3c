import type { Caller } from '../../services/gate.ts'
import type { Ticket } from '../../services/tickets.ts'
import type { DoorServices } from '../services.ts'
import type { Visit } from '../visit.ts'

/** One endpoint of `/v1/`: the request's JSON in, the answer's JSON out. */
export type Route = (caller: Caller, body: object, visit: Visit) => Promise<Record<string, unknown>>

export interface NativeServices extends DoorServices {
  /** file/ls.cgi with folder_id -1. */
  everyFile(caller: Caller, window: DateWish): Promise<Record<string, unknown>>
  ticketUrl(visit: Visit, ticket: Ticket): string
}

/** Limits by date as clients write them: French local time. */
export interface DateWish {
  readonly sent_after?: string | undefined
  readonly sent_before?: string | undefined
}
