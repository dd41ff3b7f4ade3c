import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import { GatewayError } from '@guichet/core'
import { isIn, plainAddress } from './addresses.ts'
import type { Credentials } from './principals.ts'

export const LOOPBACK: readonly string[] = ['127.0.0.0/8', '::1']

/**
 * How a request came: over TLS, from this machine, or in clear over a network.
 * A named proxy is believed that it came to it by https.
 */
export type Transport = 'tls' | 'machine' | 'clear'

export function transportOf(request: IncomingMessage, trustedProxies: readonly string[]): Transport {
  if (request.socket instanceof TLSSocket) return 'tls'
  const peer = plainAddress(request.socket.remoteAddress ?? '')
  if (request.headers['x-forwarded-proto'] === 'https' && isIn(peer, trustedProxies)) return 'tls'
  return isIn(peer, LOOPBACK) ? 'machine' : 'clear'
}

/**
 * Basic is what browsers and mounts send by themselves, again and again, to whoever asks.
 * Rejects with `forbidden` where that could be overheard.
 */
export function refuseOverheard(credentials: Credentials | undefined, transport: Transport): void {
  if (transport !== 'clear' || credentials?.kind !== 'basic') return
  throw new GatewayError('forbidden', 'a key does not travel as Basic over plain HTTP', {
    hint: 'use https (`guichet serve --tls-cert FILE --tls-key FILE`, or a TLS proxy named in trustedProxies that sends X-Forwarded-Proto), and make a new key: this one could be read on the way',
  })
}
