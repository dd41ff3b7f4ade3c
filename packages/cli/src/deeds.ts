import { GatewayError } from '@guichet/core'
import type { Session } from './session.ts'

/** A gateway that hangs keeps nobody from having the vault changed. */
const PATIENCE_MS = 10_000

/**
 * Writes into the ledger of this home what has just been done past the gateway: by it when it runs, else directly.
 * The deed stands whether or not this works; that its line is missing is told.
 */
export async function enterDeed(session: Session, what: string): Promise<void> {
  const { home, print, stop, world } = session
  try {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(PATIENCE_MS)])
    await session.connectHome().note(what, { signal })
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
