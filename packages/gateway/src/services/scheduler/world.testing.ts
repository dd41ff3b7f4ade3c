import assert from 'node:assert/strict'
import {
  type Clock,
  CONSERVATIVE_RULES,
  type FolderId,
  GatewayError,
  type KeyId,
  LOCK_POLICY,
  type PacedCall,
  parseFolderId,
  parseKeyId,
} from '@guichet/core'
import { FakeClock, PaceWitness } from '@guichet/testkit'
import {
  type Database,
  openDatabase,
  SqliteFactStore,
  SqliteLimiterStore,
} from '../../stores/sqlite/index.ts'
import { openScheduler } from './open.ts'
import type { Scheduler, Turn } from './scheduler.ts'

/** How 1fichier treats one call: how long the way there and back takes, and what it says. */
export interface Treatment {
  readonly thereMs?: number
  readonly backMs?: number
  readonly failure?: GatewayError
}

export interface Ask extends Partial<Omit<Turn, 'call'>> {
  readonly folder?: FolderId | -1
  readonly treatment?: Treatment
}

/** A scheduler before a 1fichier that watches its pace, on a clock that moves when told. */
export class World implements AsyncDisposable {
  readonly clock: FakeClock = new FakeClock()
  readonly startMs: number = this.clock.nowMs()
  readonly witness: PaceWitness = new PaceWitness(() => this.clock.elapsedMs, LOCK_POLICY.floodMs)
  readonly db: Database = openDatabase({ path: ':memory:' })
  /** What has arrived, and when. */
  readonly arrivals: { readonly call: PacedCall; readonly atMs: number }[] = []
  /** What the witness objected to, also where nobody waits for the answer. */
  readonly broken: unknown[] = []
  #life: Life
  #queueMax: number | undefined

  static async open(queueMax?: number): Promise<World> {
    const life = new Life()
    const world = new World(life, queueMax)
    await world.#start(life)
    return world
  }

  private constructor(life: Life, queueMax: number | undefined) {
    this.#life = life
    this.#queueMax = queueMax
  }

  get scheduler(): Scheduler {
    if (this.#life.scheduler === undefined) throw new TypeError('the scheduler is not open')
    return this.#life.scheduler
  }

  /** Asks for one call; resolves with when it was answered, after the start. */
  ask(endpoint: PacedCall['endpoint'], ask: Ask = {}): Promise<number> {
    const { treatment, folder, ...turn } = ask
    const call: PacedCall = { endpoint, folder }
    const life = this.#life
    const answer = this.scheduler.run({ key: 'owner', priority: 'interactive', ...turn, call }, () =>
      life.unlessDead(() => this.#answer(life, call, treatment ?? {})),
    )
    // A test looks at the failures it cares for when it comes to them.
    answer.catch(() => undefined)
    return answer
  }

  async #answer(life: Life, call: PacedCall, treatment: Treatment): Promise<number> {
    const { thereMs = 0, backMs = 0, failure } = treatment
    this.#watch(() => this.witness.send(call))
    await this.clock.sleep(thereMs)
    // What the dead process had not sent yet never arrives.
    if (life.isDead) return 0
    this.#watch(() => this.witness.arrive(call))
    this.arrivals.push({ call, atMs: this.clock.nowMs() - this.startMs })
    await this.clock.sleep(backMs)
    if (failure === undefined) return this.clock.nowMs() - this.startMs
    if (!life.isDead && failure.code === 'locked') this.witness.lock(call)
    if (!life.isDead && failure.code === 'account-refused') {
      this.witness.refuse(call, failure.facts['why'] === 'customer' ? 'customer' : 'account')
    }
    throw failure
  }

  #watch(look: () => void): void {
    try {
      look()
    } catch (failure) {
      this.broken.push(failure)
      throw failure
    }
  }

  /** `kill -9` and a new start: what was queued or under way is lost, what is in the store is not. */
  async restart(): Promise<void> {
    this.#life.isDead = true
    this.#life = new Life()
    await this.#start(this.#life)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.clock.until(this.scheduler[Symbol.asyncDispose]())
    await this.db[Symbol.asyncDispose]()
    assert.deepEqual(this.broken, [])
  }

  async #start(life: Life): Promise<void> {
    const clock: Clock = {
      nowMs: () => this.clock.nowMs(),
      sleep: (ms, signal) => life.unlessDead(() => this.clock.sleep(ms, signal)),
    }
    life.scheduler = await openScheduler({
      rules: CONSERVATIVE_RULES,
      locks: LOCK_POLICY,
      store: new SqliteLimiterStore(this.db),
      facts: new SqliteFactStore(this.db),
      clock,
      ...(this.#queueMax === undefined ? {} : { queueMax: this.#queueMax }),
    })
  }
}

/** One run of the process: after its death nothing of it goes on. */
class Life {
  isDead = false
  scheduler: Scheduler | undefined

  async unlessDead<T>(work: () => Promise<T>): Promise<T> {
    const result = await work().then(
      (value) => () => value,
      (failure: unknown) => () => {
        throw failure
      },
    )
    if (this.isDead) return new Promise<T>(() => {})
    return result()
  }
}

export const FLOOD: GatewayError = new GatewayError('locked', '1fichier has locked this address', {
  facts: { scope: 'ip', flood: true },
})
export const REFUSED: GatewayError = new GatewayError('account-refused', '1fichier does not know this user', {
  facts: { why: 'account' },
})
export const NO_CUSTOMER: GatewayError = new GatewayError('account-refused', '1fichier wants a customer', {
  facts: { why: 'customer' },
})
export const DOWN: GatewayError = new GatewayError('upstream-down', '1fichier does not answer')
export const NOT_FOUND: GatewayError = new GatewayError('not-found', 'no such file')

export function folder(number: number): FolderId {
  return parseFolderId(number)
}

export function keyOf(number: number): KeyId {
  return parseKeyId(`k-${String(number).padStart(8, '0')}`)
}
