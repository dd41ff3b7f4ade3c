import { type Clock, GatewayError, isRotationDue, SECOND_MS } from '@guichet/core'
import {
  connectKeyholder,
  type KeyholderClient,
  type KeyholderProcess,
  type KeyholderStart,
  markSealed,
  startKeyholder,
} from '@guichet/keyholder'
import type { ApiStatus } from '@guichet/sdk'
import type { Log } from '../log.ts'
import { oneQuestion } from './one-question.ts'

/** The keyholder as a child of the gateway, started again when it ends by itself. */
export interface KeptKeyholder extends AsyncDisposable {
  readonly client: KeyholderClient
  /** Anybody may ask, as often as they like: one question at a time goes to the keyholder. */
  status(): Promise<ApiStatus['keyholder']>
  /** Seals it until somebody unseals it; one that is gone comes back sealed. */
  seal(): Promise<void>
}

const FIRST_WAIT_MS = SECOND_MS / 4
const LONGEST_WAIT_MS = 30 * SECOND_MS

/**
 * Starts the keyholder and keeps it running.
 * Rejects when something has to be mended before the vault can be opened: a service that cannot work says so at its start.
 * A keyholder that was unlocked by a person comes back sealed: nobody is asked again behind their back.
 */
export async function keepKeyholder(
  start: KeyholderStart,
  world: { readonly clock: Clock; readonly log: Log },
): Promise<KeptKeyholder> {
  const { clock, log } = world
  const stopping = new AbortController()
  const client = connectKeyholder({ socketPath: start.socketPath })
  let child: KeyholderProcess | undefined = await startOpenable(start)
  log.info({ pid: child.pid, sealed: child.sealed }, 'the keyholder has started')

  async function watch(): Promise<void> {
    let waitMs = FIRST_WAIT_MS
    while (!stopping.signal.aborted) {
      const exit = await child?.exited
      child = undefined
      if (stopping.signal.aborted) return
      log.error({ ...exit, waitMs }, 'the keyholder ended and is started again')
      await clock.sleep(waitMs, stopping.signal)
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)
      try {
        child = await startKeyholder({ ...start, prompt: false })
        log.info({ pid: child.pid, sealed: child.sealed }, 'the keyholder has started')
        waitMs = FIRST_WAIT_MS
      } catch (failure) {
        log.error(
          { code: GatewayError.from(failure).code, message: GatewayError.from(failure).message },
          'the keyholder does not start',
        )
      }
    }
  }
  const ask = oneQuestion(() => client.status())
  const watching = watch().catch((failure: unknown) => {
    // The sleep ends this way when the gateway stops.
    if (!stopping.signal.aborted)
      log.error({ code: GatewayError.from(failure).code }, 'the keyholder is no longer watched')
  })

  return {
    client,

    async status() {
      if (child === undefined)
        return { state: 'gone', reason: 'the keyholder is not running; it is being started again' }
      try {
        const { sealed, reason, keyAgeDays } = await ask()
        return {
          state: sealed ? 'sealed' : 'ready',
          ...(reason !== undefined && { reason }),
          ...(keyAgeDays !== undefined && { keyAgeDays, rotationDue: isRotationDue(keyAgeDays) }),
        }
      } catch (failure) {
        return { state: 'gone', reason: GatewayError.from(failure).message }
      }
    },

    async seal() {
      try {
        await client.seal()
      } catch (failure) {
        // It may have sealed and then not been able to say so: then this says it once more, or fails as well.
        await markSealed(start.home)
        log.error(
          { code: GatewayError.from(failure).code },
          'the keyholder did not answer, and will be sealed',
        )
      }
    },

    async [Symbol.asyncDispose]() {
      stopping.abort()
      await client.close()
      await child?.stop()
      await watching
    },
  }
}

async function startOpenable(start: KeyholderStart): Promise<KeyholderProcess> {
  const child = await startKeyholder(start)
  if (child.problem === undefined) return child
  await child.stop()
  throw child.problem
}
