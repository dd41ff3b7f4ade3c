import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { stored } from './clients.ts'
import { type Acknowledged, PatientClient } from './patient-client.ts'
import { mulberry, type Random } from './random.ts'
import { ownerStatus, type Stand, startStand } from './stand.ts'
import { until } from './until.ts'

const KILLS = Number(process.env['KILLS'] ?? 100)
/** How long after the gateway is open, or after the last kill of a keyholder, the next kill comes at the latest. */
const LATEST_MS = 800
const START_MS = 1_200
/** So many clients at each of two doors. */
const CLIENTS = [0, 1, 2, 3, 4, 5]
/** Every so many kills, one comes while a lock lasts. */
const LOCK_EVERY = 20

/**
 * Time runs a hundred times faster, and calls may be 50 ms apart in real time: a busy machine is late by less.
 * One call at a time: what is sent before a lock is met cannot arrive in it.
 */
const TIME_SCALE = 100
const GENERAL_GAP_MS = 5_000
const LOCK_MS = 300_000

describe('kill -9 at random moments of an upload run', () => {
  it(`loses nothing, doubles nothing and forgets no limit in ${KILLS} kills`, async (test) => {
    const seed = Number(process.env['SEED'] ?? randomBytes(4).readUInt32LE())
    test.diagnostic(`SEED=${seed}`)
    await using stand = await startStand({
      timeScale: TIME_SCALE,
      rules: { rules: [{ id: 'general', burst: 1, gapMs: GENERAL_GAP_MS }], locks: { floodMs: LOCK_MS } },
      emulator: { lockMs: LOCK_MS },
    })
    stand.emulator.setRules({ limits: { general: { count: 3, windowMs: 3 * GENERAL_GAP_MS } } })
    const run = new Run(stand, (await stand.issue('all')).key, mulberry(seed))
    const atFirst = await filesOf(stand.home)

    await run.begin()
    const kills = new Killer(stand, mulberry(seed + 1))
    await kills.run(KILLS, run.over)
    const acknowledged = await run.end()

    await until(
      'all transfers stored',
      async () => (await ownerStatus(stand)).transfers['stored'] === acknowledged.length,
    )
    report(test, stand, run, kills)
    assert.deepEqual(
      stored(stand),
      acknowledged.map((file) => `${file.path} ${file.whirlpool}`).sort(),
      'each acknowledged file is there once, and nothing else is',
    )
    const { uploads, broken, callsInLock, locks } = stand.emulator.snapshot()
    assert.equal(uploads.files, acknowledged.length, 'nothing that got a 302 was sent again')
    assert.deepEqual({ broken, callsInLock }, { broken: {}, callsInLock: 0 })
    assert.equal(locks, kills.locks)

    await stand.kill('SIGTERM')
    await kills.assertNoOrphans()
    assert.deepEqual(await filesOf(stand.home), atFirst, 'no half files are left')
    await stand.start()
    const listed = await stand.guichet(['ls', '/run', '--json'])
    assert.equal(listed.code, 0, listed.stderr)
  })
})

/** Twelve clients that send small and middle-sized files, and one that asks for what 1fichier gives once an hour. */
class Run {
  readonly #client: PatientClient
  readonly #random: Random
  /** Asks until the run ends: its next answer may be half a minute away. */
  readonly #lister: PatientClient
  readonly #over = new AbortController()
  readonly #enough = new AbortController()
  readonly #acknowledged: Acknowledged[] = []
  #working: Promise<unknown> = Promise.resolve()
  #isEnding = false
  listings = 0

  constructor(stand: Stand, key: string, random: Random) {
    this.#client = new PatientClient(stand.url, key, this.#over.signal)
    this.#lister = new PatientClient(
      stand.url,
      key,
      AbortSignal.any([this.#over.signal, this.#enough.signal]),
    )
    this.#random = random
  }

  get files(): number {
    return this.#acknowledged.length
  }

  /** Aborted when a client fails. */
  get over(): AbortSignal {
    return this.#over.signal
  }

  get repeats(): number {
    return this.#client.repeats
  }

  async begin(): Promise<void> {
    const folder = await this.#client.makeFolder('native')
    const workers = [
      ...CLIENTS.map((number) => this.#put(`/run/api-${number}`)),
      ...CLIENTS.map((number) => this.#upload(folder, number)),
    ]
    this.#working = Promise.all([...workers, this.#listAll()])
    // A failure of a client ends the others; `end` tells.
    this.#working.catch((failure: unknown) => this.#over.abort(failure))
  }

  async end(): Promise<readonly Acknowledged[]> {
    this.#isEnding = true
    this.#enough.abort()
    await this.#working
    return this.#acknowledged
  }

  async #put(folder: string): Promise<void> {
    for (let count = 0; !this.#isEnding; count += 1) {
      const name = `${folder}/${Math.floor(count / 10)}/file-${count}`
      this.#acknowledged.push(await this.#client.put(name, this.#content(name)))
    }
  }

  async #upload(folder: number, number: number): Promise<void> {
    for (let count = 0; !this.#isEnding; count += 1) {
      const name = `/native/${number}-${count}`
      this.#acknowledged.push(await this.#client.upload(folder, name, this.#content(name)))
    }
  }

  async #listAll(): Promise<void> {
    try {
      for (;;) {
        await this.#lister.listAll()
        this.listings += 1
      }
    } catch (failure) {
      if (!this.#enough.signal.aborted) throw failure
    }
  }

  #content(name: string): Buffer {
    const isLarge = this.#random() < 0.1
    return Buffer.alloc(1 + Math.floor(this.#random() * (isLarge ? 2_000_000 : 2_000)), `${name}\n`)
  }
}

/** Kills the gateway, its keyholder, or the gateway before it is open. */
class Killer {
  readonly #stand: Stand
  readonly #random: Random
  readonly #keyholders = new Set<number>()
  readonly counts = { gateway: 0, keyholder: 0, starting: 0 }
  locks = 0

  constructor(stand: Stand, random: Random) {
    this.#stand = stand
    this.#random = random
  }

  async run(times: number, over: AbortSignal): Promise<void> {
    for (let kill = 1; kill <= times; kill += 1) {
      over.throwIfAborted()
      if (kill % LOCK_EVERY === 0) await this.#killInLock()
      else {
        await wait(this.#random() * LATEST_MS)
        if (this.#random() < 0.55) await this.#killKeyholder()
        else await this.#killGateway()
      }
    }
  }

  async assertNoOrphans(): Promise<void> {
    for (const pid of this.#keyholders)
      await until(`the end of keyholder ${pid}`, () => !isKeyholder(pid, this.#stand))
  }

  async #killKeyholder(): Promise<void> {
    process.kill(await this.#keyholder(), 'SIGKILL')
    this.counts.keyholder += 1
  }

  async #killGateway(): Promise<void> {
    const isStarting = this.#random() < 0.2
    await this.#stand.kill('SIGKILL')
    if (isStarting) {
      this.counts.starting += 1
      const started = this.#stand.start().catch(() => undefined)
      await wait(this.#random() * START_MS)
      await this.#stand.kill('SIGKILL')
      await started
    } else this.counts.gateway += 1
    await this.#stand.start()
    await this.assertNoOrphans()
  }

  async #killInLock(): Promise<void> {
    this.#stand.emulator.fault({ at: '*/*', kind: 'flood', scope: 'ip', locks: true })
    await until('a lock', async () =>
      (await ownerStatus(this.#stand)).scheduler.locks.some(({ state }) => state === 'open'),
    )
    this.locks += 1
    await this.#stand.kill('SIGKILL')
    this.counts.gateway += 1
    await this.#stand.start()
    const { locks } = (await ownerStatus(this.#stand)).scheduler
    assert.equal(locks.length, 1, 'the lock is known after the restart')
  }

  /** The keyholder that runs now, or the next one. */
  async #keyholder(): Promise<number> {
    return until('a keyholder', () => {
      const pid = newestKeyholder(this.#stand)
      if (pid === undefined || this.#keyholders.has(pid)) return undefined
      this.#keyholders.add(pid)
      return pid
    })
  }
}

function newestKeyholder(stand: Stand): number | undefined {
  const line = stand.output.findLast((text) => text.includes('the keyholder has started'))
  return line === undefined ? undefined : JSON.parse(line).pid
}

function isKeyholder(pid: number, stand: Stand): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(stand.home)
  } catch {
    return false
  }
}

async function filesOf(home: string): Promise<readonly string[]> {
  const entries = await readdir(home, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(home, path.join(entry.parentPath, entry.name)))
    .filter((name) => !/^guichet\.db-|^home\.lock-|^run\//.test(name))
    .sort()
}

function report(test: TestContext, stand: Stand, run: Run, kills: Killer): void {
  const { calls, locks } = stand.emulator.snapshot()
  const { gateway, keyholder, starting } = kills.counts
  test.diagnostic(
    `killed: gateway ${gateway}, starting gateway ${starting}, keyholder ${keyholder}; files ${run.files}, ` +
      `repeated requests ${run.repeats}, locks ${locks}, listings of all ${run.listings}, calls ${JSON.stringify(calls)}`,
  )
}
