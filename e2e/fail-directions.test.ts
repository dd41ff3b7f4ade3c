import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { upstreamCalls } from './clients.ts'
import { ownerStatus, type Stand, startStand } from './stand.ts'
import { until } from './until.ts'

describe('what happens when something fails', () => {
  let stand: Stand
  let key: string
  before(async () => {
    stand = await startStand({ timeScale: 1_000 })
    await stand.emulator.account.putFile('/known/a.txt', Buffer.from('a'))
    for (const name of ['new-1', 'new-2', 'new-3', 'new-4'])
      await stand.emulator.account.putFile(`/${name}/b.txt`, Buffer.from('b'))
    key = (await stand.issue('files')).key
    assert.equal((await list('/known')).status, 200)
  })
  after(() => stand[Symbol.asyncDispose]())

  async function list(folder: string) {
    const answer = await fetch(`${stand.url}/api/v1/children?at=${folder}`, {
      headers: { authorization: `Bearer ${key}` },
      signal: AbortSignal.timeout(60_000),
    })
    return { status: answer.status, retryAfter: answer.headers.get('retry-after'), text: await answer.text() }
  }

  function keyholderPid(): number {
    const { pid } = stand.gateway
    const children = readdirSync('/proc').filter((name) => {
      if (!/^\d+$/.test(name)) return false
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'latin1').includes('keyholder') && parentOf(name) === pid
      } catch {
        return false
      }
    })
    assert.equal(children.length, 1)
    return Number(children[0])
  }

  it('to the ledger: everything is refused, and nothing goes upstream (R2)', async () => {
    const calls = upstreamCalls(stand)
    const db = new DatabaseSync(path.join(stand.home, 'guichet.db'))
    db.exec('BEGIN EXCLUSIVE')
    try {
      for (const folder of ['/known', '/new-1']) {
        const { status, text } = await list(folder)
        assert.equal(status, 503, text)
      }
      assert.equal(upstreamCalls(stand), calls)
    } finally {
      db.exec('ROLLBACK')
      db.close()
    }
    assert.equal((await list('/new-1')).status, 200, 'it goes on by itself')
  })

  it('to the keyholder: what is known is answered, all else is refused with the reason, and it comes back (R2)', async () => {
    const pid = keyholderPid()
    process.kill(pid, 'SIGKILL')
    const known = await list('/known')
    assert.equal(known.status, 200, known.text)
    const unknown = await list('/new-2')
    assert.ok([200, 503].includes(unknown.status), unknown.text)
    await until('a new keyholder', async () => {
      const { keyholder } = await ownerStatus(stand)
      return keyholder.state === 'ready' && keyholderPid() !== pid
    })
    assert.equal((await list('/new-2')).status, 200)
  })

  it('to the seal: what is known is answered, all else is 503 with the reason, and nothing goes upstream (R2)', async () => {
    assert.equal((await stand.guichet(['seal'])).code, 0)
    const calls = upstreamCalls(stand)
    assert.equal((await list('/known')).status, 200)
    const unknown = await list('/new-3')
    assert.equal(unknown.status, 503)
    assert.match(unknown.text, /sealed/)
    assert.equal(upstreamCalls(stand), calls)
    assert.equal((await stand.guichet(['unseal'])).code, 0)
    assert.equal((await list('/new-3')).status, 200)
  })

  it('to 1fichier: what is known is answered, all else is refused at once or later, and it goes on afterwards (R2)', async () => {
    stand.emulator.fault({ kind: 'reset', at: '*', times: Number.POSITIVE_INFINITY })
    assert.equal((await list('/known')).status, 200)
    const down = await list('/new-4')
    assert.ok([502, 503].includes(down.status), down.text)
    stand.emulator.clearFaults()
    await until('the listing', async () => (await list('/new-4')).status === 200)
  })

  it('by a lock of 1fichier: nothing is sent into it, and the answer says truly when to come again (R2)', async () => {
    await using locked = await startStand({ timeScale: 1 })
    const { key: holder } = await locked.issue('files')
    locked.emulator.fault({ kind: 'flood', scope: 'ip', locks: true, at: 'folder/*' })
    const headers = { authorization: `Bearer ${holder}`, 'content-type': 'application/json' }
    const calls: number[] = []
    for (let round = 0; round < 3; round += 1) {
      const answer = await fetch(`${locked.url}/v1/folder/ls.cgi`, { method: 'POST', headers, body: '{}' })
      const retryAfter = Number(answer.headers.get('retry-after'))
      assert.equal(answer.status, 429, await answer.text())
      // The first call is answered in 1fichier's own words, which do not say how long its lock lasts.
      if (round > 0) assert.ok(retryAfter > 240 && retryAfter <= 300, `come again after ${retryAfter} s`)
      calls.push(upstreamCalls(locked))
    }
    assert.equal(new Set(calls).size, 1, 'one call met the lock, and no other')
    assert.equal(locked.emulator.snapshot().callsInLock, 0)
  })
})

function parentOf(pid: string): number {
  const [, parent = '0'] = /^\d+ \(.*\) \S (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? []
  return Number(parent)
}
