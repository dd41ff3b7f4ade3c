import { GatewayError, HOUR_MS } from '@guichet/core'

export const API_HOST = 'api.1fichier.com'
const NODE_LOOKUP = '/v1/upload/get_upload_server.cgi'

/** Every call of 1fichier's documented interface (wire.md, sections 4 to 12). */
const API_PATHS: ReadonlySet<string> = new Set([
  ...['ls', 'info', 'scan', 'rm', 'mv', 'rename', 'cp', 'chattr'].map((name) => `/v1/file/${name}.cgi`),
  ...['ls', 'mkdir', 'mv', 'rm', 'share'].map((name) => `/v1/folder/${name}.cgi`),
  ...['request', 'ls', 'info'].map((name) => `/v1/remote/${name}.cgi`),
  ...['process', 'users/ls', 'users/add', 'users/rm'].map((name) => `/v1/ftp/${name}.cgi`),
  ...['ls', 'check', 'use'].map((name) => `/v1/vouchers/${name}.cgi`),
  '/v1/download/get_token.cgi',
  '/v1/user/info.cgi',
  NODE_LOOKUP,
])

const NODE_HOST = /^[a-z0-9-]{1,63}\.1fichier\.com$/
const NODE_TTL_MS = HOUR_MS
const NODES_MAX = 256

/** One place where the API key may go. */
export interface Target {
  readonly method: 'GET' | 'POST'
  readonly host: string
  /** With the query. */
  readonly path: string
  readonly kind: 'call' | 'node-lookup' | 'upload'
}

/**
 * The upload nodes that 1fichier has named to us, each for an hour after it was named last.
 * An upload that has begun goes on when its node is forgotten.
 */
export class UploadNodes {
  readonly #expiresMs = new Map<string, number>()

  /** Takes the body of a `get_upload_server.cgi` answer; what is not one is ignored. */
  learn(body: Buffer, nowMs: number): void {
    const host = nodeNamedBy(body)
    if (host === undefined) return
    this.#expiresMs.delete(host)
    this.#expiresMs.set(host, nowMs + NODE_TTL_MS)
    const oldest = this.#expiresMs.keys().next()
    if (this.#expiresMs.size > NODES_MAX && oldest.done === false) this.#expiresMs.delete(oldest.value)
  }

  has(host: string, nowMs: number): boolean {
    return nowMs < (this.#expiresMs.get(host) ?? Number.NEGATIVE_INFINITY)
  }
}

/**
 * The closed list. The text of the request is compared as it came, never decoded or normalised:
 * a spelling that is not exactly on the list is refused with `forbidden`.
 */
export function permit(method: string, url: string, nodes: UploadNodes, nowMs: number): Target {
  const [, host = '', path = ''] = /^\/forward\/([a-z0-9.-]+)(\/[!-~]*)$/.exec(url) ?? []
  if (host === API_HOST && API_PATHS.has(path)) {
    const kind = path === NODE_LOOKUP ? 'node-lookup' : 'call'
    if (method === 'POST' || (method === 'GET' && kind === 'node-lookup')) return { method, host, path, kind }
  }
  if (method === 'POST' && /^\/upload\.cgi\?id=[A-Za-z0-9]{1,10}$/.test(path) && nodes.has(host, nowMs)) {
    return { method, host, path, kind: 'upload' }
  }
  throw new GatewayError('forbidden', 'the keyholder does not send the API key there', {
    hint: 'ask only for the calls of api.1fichier.com, and for the upload node that it has just named',
    facts: { sent: false },
  })
}

function nodeNamedBy(body: Buffer): string | undefined {
  try {
    const answer: unknown = JSON.parse(body.toString('utf8'))
    if (typeof answer !== 'object' || answer === null || !('url' in answer)) return undefined
    const host = answer.url
    return typeof host === 'string' && NODE_HOST.test(host) && host !== API_HOST ? host : undefined
  } catch {
    return undefined // An outage answers with a web page; it names no node.
  }
}
