import type { RequestListener } from 'node:http'
import type { Duplex } from 'node:stream'

/** No client that we know sends a second request before it has the answer to the first. */
const UNANSWERED_MAX = 4

/** How many requests of each connection are being answered. */
export interface Pipelining {
  /** Hands a request on, or ends the connection of a client that sends faster than it is answered. */
  guard(listener: RequestListener): RequestListener
  isBusy(socket: Duplex): boolean
}

/**
 * HTTP/1.1 lets a client send requests without end before the first is answered, and Node takes them all in.
 * Each costs memory until it is answered, so that a few megabytes on the wire would end the gateway.
 */
export function createPipelining(): Pipelining {
  const unanswered = new WeakMap<Duplex, number>()
  const countOf = (socket: Duplex): number => unanswered.get(socket) ?? 0
  const change = (socket: Duplex, by: 1 | -1): void => {
    unanswered.set(socket, countOf(socket) + by)
  }
  return {
    isBusy: (socket) => countOf(socket) > 0,
    guard: (listener) => (request, response) => {
      if (countOf(request.socket) >= UNANSWERED_MAX) {
        request.socket.destroy()
        return
      }
      const { socket } = request
      const leave = (): void => void response.destroy()
      change(socket, 1)
      // After a CONNECT, Node lets go of the connection: its end is no end to the answers before it any more.
      socket.once('close', leave)
      response.once('close', () => {
        socket.off('close', leave)
        change(socket, -1)
      })
      listener(request, response)
    },
  }
}
