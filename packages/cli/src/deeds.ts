import { GatewayError } from '@guichet/core'
import type { Session } from './session.ts'

/**
 * Writes into the ledger of this home what has just been done past the gateway: by it when it runs, else directly.
 * The deed stands whether or not this works; that its line is missing is told.
 */
export async function enterDeed(session: Session, what: string): Promise<void> {
  const { home, print, stop, world } = session
  try {
    await session.connectHome().note(what, { signal: stop })
  } catch (failure) {
    if (GatewayError.from(failure).code !== 'unavailable') return missing(failure)
    const { enterInLedger } = await import('@guichet/gateway')
    await enterInLedger(home.path, what, world).catch(missing)
  }

  function missing(failure: unknown): void {
    const { message, hint } = GatewayError.from(failure)
    print.warning(`this was done, but does not stand in the ledger: ${what}: ${message}`, hint)
  }
}
