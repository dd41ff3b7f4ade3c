import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** No client that we know sends a second request before it has the answer to the first. */
const UNANSWERED_MAX = 4

/** How many requests of each connection are being answered. */
export interface Pipelining {
  /** Hands a request on, or ends the connection of a client that sends faster than it is answered. */
  guard(listener: RequestListener): RequestListener
  /** True also for a connection that ends behind an answer. */
  isBusy(socket: Duplex): boolean
}

/**
 * No request of a connection is handed on behind one whose answer ends it: by then it may have come from somebody else.
 *
 * HTTP/1.1 lets a client send requests without end before the first is answered, and Node takes them all in.
 * Each costs memory until it is answered, so that a few megabytes on the wire would end the gateway.
 */
export function createPipelining(): Pipelining {
  const unanswered = new WeakMap<Duplex, number>()
  const latest = new WeakMap<Duplex, ServerResponse>()
  const countOf = (socket: Duplex): number => unanswered.get(socket) ?? 0
  const change = (socket: Duplex, by: 1 | -1): void => {
    unanswered.set(socket, countOf(socket) + by)
  }
  return {
    isBusy: (socket) => countOf(socket) > 0 || latest.get(socket)?.shouldKeepAlive === false,
    guard: (listener) => (request, response) => {
      const { socket } = request
      if (latest.get(socket)?.shouldKeepAlive === false) {
        // The answer that is on its way still arrives, and the connection ends behind it.
        socket.pause()
        return
      }
      if (countOf(socket) >= UNANSWERED_MAX) {
        socket.destroy()
        return
      }
      latest.set(socket, response)
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

/** For `checkExpectation`: Node's own answer leaves the connection open, and goes past every guard. */
export function refuseExpectation(_request: IncomingMessage, response: ServerResponse): void {
  response.shouldKeepAlive = false
  response.writeHead(417, { 'content-length': 0 }).end()
}
