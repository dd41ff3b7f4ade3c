import { request } from 'node:http'
import { parseBudgets, VERBS } from '@guichet/core'
import { type Counter, openCounter } from '../packages/gateway/src/doors/counter.testing.ts'
import { median, table } from './table.ts'

/** What a budget costs: calls per second with and without, interleaved, and by how much 200 calls at once pass one. */

const AT_ONCE = 200
const ROUNDS = 7
const PER_ROUND = 2_000
const LIMIT = 1_000

await using counter = await openCounter()
const { text: lister } = await counter.key({ verbs: ['list'] })
await counter.native(lister, 'folder/ls', { folder_id: 0 })

const without = await keyWith()
const large = await keyWith('calls=100000000/day', 'calls=100000000/month')
const exact = await keyWith('calls=99999/day')
const rates: Record<string, number[]> = { without: [], large: [], exact: [] }
for (let round = 0; round < ROUNDS; round += 1) {
  rates['without']?.push(await rateOf(counter, without))
  rates['large']?.push(await rateOf(counter, large))
  rates['exact']?.push(await rateOf(counter, exact))
}
const limited = await keyWith(`calls=${LIMIT}/day`)
const statuses = await callAll(counter, limited, LIMIT * 3)
const passed = statuses.filter((status) => status === 200).length
const base = median(rates['without'] ?? [])
const row = (name: string, kind: string): readonly string[] => {
  const rate = median(rates[kind] ?? [])
  return [name, rate.toFixed(0), `${((rate / base) * 100).toFixed(1)} %`]
}
process.stdout.write(
  table(
    ['a listing from the tree, 200 at once', 'calls/s', 'of without'],
    [
      row('without a budget', 'without'),
      row('two budgets of 100 million calls', 'large'),
      row('a budget of 99,999 calls', 'exact'),
    ],
  ),
)
process.stdout.write(
  `${LIMIT * 3} calls, ${AT_ONCE} at once, against ${LIMIT}: ${passed} passed, overshoot ${passed - LIMIT}\n`,
)

async function keyWith(...budgets: readonly string[]): Promise<string> {
  return (await counter.key({ verbs: VERBS, limits: { budgets: parseBudgets(budgets) } })).text
}

async function rateOf(at: Counter, key: string): Promise<number> {
  const startMs = performance.now()
  await callAll(at, key, PER_ROUND)
  return (PER_ROUND / (performance.now() - startMs)) * 1_000
}

async function callAll(at: Counter, key: string, count: number): Promise<readonly number[]> {
  const answered: number[] = []
  let left = count
  const work = async (): Promise<void> => {
    for (; left > 0; ) {
      left -= 1
      answered.push(await call(at.port, key))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return answered
}

function call(port: number, key: string): Promise<number> {
  const headers = {
    authorization: `Bearer ${key}`,
    'content-type': 'application/json',
    'content-length': '15',
  }
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port, method: 'POST', path: '/v1/folder/ls.cgi', headers },
      (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode ?? 0))
      },
    )
    sent.on('error', reject)
    sent.end('{"folder_id":0}')
  })
}
