import type { ApiTicket } from '@guichet/sdk'
import { z } from 'zod'
import { findFile } from '../../services/places.ts'
import { requireGetOrHead, sendContent } from '../content.ts'
import { recall } from '../identify.ts'
import { dropBody, type Visit } from '../visit.ts'
import type { ApiRoute, ApiServices } from './routes.ts'
import { blocks } from './shapes.ts'

const TICKET = /^\/t\/([\w-]{40})$/

const wishedTicket = z.object({
  at: z.string(),
  forMs: z.number().int().positive(),
  uses: z.number().int().positive().optional(),
  from: blocks.optional(),
})

export function ticketRoutes(services: ApiServices): readonly ApiRoute[] {
  return [
    {
      route: 'POST /tickets',
      needs: ['download'],
      async run({ caller, body }): Promise<ApiTicket> {
        const { at, ...wish } = wishedTicket.parse(body)
        const file = await findFile(services, caller, at)
        const { text, untilMs } = await services.lastingTickets.issue(caller, file, wish)
        return { path: `/t/${text}`, untilMs }
      },
    },
  ]
}

export function isTicketPath(path: string): boolean {
  return TICKET.test(path)
}

/** `GET|HEAD /t/TEXT`: the content of the file, without a key. Looking at the headers is no use. */
export async function sendTicketContent(services: ApiServices, visit: Visit): Promise<void> {
  const { request, requestId, url, signal } = visit
  requireGetOrHead(request.method)
  dropBody(request)
  const [, text = ''] = TICKET.exec(url.pathname) ?? []
  const { lastingTickets, catalogue, downloads } = services
  const ticket = await lastingTickets.find(text, visit)
  const principal = await recall(services, visit, 'api', ticket.key)
  const caller = { principal, door: 'api', requestId, signal, patienceMs: PATIENCE_MS } as const
  const file = await catalogue.file(caller, ticket.file)
  if (request.method === 'GET') await lastingTickets.use(ticket, visit)
  await sendContent(visit, caller, downloads, file)
}

/** As long as a player waits for its first byte. */
const PATIENCE_MS = 60_000
