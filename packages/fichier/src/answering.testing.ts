import { type Exchange, type FileHost, GatewayError, type HttpRequest } from '@guichet/core'
import { connectFichier } from './client.ts'

/** An answer as tests write it down: a body that is no text is sent as JSON. */
export interface WrittenAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** A request as it would have gone out, its body read to the end. */
export interface SeenRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly via: 'keyed' | 'open'
}

/** A host whose transport gives the same answer to everything, and what it was asked. For tests only. */
export function hostThatGets(
  answer: WrittenAnswer,
  boundary: string = 'B'.repeat(60),
): { readonly host: FileHost; readonly seen: SeenRequest[] } {
  const seen: SeenRequest[] = []
  const through =
    (via: SeenRequest['via']): Exchange =>
    async (request) => {
      const body = await textOf(request)
      seen.push({ method: request.method, url: request.url.href, headers: request.headers, body, via })
      const isText = typeof answer.body === 'string' || answer.body === undefined
      return {
        status: answer.status ?? 200,
        headers: answer.headers ?? { 'content-type': isText ? 'text/html' : 'application/json' },
        body: chunks(isText ? String(answer.body ?? '') : JSON.stringify(answer.body)),
      }
    }
  const host = connectFichier({ keyed: through('keyed'), open: through('open'), boundary: () => boundary })
  return { host, seen }
}

/** A host whose transport fails the test when it is used. */
export function unaskedHost(): FileHost {
  const refuse: Exchange = (request) => {
    throw new Error(`nothing should be sent, but ${request.url.href} was`)
  }
  return connectFichier({ keyed: refuse, open: refuse, boundary: () => 'B'.repeat(60) })
}

/** The error that a call ends in. */
export async function failureOf(call: Promise<unknown>): Promise<GatewayError> {
  try {
    await call
  } catch (failure) {
    if (failure instanceof GatewayError) return failure
    throw failure
  }
  throw new Error('the call should have failed')
}

/** The bytes of a text, in pieces of three, as a network might cut it. */
export async function* chunks(text: string): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text)
  for (let start = 0; start < bytes.length; start += 3) yield bytes.subarray(start, start + 3)
}

export async function readAll(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of body) text += decoder.decode(chunk, { stream: true })
  return text + decoder.decode()
}

async function textOf(request: HttpRequest): Promise<string> {
  const { body } = request
  if (body === undefined) return ''
  return body instanceof Uint8Array ? new TextDecoder().decode(body) : readAll(body)
}
