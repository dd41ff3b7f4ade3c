import { parseArgs } from 'node:util'
import { startStand } from '../e2e/stand.ts'
import { asOwner, download, tunnelled, type UnderWay, upload } from '../e2e/under-way.ts'
import { median, table } from './table.ts'

/**
 * How long what a key has under way outlives its revocation: from the order, and from the answer, to the last byte that
 * reaches a client. Uploads have no byte that comes back: of them the end of the connection counts.
 */

const { values: flags } = parseArgs({
  options: {
    streams: { type: 'string', default: '50' },
    rounds: { type: 'string', default: '3' },
  },
})
const STREAMS = Number(flags.streams)
const KINDS = ['tunnel', 'upload', 'download'] as const

await using stand = await startStand({ emulator: { rules: 'off', storeContent: 'hash-only' } })
const { link } = await stand.emulator.account.putSynthetic('/large.bin', {
  ...{ sizeBytes: 20e9, seed: 'large', checksum: false },
})
const at = (name: string): string => `${stand.url}/api/v1/content?at=/${name}`
const samples: { readonly kind: string; readonly sinceOrderMs: number; readonly sinceAnswerMs: number }[] = []

for (let round = 0; round < Number(flags.rounds); round += 1) {
  const { key, id } = await stand.issue('all')
  const each = Math.ceil(STREAMS / KINDS.length)
  const indexes = Array.from({ length: each }, (_, index) => index)
  // Tunnels take several steps to open, and would wait behind the bytes of the others.
  const streams: readonly UnderWay[] = [
    ...(await Promise.all(indexes.map(() => tunnelled(stand, key, link)))),
    ...indexes.map((index) => upload(at(`up-${round}-${index}.bin`), key)),
    ...indexes.map(() => download(at('large.bin'), key)),
  ]
  await Promise.all(streams.map(({ begun }) => begun))
  for (const { flow } of streams) flow()
  const { orderedMs, answeredMs } = await asOwner(stand, 'DELETE', `/keys/${id}`)
  for (const { kind, ended } of streams) {
    const lastMs = await ended
    samples.push({ kind, sinceOrderMs: lastMs - orderedMs, sinceAnswerMs: lastMs - answeredMs })
  }
}

const rows = KINDS.map((kind) => {
  const own = samples.filter((sample) => sample.kind === kind)
  const order = own.map(({ sinceOrderMs }) => sinceOrderMs)
  const answer = own.map(({ sinceAnswerMs }) => sinceAnswerMs)
  return [
    kind,
    String(own.length),
    ...[median(order), Math.max(...order), Math.max(...answer)].map((ms) => ms.toFixed(0)),
  ]
})
process.stdout.write(
  table(
    [
      `${STREAMS} at a time, ${flags.rounds} rounds`,
      'streams',
      'order to last byte, median ms',
      'the longest',
      'answer to last byte, the longest',
    ],
    rows,
  ),
)
