import type { Endpoint, Exchange, HostCall } from '@guichet/core'
import { type Answer, notJson, readAnswer, refusalOf, send } from './answers.ts'
import { changed, Fields, isRecord, type JsonObject } from './fields.ts'
import { findRefusal } from './refusals.ts'

/** What the parts of the client share. */
export interface Wire {
  /** Adds the API key by itself; only for the API and for `upload.cgi` of a node. */
  readonly keyed: Exchange
  /** Carries no key. */
  readonly open: Exchange
  /** Where the API lives: `https://api.1fichier.com`. */
  readonly origin: string
  /** A new boundary for a multipart body. */
  readonly boundary: () => string
}

/** One call of `/v1/*.cgi`; resolves with the answer's object when 1fichier did not refuse. */
export async function callApi(
  wire: Wire,
  endpoint: Endpoint,
  fields: JsonObject,
  call: HostCall,
): Promise<Fields> {
  const body = bytesOf(JSON.stringify(fields))
  const request = {
    method: 'POST',
    url: new URL(`/v1/${endpoint}.cgi`, wire.origin),
    headers: {
      'content-type': 'application/json',
      'content-length': String(body.length),
      accept: 'application/json',
      'accept-encoding': 'identity',
    },
    body,
  } as const
  const response = await send(wire.keyed, request, call)
  return understand(await readAnswer(endpoint, response, call))
}

/** The answer's object; a refusal is thrown as what it means. */
export function understand(answer: Answer): Fields {
  const { json } = answer
  if (json === undefined) throw notJson(answer)
  if (!isRecord(json)) {
    if (isSuccess(answer)) throw changed(`${answer.place} answered with something that is not an object`)
    throw refusalOf(answer, typeof json === 'string' ? json : '', 'message')
  }
  const reply = new Fields(json, answer.place)
  if (!isRefusal(answer, reply)) return reply
  throw refusalOf(answer, reply.words('message') || 'no message', 'message', folderOf(reply))
}

/** Text as it goes over the wire. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function isSuccess(answer: Pick<Answer, 'status'>): boolean {
  return answer.status >= 200 && answer.status < 300
}

/**
 * Refused is what is not 2xx, or says `KO` (wire.md §1). `status` may be missing on success, and on one refusal too,
 * which ends in a number as all of them do.
 */
function isRefusal(answer: Answer, reply: Fields): boolean {
  if (!isSuccess(answer)) return true
  const status = reply.findText('status')
  if (status !== undefined) return status.toUpperCase() === 'KO'
  const message = reply.words('message')
  return /#\d{2,6}\s*$/.test(message) || findRefusal(message, 'message') !== undefined
}

/** The folder that is in the way, if the refusal names it; 0 is what an absent id looks like, never a new folder. */
function folderOf(reply: Fields): Readonly<Record<string, number>> {
  const id = reply.find('folder_id')
  const folderId = typeof id === 'string' && /^\d{1,15}$/.test(id) ? Number(id) : id
  return typeof folderId === 'number' && folderId > 0 ? { folderId } : {}
}
