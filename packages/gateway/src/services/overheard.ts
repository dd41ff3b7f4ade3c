import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import { GatewayError } from '@guichet/core'
import { isIn, plainAddress } from './addresses.ts'
import type { Credentials } from './principals.ts'

const LOOPBACK = ['127.0.0.0/8', '::1']

/**
 * Does a request come over a network without TLS?
 * Not when it comes from this machine, and not when a named proxy says that it came to it by https.
 */
export function mayBeOverheard(request: IncomingMessage, trustedProxies: readonly string[]): boolean {
  if (request.socket instanceof TLSSocket) return false
  const peer = plainAddress(request.socket.remoteAddress ?? '')
  if (isIn(peer, LOOPBACK)) return false
  return !(isIn(peer, trustedProxies) && request.headers['x-forwarded-proto'] === 'https')
}

/**
 * Basic is what browsers and mounts send by themselves, again and again, to whoever asks.
 * Rejects with `forbidden` where that could be overheard.
 */
export function refuseOverheard(credentials: Credentials | undefined, isOverheard: boolean): void {
  if (!isOverheard || credentials?.kind !== 'basic') return
  throw new GatewayError('forbidden', 'a key does not travel as Basic over plain HTTP', {
    hint: 'use https (`guichet serve --tls-cert FILE --tls-key FILE`, or a TLS proxy named in trustedProxies that sends X-Forwarded-Proto), and make a new key: this one could be read on the way',
  })
}
