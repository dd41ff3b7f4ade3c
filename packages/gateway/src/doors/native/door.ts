import {
  type Endpoint,
  findEndpoint,
  findFileLink,
  findPublicFolder,
  GatewayError,
  linkText,
  ROOT,
} from '@guichet/core'
import type { Caller } from '../../services/gate.ts'
import { exposed, isApiKey, type Principal } from '../../services/principals.ts'
import type { Ticket } from '../../services/tickets.ts'
import { fromFields } from '../bad-fields.ts'
import { requireGetOrHead, sendContent } from '../content.ts'
import { identify, recall } from '../identify.ts'
import type { DoorServices } from '../services.ts'
import { dropBody, readJson, readText, sendHtml, sendJson, sendText, type Visit } from '../visit.ts'
import { accountRoutes } from './account.ts'
import { fileRoutes } from './files.ts'
import { folderRoutes } from './folders.ts'
import { sendRefusal } from './refusals.ts'
import { sendReport } from './report.ts'
import type { NativeServices, Route, Routes } from './routes.ts'
import { takeUpload } from './upload.ts'

const BODY_MAX_BYTES = 4 * 1024 * 1024
/** As long as a client of 1fichier waits for an answer; rclone gives up after five minutes of silence. */
const PATIENCE_MS = 4 * 60_000

/** 1fichier's own API, upload nodes and direct links, answered by Guichet. */
export interface NativeDoor {
  /** True when the path belongs to this door. */
  takes(path: string): boolean
  answer(visit: Visit): Promise<void>
}

export function createNativeDoor(options: DoorServices): NativeDoor {
  return new FichierDoor(options)
}

class FichierDoor implements NativeDoor {
  readonly #services: NativeServices
  readonly #routes: Routes<Exclude<Endpoint, 'upload/get_upload_server'>>

  constructor(options: DoorServices) {
    this.#services = {
      ...options,
      ticketUrl: (visit, ticket) => `${directBase(visit)}/p${options.tickets.issue(ticket)}`,
    }
    this.#routes = {
      ...fileRoutes(this.#services),
      ...folderRoutes(this.#services),
      ...accountRoutes(this.#services),
    }
  }

  takes(path: string): boolean {
    return /^\/(v1\/.*|upload\.cgi|end\.pl|p[0-9a-f]{32}|(?:[a-z]{2}\/)?dir\/[^/]+\/?|check_links\.pl)$/.test(
      path,
    )
  }

  async answer(visit: Visit): Promise<void> {
    try {
      await this.#answer(visit)
    } catch (failure) {
      const error = GatewayError.from(fromFields(failure))
      visit.note(error)
      dropBody(visit.request)
      sendRefusal(visit.response, error)
    }
  }

  async #answer(visit: Visit): Promise<void> {
    const path = visit.url.pathname
    if (path.startsWith('/p')) return this.#direct(visit, path.slice(2))
    const caller = await this.#identify(visit)
    if (path.startsWith('/v1/')) return this.#call(visit, caller)
    if (path === '/upload.cgi') return this.#upload(visit, caller)
    if (path === '/end.pl') return this.#report(visit, caller)
    if (path === '/check_links.pl') return this.#checkLinks(visit, caller)
    return this.#publicFolder(visit, caller)
  }

  async #identify(visit: Visit): Promise<Caller> {
    return callerOf(visit, await identify(this.#services, visit, doorOf(visit)))
  }

  async #call(visit: Visit, caller: Caller): Promise<void> {
    const { request, response, url } = visit
    const [, name = ''] = /^\/v1\/(.+)\.cgi$/.exec(url.pathname) ?? []
    const endpoint = findEndpoint(name)
    if (endpoint === undefined) {
      throw new GatewayError('not-found', `1fichier has no ${url.pathname.slice(0, 200)}`, {
        hint: 'see 1fichier.com/api.html',
      })
    }
    if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
      dropBody(request)
      return sendJson(response, 400, { message: 'Content-Type not JSON #24' })
    }
    if (endpoint === 'upload/get_upload_server') return this.#uploadServer(visit, caller)
    if (request.method !== 'POST')
      throw new GatewayError('invalid', `${endpoint}.cgi takes POST`, { hint: 'send a JSON object by POST' })
    const route: Route = this.#routes[endpoint]
    if (route.needs === 'owner') await this.#services.gate.demandOwner(caller, `${endpoint}.cgi`)
    else await this.#services.gate.demand(caller, route.needs, `${endpoint}.cgi`)
    const body = await readJson(request, BODY_MAX_BYTES)
    await this.#refuseKeys(caller, body)
    sendJson(response, 200, await route.run(caller, body, visit))
  }

  /** Some guides put the API key into the request itself; none of our calls has such a field. */
  async #refuseKeys(caller: Caller, body: object): Promise<void> {
    const isExposed = Object.entries(body).some(
      ([name, value]) =>
        /^(?:api_?key|key|token|auth|authorization)$/i.test(name) &&
        typeof value === 'string' &&
        isApiKey(value),
    )
    if (!isExposed) return
    const target = 'an API key of 1fichier was sent: take it for exposed'
    throw await this.#services.gate.deny({ caller, verb: 'authenticate', target }, exposed())
  }

  async #uploadServer(visit: Visit, caller: Caller): Promise<void> {
    if (visit.request.method !== 'GET' && visit.request.method !== 'POST')
      throw new GatewayError('invalid', 'get_upload_server.cgi takes GET or POST')
    dropBody(visit.request)
    await this.#services.gate.permit(caller, 'upload', 'a new upload')
    const node = visit.tunnel === undefined ? (visit.request.headers.host ?? 'localhost') : 'up1.1fichier.com'
    sendJson(visit.response, 200, { url: node, id: newUploadId(this.#services.random) })
  }

  async #upload(visit: Visit, caller: Caller): Promise<void> {
    if (visit.request.method !== 'POST') throw new GatewayError('invalid', 'upload.cgi takes POST')
    await this.#services.gate.demand(caller, ['upload'], 'upload.cgi')
    const upload = uploadName(caller, visit, 'id')
    await takeUpload(this.#services, caller, upload, visit.request)
    const location = `/end.pl?xid=${visit.url.searchParams.get('id')}`
    visit.response.setHeader('location', location)
    sendHtml(visit.response, 302, '<html><body>Moved ! Temporary Redirect</body></html>\n')
  }

  async #report(visit: Visit, caller: Caller): Promise<void> {
    dropBody(visit.request)
    const upload = uploadName(caller, visit, 'xid')
    await this.#services.gate.permit(caller, 'upload', `report of ${upload}`)
    await sendReport(this.#services, caller, upload, visit)
  }

  async #direct(visit: Visit, text: string): Promise<void> {
    requireGetOrHead(visit.request.method)
    dropBody(visit.request)
    const { tickets, downloads } = this.#services
    const ticket = tickets.use(text)
    if (ticket === undefined) return sendExpired(visit)
    const principal = await recall(this.#services, visit, doorOf(visit), ticket.principal.key)
    const caller = callerOf(visit, principal)
    const file = await this.#fileOf(caller, ticket)
    if (file === undefined) return sendExpired(visit)
    await sendContent(visit, caller, downloads, file, ticket.options)
  }

  /**
   * The file may have left the key's root since its ticket was issued, and then even its id is not told.
   * Other people's files are in no folder of ours.
   */
  async #fileOf(caller: Caller, { file }: Ticket): Promise<Ticket['file'] | undefined> {
    if (caller.principal.root === ROOT) return file
    try {
      return await this.#services.catalogue.file(caller, file.link.id)
    } catch (failure) {
      if (GatewayError.from(failure).code !== 'not-found') throw failure
      return undefined
    }
  }

  async #publicFolder(visit: Visit, caller: Caller): Promise<void> {
    const id = findPublicFolder(`1fichier.com${visit.url.pathname}`)
    if (id === undefined) throw new GatewayError('not-found', 'there is no such public folder')
    const form =
      visit.request.method === 'POST'
        ? new URLSearchParams(await readText(visit.request, BODY_MAX_BYTES))
        : undefined
    const files = await this.#services.foreign.publicFolder(caller, id, form?.get('pass') ?? undefined)
    const items = files.map((file) => ({
      link: file.link,
      filename: file.name,
      size: file.sizeBytes,
      password: Number(file.hasPassword),
      acl: Number(file.isRestricted),
    }))
    if (visit.url.searchParams.get('e') === '1') {
      return sendText(visit.response, 200, items.map((item) => `${item.link};${item.filename}\n`).join(''))
    }
    sendJson(visit.response, 200, visit.url.searchParams.get('json') === '2' ? { ...items } : items)
  }

  async #checkLinks(visit: Visit, caller: Caller): Promise<void> {
    const { gate, foreign } = this.#services
    await gate.demand(caller, ['stat'], 'check_links.pl')
    const form = new URLSearchParams(await readText(visit.request, BODY_MAX_BYTES))
    const wished = form.getAll('links[]').slice(0, 100)
    const links = wished.flatMap((text) => findFileLink(text) ?? [])
    if (links.length === 0) await gate.permit(caller, 'stat', 'no link that is one')
    const states = links.length === 0 ? [] : await foreign.checkLinks(caller, links)
    const lines = wished.map((text) => {
      const link = findFileLink(text)
      const state = states.find((entry) => entry.id === link?.id)
      if (link === undefined || state === undefined || state.state === 'bad-link') return `${text};;;BAD LINK`
      if (state.state === 'found') return `${linkText(link)};${state.name};${state.sizeBytes}`
      return `${linkText(link)};;;${state.state === 'private' ? 'PRIVATE' : 'NOT FOUND'}`
    })
    sendText(visit.response, 200, `${lines.join('\n')}\n`)
  }
}

/** An expired link of 1fichier answers with a page, too (wire.md §7.3). */
function sendExpired({ response }: Visit): void {
  sendHtml(response, 404, '<html><body>This link has expired: ask for a new one.</body></html>\n')
}

function doorOf(visit: Visit): 'native' | 'proxy' {
  return visit.tunnel === undefined ? 'native' : 'proxy'
}

function callerOf(visit: Visit, principal: Principal): Caller {
  const { requestId, signal } = visit
  return { principal, door: doorOf(visit), requestId, signal, patienceMs: PATIENCE_MS }
}

/** The client's name for its upload, kept apart from the same name of another key. */
function uploadName(caller: Caller, visit: Visit, parameter: 'id' | 'xid'): string {
  const id = visit.url.searchParams.get(parameter) ?? ''
  if (/^[A-Za-z0-9]{1,10}$/.test(id)) return `${caller.principal.key}/${id}`
  throw new GatewayError('invalid', `${parameter} is not the id of an upload`, {
    hint: 'ask upload/get_upload_server.cgi for one: up to 10 letters and digits',
  })
}

function newUploadId(random: (count: number) => Uint8Array): string {
  const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789'
  return [...random(10)].map((byte) => letters[byte % letters.length]).join('')
}

/** Where direct links of ours lead: a download node inside a tunnel, this gateway's own address outside. */
function directBase(visit: Visit): string {
  return visit.tunnel === undefined
    ? `${visit.transport === 'tls' ? 'https' : 'http'}://${visit.request.headers.host ?? 'localhost'}`
    : 'https://a-1.1fichier.com'
}
