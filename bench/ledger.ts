import { spawn } from 'node:child_process'
import { Agent, request } from 'node:http'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { median, table } from './table.ts'

/**
 * What the ledger costs: listings that are known already, as many as go, from a gateway with its ledger and from one
 * without, in turn. Every call is a decision that is on the disk before it is answered.
 */

interface Sample {
  readonly perSecond: number
  /** Of the gateway, its threads included. */
  readonly cpuMicroseconds: number
}

interface Side {
  readonly port: number
  readonly key: string
}

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '31' },
    calls: { type: 'string', default: '640' },
    connections: { type: 'string', default: '1,16,64' },
  },
})
const rounds = Number(flags.rounds)

const server = spawn(
  process.execPath,
  [...process.execArgv, path.join(import.meta.dirname, 'ledger-server.ts')],
  { stdio: ['pipe', 'pipe', 'inherit'] },
)
const lines = createInterface(server.stdout)[Symbol.asyncIterator]()
const [on, off]: readonly [Side, Side] = JSON.parse(await nextLine())
const rows: string[][] = []
for (const connections of flags.connections.split(',').map(Number)) {
  const calls = connections === 1 ? Math.ceil(Number(flags.calls) / 4) : Number(flags.calls)
  for (const side of [on, off]) await measure(side, connections, calls) // Compiles what is hot.
  const pairs: { on: Sample; off: Sample }[] = []
  for (let round = 0; round < rounds; round += 1) {
    const isFirst = round % 2 === 0
    const first = await measure(isFirst ? on : off, connections, calls)
    const second = await measure(isFirst ? off : on, connections, calls)
    pairs.push(isFirst ? { on: first, off: second } : { on: second, off: first })
  }
  const percent = (of: (pair: (typeof pairs)[number]) => number): string =>
    `${(100 * median(pairs.map(of))).toFixed(0)} %`
  rows.push([
    String(connections),
    median(pairs.map((pair) => pair.on.perSecond)).toFixed(0),
    median(pairs.map((pair) => pair.off.perSecond)).toFixed(0),
    percent((pair) => pair.on.perSecond / pair.off.perSecond),
    percent((pair) => pair.off.cpuMicroseconds / pair.on.cpuMicroseconds),
  ])
}
const head = ['connections', 'calls/s with the ledger', 'without', 'ratio', 'ratio per CPU second']
process.stdout.write(table(head, rows))
server.stdin.end()

async function measure({ port, key }: Side, connections: number, calls: number): Promise<Sample> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  let left = calls
  const cpuBefore = await cpuMicroseconds()
  const startedMs = performance.now()
  const client = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      await list(agent, port, key)
    }
  }
  await Promise.all(Array.from({ length: connections }, client))
  const perSecond = (1000 * calls) / (performance.now() - startedMs)
  agent.destroy()
  return { perSecond, cpuMicroseconds: (await cpuMicroseconds()) - cpuBefore }
}

async function cpuMicroseconds(): Promise<number> {
  server.stdin.write('\n')
  return Number(await nextLine())
}

async function nextLine(): Promise<string> {
  const { value, done } = await lines.next()
  if (done === true) throw new Error('the server has ended')
  return value
}

function list(agent: Agent, port: number, key: string): Promise<void> {
  const body = '{"folder_id":0}'
  const headers = {
    authorization: `Bearer ${key}`,
    'content-type': 'application/json',
    'content-length': body.length,
  }
  return new Promise((resolve, reject) => {
    const sent = request({ agent, port, method: 'POST', path: '/v1/folder/ls.cgi', headers }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`the answer is ${response.statusCode}`))
      response.resume()
      response.once('end', resolve)
    })
    sent.once('error', reject)
    sent.end(body)
  })
}
