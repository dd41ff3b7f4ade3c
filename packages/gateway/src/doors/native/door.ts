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
import { OWNER, type Principal, parseCredentials } from '../../services/principals.ts'
import { fromFields } from '../bad-fields.ts'
import { requireGetOrHead, sendContent } from '../content.ts'
import type { DoorServices } from '../services.ts'
import { readJson, readText, sendHtml, sendJson, sendText, type Visit } from '../visit.ts'
import { accountRoutes } from './account.ts'
import { fileRoutes } from './files.ts'
import { folderRoutes, inWindow } from './folders.ts'
import { sendRefusal } from './refusals.ts'
import { sendReport } from './report.ts'
import type { DateWish, NativeServices, Route } from './routes.ts'
import { fileItem } from './shapes.ts'
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
  readonly #routes: ReadonlyMap<Endpoint, Route>

  constructor(options: DoorServices) {
    this.#services = {
      ...options,
      ticketUrl: (visit, ticket) => `${directBase(visit)}/p${options.tickets.issue(ticket)}`,
      everyFile: (caller, window) => this.#everyFile(caller, window),
    }
    const routes = {
      ...fileRoutes(this.#services),
      ...folderRoutes(this.#services),
      ...accountRoutes(this.#services),
    }
    this.#routes = new Map(
      Object.entries(routes).flatMap(([path, route]) => {
        const endpoint = findEndpoint(path)
        return endpoint === undefined ? [] : [[endpoint, route] as const]
      }),
    )
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
      visit.request.resume()
      sendRefusal(visit.response, fromFields(failure))
    }
  }

  async #answer(visit: Visit): Promise<void> {
    const path = visit.url.pathname
    if (path.startsWith('/p')) return this.#direct(visit, path.slice(2))
    const caller = await this.#identify(visit)
    if (path.startsWith('/v1/')) return this.#call(visit, caller)
    if (path === '/upload.cgi') return this.#upload(visit, caller)
    if (path === '/end.pl')
      return sendReport(this.#services.uploads, caller, uploadName(caller, visit, 'xid'), visit)
    if (path === '/check_links.pl') return this.#checkLinks(visit, caller)
    return this.#publicFolder(visit, caller)
  }

  async #identify(visit: Visit): Promise<Caller> {
    const principal = await this.#principal(visit)
    visit.identify(principal)
    return {
      principal,
      door: visit.tunnel === undefined ? 'native' : 'proxy',
      requestId: visit.requestId,
      signal: visit.signal,
      patienceMs: PATIENCE_MS,
    }
  }

  async #principal(visit: Visit): Promise<Principal> {
    if (visit.isLocal) return OWNER
    const header = visit.request.headers.authorization
    if (header === undefined && visit.tunnel !== undefined) return visit.tunnel.principal
    try {
      return await this.#services.principals.authenticate(parseCredentials(header))
    } catch (failure) {
      const error = GatewayError.from(failure)
      const target =
        error.facts['exposed'] === true ? 'a real API key was sent: take it for exposed' : visit.url.pathname
      throw await this.#services.gate.deny(
        { caller: { door: 'native', requestId: visit.requestId }, verb: 'authenticate', target },
        error,
      )
    }
  }

  async #call(visit: Visit, caller: Caller): Promise<void> {
    const { request, response, url } = visit
    const endpoint = findEndpoint(url.pathname.replace(/^\/v1\//, '').replace(/\.cgi$/, ''))
    if (endpoint === undefined || !url.pathname.endsWith('.cgi')) {
      throw new GatewayError('not-found', `1fichier has no ${url.pathname}`, {
        hint: 'see 1fichier.com/api.html',
      })
    }
    if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
      return sendJson(response, 400, { message: 'Content-Type not JSON #24' })
    }
    if (endpoint === 'upload/get_upload_server') return this.#uploadServer(visit, caller)
    if (request.method !== 'POST')
      throw new GatewayError('invalid', `${endpoint}.cgi takes POST`, { hint: 'send a JSON object by POST' })
    const body = await readJson(request, BODY_MAX_BYTES)
    const route = this.#routes.get(endpoint)
    if (route === undefined) throw new GatewayError('internal', `no route for ${endpoint}`)
    sendJson(response, 200, await route(caller, body, visit))
  }

  async #uploadServer(visit: Visit, caller: Caller): Promise<void> {
    await this.#services.gate.permit(caller, 'upload', 'a new upload')
    const node = visit.tunnel === undefined ? (visit.request.headers.host ?? 'localhost') : 'up1.1fichier.com'
    sendJson(visit.response, 200, { url: node, id: newUploadId(this.#services.random) })
  }

  async #upload(visit: Visit, caller: Caller): Promise<void> {
    if (visit.request.method !== 'POST') throw new GatewayError('invalid', 'upload.cgi takes POST')
    await this.#services.gate.permit(caller, 'upload', 'content')
    const upload = uploadName(caller, visit, 'id')
    await takeUpload(this.#services, caller, upload, visit.request)
    const location = `/end.pl?xid=${visit.url.searchParams.get('id')}`
    visit.response.setHeader('location', location)
    sendHtml(visit.response, 302, '<html><body>Moved ! Temporary Redirect</body></html>\n')
  }

  async #direct(visit: Visit, text: string): Promise<void> {
    requireGetOrHead(visit.request.method)
    const ticket = this.#services.tickets.use(text)
    // An expired link of 1fichier answers with a page, too (wire.md §7.3).
    if (ticket === undefined)
      return sendHtml(
        visit.response,
        404,
        '<html><body>This link has expired: ask for a new one.</body></html>\n',
      )
    const principal = await this.#services.principals.recall(ticket.principal.key)
    visit.identify(principal)
    const caller: Caller = {
      principal,
      door: 'native',
      requestId: visit.requestId,
      signal: visit.signal,
      patienceMs: PATIENCE_MS,
    }
    await sendContent(visit, caller, this.#services.downloads, ticket.file, ticket.options)
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
    const form = new URLSearchParams(await readText(visit.request, BODY_MAX_BYTES))
    const wished = form.getAll('links[]').slice(0, 100)
    const links = wished.flatMap((text) => findFileLink(text) ?? [])
    const states = links.length === 0 ? [] : await this.#services.foreign.checkLinks(caller, links)
    const lines = wished.map((text) => {
      const link = findFileLink(text)
      const state = states.find((entry) => entry.id === link?.id)
      if (link === undefined || state === undefined || state.state === 'bad-link') return `${text};;;BAD LINK`
      if (state.state === 'found') return `${linkText(link)};${state.name};${state.sizeBytes}`
      return `${linkText(link)};;;${state.state === 'private' ? 'PRIVATE' : 'NOT FOUND'}`
    })
    sendText(visit.response, 200, `${lines.join('\n')}\n`)
  }

  async #everyFile(caller: Caller, window: DateWish): Promise<Record<string, unknown>> {
    await this.#services.gate.permit(caller, 'list', 'every file of the account')
    await this.#services.catalogue.requireInside(caller, ROOT)
    const files = await this.#services.host(caller, 'scan').listFiles('all', {}, caller)
    const items = files.filter(inWindow(window)).map((file) => fileItem({ ...file, folder: ROOT }))
    return { status: 'OK', count: items.length, items }
  }
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
    ? `http://${visit.request.headers.host ?? 'localhost'}`
    : 'https://a-1.1fichier.com'
}
