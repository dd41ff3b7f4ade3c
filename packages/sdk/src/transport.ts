import { GatewayError, type Secret } from '@guichet/core'

/**
 * How a request reaches the gateway. A transport knows where the gateway is and which key to show.
 *
 * It follows no redirect, repeats no request and gives every status back as it came.
 * It rejects with a `GatewayError`: `unavailable` when there is no answer, `cancelled` when the signal is aborted.
 */
export type Transport = (request: ApiRequest) => Promise<ApiResponse>

export interface ApiRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  /** From the root of the gateway, with its query: `/api/v1/nodes?at=%2Fa`. */
  readonly path: string
  /** Lower-case names. A body of known size has its `content-length` here. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Content
  readonly signal?: AbortSignal | undefined
}

/** What can be sent. A stream needs a transport that can send an exact length; `fetch` cannot. */
export type Content = Uint8Array | Blob | AsyncIterable<Uint8Array>

export interface ApiResponse {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** Must be read to its end or left by leaving the loop; whoever got the response owns it. */
  readonly body: AsyncIterable<Uint8Array>
}

/** The part of `fetch` that is needed, so that another one can be given. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** Where a gateway is, and the virtual key to show it. */
export interface Address {
  readonly url: string
  readonly key: Secret
  readonly fetch?: Fetch
}

/** Speaks over `fetch`; runs in browsers. */
export function createFetchTransport(address: Address): Transport {
  const base = parseBase(address.url)
  const send: Fetch = address.fetch ?? ((url, init) => fetch(url, init))
  return async (request) => {
    if (request.body !== undefined && !isSized(request.body)) {
      throw new GatewayError('invalid', 'fetch cannot send a stream of exact length', {
        hint: 'give the content as Uint8Array or Blob, or connect with a transport of your own',
      })
    }
    const response = await send(new URL(request.path, base).href, {
      method: request.method,
      headers: { ...withoutLength(request.headers), authorization: `Bearer ${address.key.expose()}` },
      body: (request.body ?? null) as NonNullable<RequestInit['body']> | null,
      // The key belongs to this gateway alone: where it sends us on, the key does not go.
      redirect: 'manual',
      signal: request.signal ?? null,
    }).catch((cause: unknown) => {
      throw request.signal?.aborted === true ? GatewayError.from(cause) : unreachable(base.host, cause)
    })
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: chunksOf(response.body),
    }
  }
}

/** The gateway's base address; anything that is not plain HTTP or HTTPS is refused. */
export function parseBase(url: string): URL {
  const base = URL.parse(url)
  if (base !== null && /^https?:$/.test(base.protocol) && base.username === '' && base.password === '')
    return base
  throw new GatewayError(
    'invalid',
    'the address of the gateway is not an http or https URL without credentials',
    {
      hint: 'give it as in http://127.0.0.1:8474; the key goes into its own setting',
    },
  )
}

/** There is no answer from where the gateway should be. */
export function unreachable(where: string, cause: unknown): GatewayError {
  return new GatewayError('unavailable', `no gateway answers at ${where}`, {
    hint: 'start it with `guichet serve`, or correct its address',
    cause,
  })
}

function isSized(content: Content): content is Uint8Array | Blob {
  return content instanceof Uint8Array || content instanceof Blob
}

/** Browsers refuse a length that is set by hand, and know it from the body anyway. */
function withoutLength(headers: Readonly<Record<string, string>>): Record<string, string> {
  const { 'content-length': _, ...rest } = headers
  return rest
}

async function* chunksOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
  if (body === null) return
  const reader = body.getReader()
  let isAtEnd = false
  try {
    for (;;) {
      const { done, value } = await reader.read()
      isAtEnd = done
      if (done) return
      yield value
    }
  } finally {
    if (!isAtEnd) await reader.cancel()
  }
}
