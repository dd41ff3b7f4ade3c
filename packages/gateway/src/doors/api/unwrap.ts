import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { GatewayError } from '@guichet/core'
import { API_PREFIX, type ApiUnwrappedKey } from '@guichet/sdk'
import { z } from 'zod'
import { escapeHtml, readJson, readText, type Visit } from '../visit.ts'
import type { ApiServices } from './routes.ts'

const BODY_MAX_BYTES = 4_096
/** For people; programs have a route. Neither needs a key. */
export const UNWRAP_PAGE = '/unwrap'

export function isUnwrap({ request, url }: Pick<Visit, 'request' | 'url'>): boolean {
  return url.pathname === `${API_PREFIX}/unwrap` && request.method === 'POST'
}

/** `POST /api/v1/unwrap` */
export async function unwrap(services: ApiServices, visit: Visit): Promise<ApiUnwrappedKey> {
  const { token } = z.object({ token: z.string() }).parse(await readJson(visit.request, BODY_MAX_BYTES))
  return fetched(services, visit, token)
}

/**
 * The page at `/unwrap#TOKEN`. What follows the # is not sent when the page is opened, so that whoever looks at the
 * link in advance, as chat programs do, uses nothing up; a person has to press the button.
 */
export async function unwrapPage(services: ApiServices, visit: Visit): Promise<void> {
  const { request, response } = visit
  if (request.method !== 'POST') return sendPage(response, 200, FORM, SCRIPT)
  try {
    const form = new URLSearchParams(await readText(request, BODY_MAX_BYTES))
    const { name, key } = await fetched(services, visit, form.get('token') ?? '')
    sendPage(
      response,
      200,
      `<p>The key \u201c${escapeHtml(name)}\u201d, shown this once:</p><pre>${escapeHtml(key)}</pre>`,
    )
  } catch (failure) {
    const error = GatewayError.from(failure)
    visit.note(error)
    sendPage(response, 401, `<p>${escapeHtml(error.message)}</p><p>${escapeHtml(error.hint ?? '')}</p>`)
  }
}

async function fetched({ wraps }: ApiServices, visit: Visit, token: string): Promise<ApiUnwrappedKey> {
  const { requestId, from, isLocal } = visit
  const door = isLocal ? 'admin' : 'api'
  const { key, text } = await wraps.unwrap(token.trim(), { door, requestId, from })
  return { id: key.id, name: key.name, key: text }
}

const SCRIPT =
  "document.forms[0].token.value = location.hash.slice(1); history.replaceState(null, '', location.pathname)"

const FORM = `<p>Somebody made a virtual key for you. It is shown once: have a place for it ready.</p>
<form method="post"><input name="token" size="36" autocomplete="off" required> <button>Show the key</button></form>
<script>${SCRIPT}</script>`

function sendPage(response: ServerResponse, status: number, html: string, script?: string): void {
  const may =
    script === undefined
      ? ''
      : `; script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`
  const body = Buffer.from(
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="robots" content="noindex"><title>Guichet</title>${html}</html>\n`,
  )
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': body.length,
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'content-security-policy': `default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'${may}`,
  })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}
