export type Headers = Readonly<Record<string, string>>

/** What a route answers; how it gets onto the wire is the sender's business. */
export type Reply =
  | {
      readonly kind: 'json'
      readonly status: number
      readonly headers: Headers
      readonly body: unknown
      readonly pretty: boolean
    }
  | { readonly kind: 'text'; readonly status: number; readonly headers: Headers; readonly text: string }
  | {
      readonly kind: 'stream'
      readonly status: number
      readonly headers: Headers
      readonly lengthBytes: number
      readonly chunks: AsyncIterable<Buffer> | Iterable<Buffer>
    }

export function json(body: unknown, status = 200, headers: Headers = {}): Reply {
  return { kind: 'json', status, headers, body, pretty: false }
}

export function html(text: string, status = 200, headers: Headers = {}): Reply {
  return { kind: 'text', status, headers: { 'Content-Type': 'text/html; charset=utf-8', ...headers }, text }
}

export function plain(text: string, status = 200, headers: Headers = {}): Reply {
  return { kind: 'text', status, headers: { 'Content-Type': 'text/plain; charset=utf-8', ...headers }, text }
}

/** The envelope of wire.md §1 for a failure. */
export function refusal(message: string, status: number, headers: Headers = {}): Reply {
  return json({ status: 'KO', message }, status, headers)
}

/** Ends the handling of a call with a failure the service has words for. */
export class Refusal extends Error {
  readonly status: number

  constructor(message: string, status: number) {
    super(message)
    this.status = status
  }
}
