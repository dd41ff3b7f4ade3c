import type { IncomingMessage } from 'node:http'
import { isIn, plainAddress } from './addresses.ts'

/**
 * Whose request it is: the address at the other end of the connection, unless that is a proxy which was named.
 *
 * Each proxy adds whom it heard from at the right end of `X-Forwarded-For`, so the first from the right that is no
 * named proxy is the client; what stands left of it is the client's own invention. Where a named proxy sends what is
 * no address, nobody is known, and that is in no block.
 */
export function clientAddress(
  request: IncomingMessage,
  trustedProxies: readonly string[],
): string | undefined {
  const peer = plainAddress(request.socket.remoteAddress ?? '')
  if (!isIn(peer, trustedProxies)) return peer
  const told = [request.headers['x-forwarded-for'] ?? []].flat().join(',')
  let address = peer
  for (const word of told.split(',').reverse()) {
    if (word.trim() === '') continue
    address = plainAddress(hostOf(word.trim()))
    if (!isIn(address, trustedProxies)) return address
  }
  return address
}

/** Some proxies add the port: `1.2.3.4:5678`, `[2001:db8::1]:5678`. */
function hostOf(word: string): string {
  const [, v6, v4] = /^(?:\[([^\]]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+)$/.exec(word) ?? []
  return v6 ?? v4 ?? word
}
