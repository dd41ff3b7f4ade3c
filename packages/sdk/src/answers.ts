import { type ErrorCode, GatewayError, isErrorCode, TRAITS } from '@guichet/core'
import type { ApiResponse } from './transport.ts'

/** The longest JSON answer that is taken: a folder of 5,000 files has about 3 MB. */
const JSON_BYTES_MAX = 64 * 1024 * 1024
const FAILURE_BYTES_MAX = 64 * 1024

/** The JSON of an answer; a failure of the gateway becomes the `GatewayError` it stands for. */
export async function readJson<Shape>(response: ApiResponse): Promise<Shape> {
  await requireSuccess(response)
  const value = parseJson(await readText(response, JSON_BYTES_MAX))
  if (isRecord(value)) return value as Shape
  throw foreign(response)
}

/** Leaves the body of a successful answer to the caller; takes that of a failure. */
export async function requireSuccess(response: ApiResponse): Promise<void> {
  if (response.status >= 200 && response.status < 300) return
  throw failureOf(response, parseJson(await readText(response, FAILURE_BYTES_MAX)))
}

function failureOf(response: ApiResponse, value: unknown): GatewayError {
  if (!isRecord(value) || typeof value['code'] !== 'string' || typeof value['message'] !== 'string') {
    return foreign(response)
  }
  const { code, message, hint, retryAfterMs, requestId, rule, key } = value
  return new GatewayError(isErrorCode(code) ? code : codeOfStatus(response.status), message, {
    hint: typeof hint === 'string' ? hint : undefined,
    retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : undefined,
    facts: {
      status: response.status,
      ...(typeof requestId === 'string' && { requestId }),
      ...(typeof rule === 'string' && { rule }),
      ...(typeof key === 'string' && { key }),
    },
  })
}

/** A code of a newer gateway: its status says enough to go on. */
function codeOfStatus(status: number): ErrorCode {
  for (const [code, traits] of Object.entries(TRAITS)) {
    if (traits.http === status && isErrorCode(code)) return code
  }
  return 'internal'
}

/** Somebody answers there, but not as we do. */
function foreign(response: ApiResponse): GatewayError {
  return new GatewayError('unavailable', `what answers there is not a gateway (HTTP ${response.status})`, {
    hint: 'check the address: it is the one that `guichet serve` prints, without a path',
    facts: { status: response.status },
  })
}

async function readText(response: ApiResponse, bytesMax: number): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of response.body) {
    bytes += chunk.byteLength
    if (bytes > bytesMax) throw foreign(response)
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // The caller says what it means that this is no JSON.
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
