import { once } from 'node:events'
import { type Ledger, ROOT } from '@guichet/core'
import { openCounter } from '../packages/gateway/src/doors/counter.testing.ts'

/** Two gateways in one process, one with its ledger and one whose ledger forgets; says where they are, and ends with its input. */
const forgetful: Ledger = { record: async () => {}, recent: async () => [], count: async () => 0 }

await using on = await openCounter()
await using off = await openCounter({ ledger: () => forgetful })
const sides = []
for (const counter of [on, off]) {
  for (let file = 0; file < 20; file += 1) counter.account.plant(ROOT, `file-${file}`, Buffer.from('x'), 1e12)
  const { text } = await counter.key({ verbs: ['list'] })
  await counter.native(text, 'folder/ls', {})
  sides.push({ port: counter.port, key: text })
}
process.stdout.write(`${JSON.stringify(sides)}\n`)
// Each line asks for the CPU time that this process has used, in microseconds.
process.stdin.on('data', () => {
  const { user, system } = process.cpuUsage()
  process.stdout.write(`${user + system}\n`)
})
await once(process.stdin, 'close')
