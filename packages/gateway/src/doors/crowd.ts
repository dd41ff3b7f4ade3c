import type { Socket } from 'node:net'
import { isIn, plainAddress } from '../services/addresses.ts'
import { neighbourhoodOf } from '../services/strangers.ts'
import { LOOPBACK } from '../services/transport.ts'

/** How many connections one address may hold, and which addresses speak for many others. */
export interface CrowdRule {
  readonly most: number
  readonly exempt: readonly string[]
}

/** A segmenting downloader opens some dozens; a whole household stays below it, and eight such take no gateway down. */
const CONNECTIONS_PER_ADDRESS = 256

/** This machine and the named proxies bring the clients of others. */
export function crowdRule(trustedProxies: readonly string[]): CrowdRule {
  return { most: CONNECTIONS_PER_ADDRESS, exempt: [...LOOPBACK, ...trustedProxies] }
}

/** For `connection`: ends what one address opens beyond its share. */
export function createCrowd({ most, exempt }: CrowdRule): (socket: Socket) => void {
  const open = new Map<string, number>()
  return (socket) => {
    const address = plainAddress(socket.remoteAddress ?? '')
    if (isIn(address, exempt)) return
    const who = neighbourhoodOf(address)
    const count = open.get(who) ?? 0
    if (count >= most) {
      socket.destroy()
      return
    }
    open.set(who, count + 1)
    socket.once('close', () => {
      const left = (open.get(who) ?? 1) - 1
      if (left > 0) open.set(who, left)
      else open.delete(who)
    })
  }
}
