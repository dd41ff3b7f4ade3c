/**
 * HTTP reduced to one function: what the client of 1fichier needs, and what a transport must give.
 *
 * A transport follows no redirect and repeats no request.
 * It rejects with a `GatewayError` of code `upstream-down` when there is no answer, `sealed` when there is no keyholder,
 * and with facts `{ sent: false }` when it is certain that not one byte of the request left the machine.
 */
export type Exchange = (request: HttpRequest) => Promise<HttpResponse>

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST'
  readonly url: URL
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>
  readonly signal?: AbortSignal | undefined
}

export interface HttpResponse {
  readonly status: number
  /** Lower-case names; values of repeated headers joined by a comma. */
  readonly headers: Readonly<Record<string, string>>
  /** Must be read to its end or cancelled by leaving the loop; whoever got the response owns it. */
  readonly body: AsyncIterable<Uint8Array>
}
