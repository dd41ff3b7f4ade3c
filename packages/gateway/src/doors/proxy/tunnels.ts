import type { Socket } from 'node:net'
import type { KeyId } from '@guichet/core'

/** One client connection that has asked for a tunnel, from CONNECT to its end. */
export interface Tunnel {
  readonly socket: Socket
  /** Aborted when the client's connection has ended. */
  readonly gone: AbortSignal
  /** Who opened it, once that is known. */
  readonly key: KeyId | 'owner' | undefined
  /** Where it leads, as `host:port`; empty until that is known. */
  readonly target: string
  /** Has its CONNECT been answered with yes? */
  readonly isAccepted: boolean
  /** Requests inside it that are being answered. */
  readonly requests: number
  leadsTo(target: string): void
  authenticated(key: KeyId | 'owner'): void
  accepted(): void
  began(): void
  ended(): void
}

/** All connections that the proxy door holds. Each leaves by itself when its socket closes. */
export interface Tunnels extends AsyncDisposable {
  /** `undefined` when there are too many. */
  admit(socket: Socket): Tunnel | undefined
  of(key: KeyId | 'owner'): readonly Tunnel[]
  /** Ends the tunnels of one key at once; returns how many there were. */
  cut(key: KeyId | 'owner'): number
  /** Admits nobody any more, and ends each tunnel as soon as nothing is being answered inside it. */
  drain(): Promise<void>
}

export function createTunnels(limit: number): Tunnels {
  const open = new Set<Tunnel>()
  let isDraining = false
  const emptied = Promise.withResolvers<void>()

  const admit = (socket: Socket): Tunnel => {
    const closed = new AbortController()
    let key: KeyId | 'owner' | undefined
    let target = ''
    let isAccepted = false
    let requests = 0
    const tunnel: Tunnel = {
      socket,
      gone: closed.signal,
      get key() {
        return key
      },
      get target() {
        return target
      },
      get isAccepted() {
        return isAccepted
      },
      get requests() {
        return requests
      },
      leadsTo(to) {
        target = to
      },
      authenticated(by) {
        key = by
      },
      accepted() {
        isAccepted = true
      },
      began() {
        requests += 1
      },
      ended() {
        requests -= 1
        if (isDraining && requests === 0) socket.destroy()
      },
    }
    open.add(tunnel)
    socket.once('close', () => {
      open.delete(tunnel)
      closed.abort()
      if (isDraining && open.size === 0) emptied.resolve()
    })
    return tunnel
  }

  const of = (key: KeyId | 'owner'): readonly Tunnel[] => [...open].filter((tunnel) => tunnel.key === key)

  const drain = (): Promise<void> => {
    isDraining = true
    for (const tunnel of open) if (tunnel.requests === 0) tunnel.socket.destroy()
    if (open.size === 0) emptied.resolve()
    return emptied.promise
  }

  return {
    admit: (socket) => (isDraining || open.size >= limit ? undefined : admit(socket)),
    of,
    cut(key) {
      const theirs = of(key)
      for (const tunnel of theirs) tunnel.socket.destroy()
      return theirs.length
    },
    drain,
    async [Symbol.asyncDispose]() {
      const done = drain()
      for (const tunnel of open) tunnel.socket.destroy()
      await done
    },
  }
}
