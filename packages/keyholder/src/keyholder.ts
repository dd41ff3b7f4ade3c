import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import {
  type CheckpointWish,
  DAY_MS,
  GatewayError,
  type Secret,
  type SignedCheckpoint,
  systemCodeOf,
  type WitnessedLedger,
} from '@guichet/core'
import { permit, UploadNodes } from './closed-list.ts'
import { forward } from './forward.ts'
import { LedgerWitness, WITNESS_FILE } from './ledger-witness.ts'
import type { Disk } from './private-file.ts'
import { isMarkedSealed, markSealed, unmarkSealed } from './seal-mark.ts'
import { tryKey } from './try-key.ts'
import type { Upstream } from './upstream.ts'
import {
  forgetVault,
  inspectVault,
  type OpenedVault,
  reopenVault,
  requireApiKey,
  resealVault,
  unlockVault,
} from './vault.ts'
import { changeWays, type WayChange } from './ways.ts'

/** Reads a secret that may open the vault. */
export type UnlockSecret = () => Promise<Secret>

export interface KeyholderOptions {
  /** The directory that holds the file `vault`. */
  readonly home: string
  readonly upstream: Upstream
  /** Where the secret comes from when a caller brings none. */
  readonly unlockSecret: UnlockSecret
  readonly nowMs: () => number
  /** Does not jump when somebody sets the machine's clock. */
  readonly monotonicMs: () => number
  /** Only tests bring another one. */
  readonly disk?: Disk
}

export interface KeyholderStatus {
  readonly sealed: boolean
  readonly reason?: string
  /** Absent when the vault cannot be read. */
  readonly keyAgeDays?: number
}

/**
 *   sealed ──unseal──▶ open ──rotate──▶ open (another key)
 *      ▲                │
 *      └──────seal──────┘
 */
type State =
  | { readonly kind: 'sealed'; readonly reason: string }
  | { readonly kind: 'open'; readonly vault: OpenedVault }

const FLIGHTS_MAX = 64

export class Keyholder implements Disposable {
  readonly #options: KeyholderOptions
  readonly #vaultPath: string
  readonly #nodes = new UploadNodes()
  readonly #flights = new Set<AbortController>()
  readonly #witness: LedgerWitness
  #state: State = { kind: 'sealed', reason: 'it has not been unsealed yet' }
  /** Counts the seals, so that an unseal under way does not undo a later seal. */
  #seals = 0
  #isChanging = false

  constructor(options: KeyholderOptions) {
    this.#options = options
    this.#vaultPath = join(options.home, 'vault')
    if (isMarkedSealed(options.home)) this.#state = { kind: 'sealed', reason: 'somebody sealed it' }
    this.#witness = new LedgerWitness(join(options.home, WITNESS_FILE))
  }

  /** Was it sealed by somebody who has not unsealed it since, in this process or in one before? */
  get isSealedOnPurpose(): boolean {
    return isMarkedSealed(this.#options.home)
  }

  async status(): Promise<KeyholderStatus> {
    const { nowMs } = this.#options
    const state = this.#state
    // The reason of the seal tells why a vault cannot be read.
    const storedAtMs = await inspectVault(this.#vaultPath).catch(() => undefined)
    return {
      sealed: state.kind === 'sealed',
      ...(state.kind === 'sealed' && { reason: state.reason }),
      ...(storedAtMs !== undefined && {
        keyAgeDays: Math.max(0, Math.floor((nowMs() - storedAtMs) / DAY_MS)),
      }),
    }
  }

  /** In effect when it returns: every call under way is cut, and the key is overwritten. */
  seal(reason: string): void {
    this.#seals += 1
    const state = this.#state
    this.#state = { kind: 'sealed', reason }
    for (const flight of this.#flights) flight.abort(sealedBecause(reason))
    this.#options.upstream.cut()
    if (state.kind === 'open') forgetVault(state.vault)
  }

  /** `seal`, in effect at once, and also for every keyholder of this home that is started before somebody unseals. */
  async sealForGood(): Promise<void> {
    this.seal('somebody sealed it')
    try {
      await markSealed(this.#options.home)
    } catch (cause) {
      throw new GatewayError('sealed', 'it is sealed, but after a restart it would open by itself', {
        hint: 'the disk did not take the mark: make room there and run `guichet seal` again, or move the unlock file away',
        facts: { reason: systemCodeOf(cause) ?? 'unknown' },
        cause,
      })
    }
  }

  /** Rejects like `unlockVault` or like the source; an open keyholder then stays open with what it has. */
  async unseal(unlockSecret: UnlockSecret = this.#options.unlockSecret): Promise<void> {
    await this.#change(async () => {
      const seals = this.#seals
      const vault = await this.#unlock(unlockSecret)
      if (seals !== this.#seals) {
        forgetVault(vault)
        throw sealedBecause('it was sealed again meanwhile')
      }
      this.#swap(vault)
      await unmarkSealed(this.#options.home)
    })
  }

  /**
   * With `check` the new key makes one listing first, which counts against 1fichier's limits.
   * Calls under way end with the key they began with. After a failure memory and disk hold the same key, old or new.
   * A sealed keyholder needs a `secret` that opens the vault, and stays sealed.
   */
  async rotate(newKey: Secret, check: boolean, secret?: Secret): Promise<void> {
    await this.#change(async () => {
      requireApiKey(newKey)
      const { nowMs, disk } = this.#options
      const isLent = this.#state.kind === 'sealed' && secret !== undefined
      const old = isLent ? await unlockVault(this.#vaultPath, secret) : this.#opened()
      const apiKey = Buffer.from(newKey.expose(), 'latin1')
      try {
        if (check)
          await this.#inFlight(new AbortController(), (signal) =>
            tryKey(this.#options.upstream, apiKey, signal),
          )
        await resealVault(this.#vaultPath, old.dataKey, apiKey, nowMs(), disk)
      } catch (failure) {
        if (!isLent) {
          this.#opened() // A seal in between is the better reason: it has overwritten what the rotation needs.
          await this.#holdWhatIsStored(old)
        }
        throw failure
      } finally {
        apiKey.fill(0)
        if (isLent) forgetVault(old)
      }
      if (!isLent) await this.#holdWhatIsStored(old)
    })
  }

  /** Changes how the vault can be opened, open or sealed; `secret` opens it now. Rejects like `changeWays`. */
  async changeWays(secret: Secret, change: WayChange): Promise<void> {
    const { nowMs, disk } = this.#options
    await this.#change(() => changeWays(this.#vaultPath, secret, change, nowMs(), disk))
  }

  async witnessed(): Promise<WitnessedLedger> {
    return this.#witness.witnessed(this.#opened().dataKey)
  }

  async signCheckpoint(wish: CheckpointWish): Promise<SignedCheckpoint> {
    return this.#witness.sign(this.#opened().dataKey, wish)
  }

  async forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { upstream, monotonicMs: nowMs } = this.#options
    const target = permit(request.method ?? '', request.url ?? '', this.#nodes, nowMs())
    const flight = new AbortController()
    const apiKey = Buffer.from(this.#opened().apiKey)
    response.once('close', () => {
      if (!response.writableFinished) flight.abort(new GatewayError('cancelled', 'the caller went away'))
    })
    try {
      await this.#inFlight(flight, (signal) =>
        forward({ request, response, target, apiKey, upstream, nodes: this.#nodes, nowMs, signal }),
      )
    } finally {
      apiKey.fill(0)
    }
  }

  [Symbol.dispose](): void {
    this.seal('the keyholder is stopping')
  }

  #opened(): OpenedVault {
    if (this.#state.kind === 'open') return this.#state.vault
    throw sealedBecause(this.#state.reason)
  }

  async #unlock(unlockSecret: UnlockSecret): Promise<OpenedVault> {
    try {
      return await unlockVault(this.#vaultPath, await unlockSecret())
    } catch (failure) {
      if (this.#state.kind === 'sealed') this.#state = { kind: 'sealed', reason: reasonOf(failure) }
      throw failure
    }
  }

  #isHolding(vault: OpenedVault): boolean {
    return this.#state.kind === 'open' && this.#state.vault === vault
  }

  /** The file decides: a write that failed after its rename has put the new key there. */
  async #holdWhatIsStored(old: OpenedVault): Promise<void> {
    const apiKey = await reopenVault(this.#vaultPath, old.dataKey).catch(() => undefined)
    if (apiKey === undefined) return // Nothing is known to be better than what is held.
    if (this.#isHolding(old)) this.#swap({ apiKey, dataKey: Buffer.from(old.dataKey) })
    else apiKey.fill(0)
  }

  #swap(vault: OpenedVault): void {
    if (this.#state.kind === 'open') forgetVault(this.#state.vault)
    this.#state = { kind: 'open', vault }
  }

  async #inFlight<Result>(
    flight: AbortController,
    work: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    if (this.#flights.size >= FLIGHTS_MAX) {
      throw new GatewayError('unavailable', `the keyholder already forwards ${FLIGHTS_MAX} calls`, {
        hint: 'wait until one of them has ended',
        facts: { sent: false },
      })
    }
    this.#flights.add(flight)
    try {
      return await work(flight.signal)
    } finally {
      this.#flights.delete(flight)
    }
  }

  /** One change at a time, so that guessing a passphrase cannot fill the memory with key derivations. */
  async #change(work: () => Promise<void>): Promise<void> {
    if (this.#isChanging) {
      throw new GatewayError('conflict', 'another unseal, rotation or change of the vault is under way', {
        hint: 'wait for its end',
      })
    }
    this.#isChanging = true
    try {
      await work()
    } finally {
      this.#isChanging = false
    }
  }
}

function sealedBecause(reason: string): GatewayError {
  return new GatewayError('sealed', `the keyholder is sealed: ${reason}`, {
    hint: 'open it with `guichet unseal`',
    facts: { sent: false },
  })
}

function reasonOf(failure: unknown): string {
  const error = GatewayError.from(failure)
  return error.hint === undefined ? error.message : `${error.message} (${error.hint})`
}
