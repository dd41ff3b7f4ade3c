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
const [on, off] = await sidesOf()
const rows: string[][] = []
for (const connections of flags.connections.split(',').map(Number)) {
  const calls = connections === 1 ? Math.ceil(Number(flags.calls) / 4) : Number(flags.calls)
  for (const side of [on, off]) await callsPerSecond(side, connections, calls) // Compiles what is hot.
  const speeds: { on: number; off: number }[] = []
  for (let round = 0; round < rounds; round += 1) {
    const isFirst = round % 2 === 0
    const first = await callsPerSecond(isFirst ? on : off, connections, calls)
    const second = await callsPerSecond(isFirst ? off : on, connections, calls)
    speeds.push(isFirst ? { on: first, off: second } : { on: second, off: first })
  }
  const ratio = median(speeds.map((pair) => pair.on / pair.off))
  rows.push([
    String(connections),
    median(speeds.map((pair) => pair.on)).toFixed(0),
    median(speeds.map((pair) => pair.off)).toFixed(0),
    `${(100 * ratio).toFixed(0)} %`,
  ])
}
process.stdout.write(table(['connections', 'calls/s with the ledger', 'without', 'ratio'], rows))
server.stdin.end()

async function callsPerSecond({ port, key }: Side, connections: number, calls: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  let left = calls
  const startedMs = performance.now()
  const client = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      await list(agent, port, key)
    }
  }
  await Promise.all(Array.from({ length: connections }, client))
  agent.destroy()
  return (1000 * calls) / (performance.now() - startedMs)
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

async function sidesOf(): Promise<readonly [Side, Side]> {
  for await (const line of createInterface(server.stdout)) return JSON.parse(line)
  throw new Error('the server did not start')
}
