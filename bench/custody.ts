import path from 'node:path'
import { parseArgs } from 'node:util'
import { Secret } from '@guichet/core'
import { connectKeyholder } from '@guichet/keyholder'
import { API_PREFIX } from '@guichet/sdk'
import { askOwner, type Stand, startStand } from '../e2e/stand.ts'
import { ask } from '../e2e/streaming.ts'
import { until } from '../e2e/until.ts'
import { table } from './table.ts'

/**
 * How long a seal takes: from the request on the local socket to its answer, after which no call goes out
 * (`e2e/custody.test.ts` proves that), and to the last byte of a download that was under way.
 */

const { values: flags } = parseArgs({ options: { rounds: { type: 'string', default: '15' } } })
const rounds = Number(flags.rounds)

await using stand = await startStand({
  timeScale: 200,
  emulator: { storeContent: 'hash-only', syntheticSeeds: ['bench'] },
})
await stand.emulator.account.putSynthetic('/bench.bin', { seed: 'bench', sizeBytes: 20e9 })
const { key } = await stand.issue('all')
const rows = [
  await measure('nothing under way', async () => () => undefined),
  await measure('a download under way', download),
  await measure('a passphrase being derived', derive),
]
process.stdout.write(
  table(['seal with', 'answer, median', 'answer, longest', 'last byte, median', 'last byte, longest'], rows),
)

/** Begins something that the seal has to end; what it gives tells when the last byte came. */
type Burden = (stand: Stand) => Promise<() => number | undefined>

async function measure(name: string, burden: Burden): Promise<readonly string[]> {
  const answers: number[] = []
  const lasts: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const lastByteAtMs = await burden(stand)
    const begunMs = performance.now()
    await askOwner(stand, 'POST', '/seal')
    answers.push(performance.now() - begunMs)
    await withKeyholder(async (keyholder) => {
      await until('the derivation to end', () => keyholder.unseal().then(Boolean, () => false))
    })
    const lastMs = lastByteAtMs()
    if (typeof lastMs === 'number') lasts.push(Math.max(0, lastMs - begunMs))
  }
  for (const figures of [answers, lasts]) figures.sort((a, b) => a - b)
  const middle = Math.floor(rounds / 2)
  return [name, shown(answers[middle]), shown(answers.at(-1)), shown(lasts[middle]), shown(lasts.at(-1))]
}

async function download({ url, emulator }: Stand): Promise<() => number> {
  const before = emulator.snapshot().bytesDown
  let lastMs = 0
  let bytes = 0
  const counting = setInterval(() => {
    const { bytesDown } = emulator.snapshot()
    if (bytesDown !== bytes) lastMs = performance.now()
    bytes = bytesDown
  }, 1)
  ask(`${url}${API_PREFIX}/content?at=/bench.bin`, key).catch(() => undefined)
  await until('the download', () => emulator.snapshot().bytesDown > before + 1e6)
  return () => {
    clearInterval(counting)
    return lastMs
  }
}

async function derive(): Promise<() => undefined> {
  await askOwner(stand, 'POST', '/seal')
  const begun = withKeyholder((keyholder) => keyholder.unseal(new Secret('a wrong guess')))
  begun.catch(() => undefined)
  return () => undefined
}

async function withKeyholder<T>(
  work: (keyholder: ReturnType<typeof connectKeyholder>) => Promise<T>,
): Promise<T> {
  await using keyholder = connectKeyholder({ socketPath: path.join(stand.home, 'run', 'keyholder.sock') })
  return await work(keyholder)
}

function shown(ms: number | undefined): string {
  return ms === undefined || !Number.isFinite(ms) ? '' : `${ms.toFixed(1)} ms`
}
