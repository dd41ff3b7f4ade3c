import { type Clock, type FactStore, GatewayError } from '@guichet/core'
import type { Log } from '../../log.ts'

const FACT = 'uploads-held'

/**
 * That an upload node refused the account. No breaker stands before the nodes, so this is one:
 * nothing is sent until a person resumes, and a restart forgets nothing.
 */
export class UploadHold {
  readonly #options: { readonly facts: FactStore; readonly clock: Clock; readonly log: Log | undefined }
  #isHeld = false

  constructor(options: { readonly facts: FactStore; readonly clock: Clock; readonly log: Log | undefined }) {
    this.#options = options
  }

  get isHeld(): boolean {
    return this.#isHeld
  }

  /** The refusal that an earlier process met, if it still stands. */
  async load(): Promise<GatewayError | undefined> {
    const fact = await this.#options.facts.get(FACT)
    // Written below by this file alone, so its shape is known.
    const reason = (fact?.value ?? undefined) as string | undefined
    if (reason === undefined) return undefined
    this.#isHeld = true
    return new GatewayError('account-refused', reason, {
      hint: 'mend the cause at 1fichier, then run `guichet resume`',
    })
  }

  hold(error: GatewayError): void {
    this.#isHeld = true
    this.#save(error.message)
  }

  release(): void {
    this.#isHeld = false
    this.#save(null)
  }

  #save(reason: string | null): void {
    const { facts, clock, log } = this.#options
    facts.put(FACT, reason, clock.nowMs()).catch((failure: unknown) => {
      // It stands in memory; at worst the next process finds out by one request of its own.
      log?.error({ cause: String(failure) }, 'the hold of uploads could not be noted')
    })
  }
}
