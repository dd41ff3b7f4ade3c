import { createCorpus, measure } from '../packages/leaks/src/corpus/corpus.testing.ts'
import { createConcealer, findKeys, hideCredentials } from '../packages/leaks/src/index.ts'
import { median, table } from './table.ts'

/** How well keys are found in a seeded corpus, and what hiding and finding them costs. */
const SEEDS = [1, 2, 3, 4, 5]
const EACH = 100

const percent = (share: number): string => `${(share * 100).toFixed(2)} %`

const measured = SEEDS.map((seed) => ({ seed, ...measure(createCorpus(seed, EACH)) }))
process.stdout.write(
  table(
    ['seed', 'keys', 'harmless', 'missed', 'wrong', 'recall', 'precision'],
    measured.map(({ seed, keys, harmless, missed, wrong, recall, precision }) => [
      ...[String(seed), String(keys), String(harmless), String(missed), String(wrong)],
      ...[percent(recall), percent(precision)],
    ]),
  ),
)

const LINE =
  '{"level":40,"time":1795000000000,"requestId":"0011223344556677","key":"k-abcdefgh","door":"native","verb":"list","target":"/films/2026/The Great Movie (2026)/movie.mkv","decision":"deny","reason":"may not","msg":"denied"}\n'
const TEXT = LINE.repeat(5_000)

/** Of the processor, so that a busy machine does not count. */
function seconds(work: () => void): number {
  const began = process.cpuUsage()
  work()
  return process.cpuUsage(began).user / 1e6
}

/** Of several rounds the middle one; the first only warms up. */
function middle(work: () => void, rounds = 7): number {
  work()
  return median(Array.from({ length: rounds }, () => seconds(work)))
}

const concealer = createConcealer(['k7Qz-Wm2RtY9_xB4=nLp3HsVd8GjC5fA'])
const chunk = Buffer.from(TEXT)
const lines = 20_000
const perLine = middle(() => {
  for (let count = 0; count < lines; count += 1) hideCredentials(LINE)
})
const perWrite = middle(() => {
  for (let count = 0; count < lines; count += 1) JSON.stringify({ line: LINE, count })
})
const streamed = middle(() => {
  concealer.stream().write(chunk)
})
const found = middle(() => void findKeys(TEXT), 3)
const megabytes = chunk.length / 1e6

process.stdout.write(
  `\n${table(
    ['work', 'cost'],
    [
      ['hide what may be a key in a log line', `${((perLine / lines) * 1e6).toFixed(1)} µs`],
      ['(to compare: make JSON of that line)', `${((perWrite / lines) * 1e6).toFixed(1)} µs`],
      ['hide a known key in a stream', `${(megabytes / streamed).toFixed(0)} MB/s`],
      ['find keys in text', `${(megabytes / found).toFixed(0)} MB/s`],
    ],
  )}`,
)
