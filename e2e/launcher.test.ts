import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { type Stand, startStand } from './stand.ts'
import { until } from './until.ts'

/**
 * A Node that cannot replace itself by another one starts it as a child. The system's own Node is such a one when it
 * is older than 24; else one that is made to forget how.
 */
const FORGETFUL = [process.execPath, '--import', 'data:text/javascript,process.execve=undefined']

function olderNode(): readonly string[] {
  const found = spawnSync('/usr/bin/node', ['--version'], { encoding: 'utf8' })
  const version = /^v(\d+)\./.exec(found.stdout ?? '')?.[1]
  return version !== undefined && Number(version) < 24 ? ['/usr/bin/node'] : FORGETFUL
}

for (const [name, node] of [
  ['older than 24', olderNode()],
  ['that cannot exec', FORGETFUL],
] as const) {
  describe(`the launcher under a Node ${name}`, () => {
    it('is followed by the gateway and the keyholder when it is killed', async () => {
      await using stand = await startStand({ node })
      const pids = await processesOf(stand)
      assert.equal(pids.length, 3, 'launcher, gateway and keyholder')
      await stand.kill('SIGKILL')
      await untilGone(pids)
      assert.match(stand.output.join('\n'), /stopping/, 'the gateway has stopped in its own time')
      await stand.start()
      assert.equal((await stand.guichet(['ls', '/'])).code, 0)
    })

    it('hands signals on, and ends with what the gateway ends with', async () => {
      await using stand = await startStand({ node })
      const pids = await processesOf(stand)
      const { gateway } = stand
      await stand.kill('SIGTERM')
      assert.deepEqual({ code: gateway.exitCode, signal: gateway.signalCode }, { code: 0, signal: null })
      await untilGone(pids)
    })
  })
}

/** The launcher and all that it has started, by their parents. */
async function processesOf(stand: Stand): Promise<readonly number[]> {
  const { pid } = stand.gateway
  if (pid === undefined) throw new Error('the gateway was not started')
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => [Number(name), parentOf(name)] as const)
  const found = [pid]
  for (const known of found) for (const [child, parent] of parents) if (parent === known) found.push(child)
  return found
}

function parentOf(pid: string): number | undefined {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  } catch {
    return undefined // It ended while we looked.
  }
}

async function untilGone(pids: readonly number[]): Promise<void> {
  for (const pid of pids) await until(`the end of process ${pid}`, () => !isAlive(pid))
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
