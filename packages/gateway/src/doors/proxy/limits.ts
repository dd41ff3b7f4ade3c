import { MINUTE_MS, SECOND_MS } from '@guichet/core'

export interface ProxyLimits {
  /** Connections at one time, authenticated or not. */
  readonly tunnels: number
  readonly tunnelsPerKey: number
  /** Ports that a tunnel to another host may lead to. */
  readonly ports: readonly number[]
  /** Headers of a request inside a tunnel. */
  readonly headerBytes: number
  readonly handshakeMs: number
  /** Between two requests of one connection. */
  readonly keepAliveMs: number
  /** Without a byte in either direction; longer than 1fichier takes to report an upload. */
  readonly idleTimeoutMs: number
}

export const PROXY_LIMITS: ProxyLimits = {
  tunnels: 1_000,
  tunnelsPerKey: 200,
  ports: [443, 80],
  headerBytes: 16 * 1024,
  handshakeMs: 10 * SECOND_MS,
  keepAliveMs: 75 * SECOND_MS,
  idleTimeoutMs: 15 * MINUTE_MS,
}
