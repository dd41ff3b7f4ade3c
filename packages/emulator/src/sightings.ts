import type { IncomingMessage } from 'node:http'
import type { Service } from './service.ts'

/**
 * Notes wherever a key was seen in the head of a request: every Authorization value, and the account's own key anywhere else.
 * The path of a direct link is shortened to `/p…`.
 */
export function noteSightings(
  service: Service,
  request: IncomingMessage,
  endpoint: string,
  hostName: string,
  url: URL,
): void {
  const path = endpoint === 'direct' ? '/p…' : url.pathname
  const { apiKey } = service.account.identity
  for (const [name, value] of Object.entries(request.headers)) {
    const text = String(value)
    if (name === 'authorization') service.counters.sighting(hostName, path, 'authorization', text)
    else if (text.includes(apiKey)) service.counters.sighting(hostName, path, `header:${name}`, apiKey)
  }
  const query = [...url.searchParams].flat()
  if (query.some((text) => text.includes(apiKey)) || url.pathname.includes(apiKey)) {
    service.counters.sighting(hostName, path, 'url', apiKey)
  }
}
