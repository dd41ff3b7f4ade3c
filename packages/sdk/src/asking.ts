import { readJson } from './answers.ts'
import { API_PREFIX } from './contract.ts'
import type { ApiRequest, Transport } from './transport.ts'

export interface ApiCall {
  readonly signal?: AbortSignal | undefined
}

export async function ask<Shape>(
  transport: Transport,
  method: ApiRequest['method'],
  path: string,
  call: ApiCall | undefined,
  body?: object,
): Promise<Shape> {
  return readJson<Shape>(await transport(jsonRequest(method, path, body, call)))
}

export function jsonRequest(
  method: ApiRequest['method'],
  path: string,
  body: object | undefined,
  call: ApiCall = {},
): ApiRequest {
  if (body === undefined) return { method, path, headers: {}, signal: call.signal }
  const bytes = new TextEncoder().encode(JSON.stringify(body))
  const headers = { 'content-type': 'application/json', 'content-length': String(bytes.byteLength) }
  return { method, path, headers, body: bytes, signal: call.signal }
}

/** `true` is written as 1; what is false or absent is left out. */
export function route(
  path: string,
  query: Readonly<Record<string, string | boolean | undefined>> = {},
): string {
  const fields = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== false) fields.set(name, value === true ? '1' : value)
  }
  return `${API_PREFIX}/${path}${fields.size > 0 ? `?${fields}` : ''}`
}
