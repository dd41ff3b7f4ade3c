import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import type { Emulator } from '@guichet/emulator'
import { type Stand, startStand } from '../e2e/stand.ts'
import { childrenOf, receive, type Synthetic, sendPlain } from '../e2e/streaming.ts'
import { directUrl } from '../packages/emulator/src/testing/client.ts'
import { median, table } from './table.ts'

/**
 * What Guichet costs beside the least that could stand in its place (bare-pipe.ts), and beside the checksum alone.
 * All are measured in turn in one run, so that a busy machine slows all of them; the ratios are what counts.
 */

const { values: flags } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '300' },
    rounds: { type: 'string', default: '3' },
  },
})
const SIZE_BYTES = Number(flags.megabytes) * 1e6
const SEED = 'the content of the benchmark'

/** Of one transfer. */
interface Sample {
  readonly seconds: number
  /** CPU time of the processes in between. */
  readonly cpuSeconds: number
}

interface Contender {
  readonly pids: () => readonly number[]
  spool(round: number): Promise<unknown>
  store(round: number): Promise<unknown>
  fetch(): Promise<unknown>
}

const JOBS = ['spool', 'store', 'fetch'] as const
const TITLES = {
  spool: 'taken in, on disk',
  store: 'taken in and stored at 1fichier',
  fetch: 'given out',
} as const

await using stand = await startStand({
  timeScale: 10,
  emulator: { rules: 'off', storeContent: 'hash-only', syntheticSeeds: [SEED] },
})
const seen = await stand.emulator.account.putSynthetic('/down.bin', {
  sizeBytes: SIZE_BYTES,
  seed: SEED,
  checksum: true,
})
await using bare = await startBare(stand.emulator)
const contenders = { bare: bare.contender(seen.link), guichet: await guichet(stand) }
const samples = { bare: emptySamples(), guichet: emptySamples() }
const hashSeconds: number[] = []
for (let round = 0; round < Number(flags.rounds); round += 1) {
  hashSeconds.push(hashAlone())
  for (const job of JOBS) {
    for (const name of ['bare', 'guichet'] as const) {
      samples[name][job].push(await sample(contenders[name], () => contenders[name][job](round)))
    }
  }
}
report()

function report(): void {
  const hash = median(hashSeconds)
  const rows = JOBS.map((job) => {
    const [plain, ours] = [samples.bare[job], samples.guichet[job]]
    const [plainSeconds, seconds] = [secondsOf(plain), secondsOf(ours)]
    return [
      TITLES[job],
      speed(plainSeconds),
      speed(seconds),
      (plainSeconds / seconds).toFixed(2),
      ((plainSeconds + hash) / seconds).toFixed(2),
      cpuOf(plain),
      cpuOf(ours),
    ]
  })
  process.stdout.write(
    table(
      [
        `${SIZE_BYTES / 1e6} MB, medians of ${flags.rounds}`,
        'bare pipe MB/s',
        'guichet MB/s',
        'ratio',
        'ratio, hash allowed',
        'bare CPU s/GB',
        'guichet CPU s/GB',
      ],
      rows,
    ),
  )
  process.stdout.write(
    `Whirlpool alone: ${speed(hash)} MB/s, ${((hash / SIZE_BYTES) * 1e9).toFixed(1)} s/GB. Load of the machine: ${loadavg()[0]?.toFixed(1)}.\n`,
  )
}

async function guichet(on: Stand): Promise<Contender> {
  const { key } = await on.issue('list,download,upload')
  const gateway = on.gateway.pid ?? 0
  const content: Synthetic = { seed: SEED, sizeBytes: SIZE_BYTES }
  const at = (name: string): string => `${on.url}/api/v1/content?at=/${name}`
  return {
    pids: () => [gateway, ...childrenOf(gateway)],
    async spool(round) {
      await must(202, sendPlain(`${at(`spooled-${round}`)}&wait=0`, key, content))
      return async () => {
        // What goes on behind the answer must not be measured with the next one.
        while (((await on.status()).transfers['stored'] ?? 0) < 2 * round + 1) await nextLook()
      }
    },
    store: (round) => must(201, sendPlain(at(`stored-${round}`), key, content)),
    fetch: () => receive(at('down.bin'), key, content),
  }
}

async function startBare({ address, caPem, apiKey }: Emulator) {
  const spool = await mkdtemp(path.join(tmpdir(), 'guichet-bare-'))
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'bare-pipe.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      UPSTREAM_HOST: address.host,
      UPSTREAM_PORT: String(address.port),
      UPSTREAM_CA: caPem,
      API_KEY: apiKey,
      SPOOL: spool,
    },
  })
  const [port]: unknown[] = await once(createInterface(child.stdout), 'line')
  const url = `http://127.0.0.1:${port}`
  const content: Synthetic = { seed: SEED, sizeBytes: SIZE_BYTES }
  return {
    contender: (link: string): Contender => ({
      pids: () => [child.pid ?? 0],
      spool: () => must(201, sendPlain(`${url}/spooled`, '', content)),
      store: (round) => must(201, sendPlain(`${url}/stored?name=bare-${round}`, '', content)),
      async fetch() {
        const direct = await directUrl(stand.emulator, link)
        await receive(`${url}/?direct=${encodeURIComponent(direct)}`, '', content)
      },
    }),
    async [Symbol.asyncDispose]() {
      child.kill()
      await rm(spool, { recursive: true, force: true })
    },
  }
}

async function sample(contender: Contender, transfer: () => Promise<unknown>): Promise<Sample> {
  const [startedMs, before] = [performance.now(), cpuSecondsOf(contender.pids())]
  const after = await transfer()
  const seconds = (performance.now() - startedMs) / 1_000
  const cpuSeconds = cpuSecondsOf(contender.pids()) - before
  if (typeof after === 'function') await after()
  return { seconds, cpuSeconds }
}

async function must(status: number, answer: ReturnType<typeof sendPlain>): Promise<void> {
  const { status: got, text } = await answer
  if (got !== status) throw new Error(`${got} instead of ${status}: ${text}`)
}

function hashAlone(): number {
  const block = randomBytes(256 * 1024)
  const hash = createHash('whirlpool')
  const startedMs = performance.now()
  for (let at = 0; at < SIZE_BYTES; at += block.length) hash.update(block)
  return (performance.now() - startedMs) / 1_000
}

/** User and system time of processes with all their threads, from the kernel. */
function cpuSecondsOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return sum + (Number(fields[11]) + Number(fields[12])) / 100
  }, 0)
}

function emptySamples(): Record<(typeof JOBS)[number], Sample[]> {
  return { spool: [], store: [], fetch: [] }
}

function secondsOf(list: readonly Sample[]): number {
  return median(list.map(({ seconds }) => seconds))
}

function cpuOf(list: readonly Sample[]): string {
  return ((median(list.map(({ cpuSeconds }) => cpuSeconds)) / SIZE_BYTES) * 1e9).toFixed(1)
}

function speed(seconds: number): string {
  return (SIZE_BYTES / 1e6 / seconds).toFixed(0)
}

async function nextLook(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 100))
}
