import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { describe, it } from 'node:test'
import { type Clock, HOUR_MS } from '@guichet/core'
import { acceptLedgerOf, realWorld } from '@guichet/gateway'
import { runCli } from '../program.ts'
import { openTestWorld } from '../world.testing.ts'
import { parseMoment } from './show.ts'

describe('a time in a question to the ledger', () => {
  const nowMs = Date.UTC(2026, 10, 20, 12)

  it('is how long ago', () => {
    assert.equal(parseMoment('2h', nowMs), nowMs - 2 * HOUR_MS)
    assert.equal(parseMoment('1d12h', nowMs), nowMs - 36 * HOUR_MS)
  })

  it('is a day or a moment, in local time unless it says otherwise', () => {
    assert.equal(parseMoment('2026-11-20', nowMs), new Date(2026, 10, 20).getTime())
    assert.equal(parseMoment('2026-11-20T21:05', nowMs), new Date(2026, 10, 20, 21, 5).getTime())
    assert.equal(parseMoment('2026-11-20T21:05:30Z', nowMs), Date.UTC(2026, 10, 20, 21, 5, 30))
    assert.equal(parseMoment('2026-11-20T21:05+02:00', nowMs), Date.UTC(2026, 10, 20, 19, 5))
  })

  it('is refused when it is neither', () => {
    for (const text of ['', 'yesterday', '2026-13-01', '2026-11-20 21:05', '12', 'h', '0x10'])
      assert.throws(() => parseMoment(text, nowMs), { code: 'invalid' }, text)
  })
})

describe('guichet ledger show --follow', () => {
  it('goes on with what is recorded, until it is stopped', async () => {
    await using test = await openTestWorld()
    const home = join(test.folder, 'home')
    await mkdir(home, { mode: 0o700 })
    const record = (what: string) => acceptLedgerOf(home, what, realWorld('silent'))
    await record('before')
    const lines: string[] = []
    const output = new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(chunk.toString().trimEnd())
        done()
      },
    })
    // Between two looks something is recorded, the first two times.
    const later = ['meanwhile', 'at last']
    const clock: Clock = {
      nowMs: () => Date.now(),
      async sleep() {
        const what = later.shift()
        if (what === undefined) test.stop.abort()
        else await record(what)
      },
    }
    const world = { ...test.world(), env: { GUICHET_HOME: home }, output, clock }
    assert.equal(await runCli(['ledger', 'show', '--follow', '--limit', '5'], world), 0)
    assert.deepEqual(
      lines.map((line) => /^(\d+) .*: (.*)$/.exec(line)?.slice(1)),
      [
        ['1', 'before'],
        ['2', 'meanwhile'],
        ['3', 'at last'],
      ],
    )
  })
})
