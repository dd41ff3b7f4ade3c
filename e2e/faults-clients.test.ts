import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, it } from 'node:test'
import type { FaultSpec } from '@guichet/emulator'
import { rclone, without } from './clients.ts'
import { FaultBench, startFaultStand } from './fault-bench.ts'
import type { Ran, Stand } from './stand.ts'

const CONTENT = Buffer.alloc(50_000, 'all of it, and nothing else\n')

/** 0, or the exit code and the words of the error. */
type Ends = 0 | readonly [number, RegExp]

const LOCKED: Ends = [6, /locked|too fast/]
const REFUSED: Ends = [7, /key|account|user/]

const PUTS: readonly (readonly [FaultSpec, Ends])[] = [
  [{ at: 'upload/get_upload_server', kind: 'reset' }, 0],
  [{ at: 'upload/get_upload_server', kind: 'flood', scope: 'ip', locks: true }, 0],
  [{ at: 'upload.cgi', kind: 'cut', afterBytes: 20_000 }, 0],
  [{ at: 'upload.cgi', kind: 'reset-after' }, 0],
  [{ at: 'upload.cgi', kind: 'html', done: true }, 0],
  [{ at: 'upload.cgi', kind: 'corrupt' }, 0],
  [{ at: 'upload.cgi', kind: 'node-cannot-open' }, 0],
  [{ at: 'end.pl', kind: 'end-late', times: 3 }, 0],
  [{ at: 'upload/get_upload_server', kind: 'refusal', refusal: 'no-such-user' }, REFUSED],
]

const GETS: readonly (readonly [FaultSpec, Ends])[] = [
  [{ at: 'download/get_token', kind: 'reset' }, 0],
  [{ at: 'download/get_token', kind: 'flood', scope: 'ip', locks: true }, 0],
  [{ at: 'direct', kind: 'cut', afterBytes: 20_000 }, 0],
  [{ at: 'direct', kind: 'corrupt' }, 0],
  [{ at: 'direct', kind: 'html' }, 0],
  [{ at: 'direct', kind: 'expired-link' }, 0],
  [{ at: 'direct', kind: 'wrong-length', byBytes: 7 }, 0],
  [{ at: 'download/get_token', kind: 'refusal', refusal: 'must-be-customer' }, REFUSED],
]

const LISTS: readonly (readonly [FaultSpec, Ends])[] = [
  [{ at: 'folder/ls', kind: 'slow', delayMs: 300 }, 0],
  [{ at: 'folder/ls', kind: 'reset' }, [6, /broke off/]],
  [{ at: 'folder/ls', kind: 'truncated-json' }, [6, /does not answer as it should/]],
  [{ at: 'folder/ls', kind: 'html' }, [6, /out of order/]],
  [{ at: 'folder/ls', kind: 'flood', scope: 'key', locks: true }, LOCKED],
  [{ at: 'folder/ls', kind: 'refusal', refusal: 'not-authenticated' }, REFUSED],
]

describe('a fault of 1fichier, as people meet it', () => {
  it('in `guichet put`, `get` and `ls` gives the right result, or one error with a hint', async () => {
    await using stand = await startFaultStand()
    const bench = new FaultBench(stand, (await stand.issue('all')).key)
    const source = path.join(stand.work, 'source.bin')
    await writeFile(source, CONTENT)
    // There before the gateway looks for the first time: what it has not listed, a path does not find.
    for (const index of GETS.keys()) await stand.emulator.account.putFile(`/got/${index}.bin`, CONTENT)
    for (const [index, [fault, ends]] of PUTS.entries()) {
      const target = `/put-${index}.bin`
      const put = (): Promise<Ran> => stand.guichet(['put', source, target])
      await meet(bench, fault, ends, put)
      bench.assertOnce(target, CONTENT)
    }
    for (const [index, [fault, ends]] of GETS.entries()) {
      const target = path.join(stand.work, `got-${index}.bin`)
      await meet(bench, fault, ends, () => stand.guichet(['get', `/got/${index}.bin`, target]))
      assert.ok(CONTENT.equals(await readFile(target)), JSON.stringify(fault))
    }
    for (const [index, [fault, ends]] of LISTS.entries()) {
      await stand.emulator.account.putFile(`/list-${index}/a.txt`, Buffer.from('a'))
      await meet(bench, fault, ends, async () => {
        const id = stand.emulator.account.list(`/list-${index}`)?.id
        const ran = await stand.guichet(['ls', '--refresh', `folder:${id}`])
        if (ran.code === 0) assert.match(ran.stdout, /a\.txt/)
        return ran
      })
    }
    assertPolite(stand)
  })

  it('in rclone is overcome by its own repeating, without calls in a lock', {
    skip: without('rclone'),
  }, async () => {
    await using stand = await startFaultStand()
    const source = path.join(stand.work, 'source.bin')
    await writeFile(source, CONTENT)
    const faults: readonly FaultSpec[] = [
      { at: 'folder/ls', kind: 'reset' },
      { at: 'upload/get_upload_server', kind: 'flood', scope: 'ip', locks: true },
      { at: 'upload.cgi', kind: 'reset-after' },
      { at: 'end.pl', kind: 'html' },
    ]
    for (const [index, fault] of faults.entries()) {
      stand.emulator.account.mkdir(`/copy-${index}`)
      stand.emulator.fault(fault)
      const copied = await rclone(stand, ['copy', source, `:fichier:copy-${index}`])
      assert.equal(copied.code, 0, `${JSON.stringify(fault)}: ${copied.stderr}`)
      assert.deepEqual(stand.emulator.faults(), [])
    }
    assert.equal(stand.emulator.account.files().length, faults.length)
    assert.equal(stand.emulator.snapshot().uploads.files, faults.length)
    for (const fault of [
      { at: 'direct', kind: 'cut', afterBytes: 9_000 },
      { at: 'direct', kind: 'corrupt' },
    ] as const) {
      stand.emulator.fault(fault)
      const shown = await rclone(stand, ['cat', ':fichier:copy-0/source.bin'])
      assert.equal(shown.stdout, CONTENT.toString(), JSON.stringify(fault))
    }
    assertPolite(stand)
  })
})

/** The first run ends as told; after the fault, and a person's help where nothing else helps, it is right. */
async function meet(bench: FaultBench, fault: FaultSpec, ends: Ends, run: () => Promise<Ran>): Promise<void> {
  const { emulator } = bench.stand
  const what = JSON.stringify(fault)
  emulator.fault(fault)
  const first = await run()
  assert.deepEqual(emulator.faults(), [], `${what} was not met`)
  if (ends === 0) {
    assert.equal(first.code, 0, `${what}: ${first.stderr}`)
    return
  }
  const [code, words] = ends
  assert.equal(first.code, code, `${what}: ${first.stderr}`)
  assert.match(first.stderr, /^error: .+\n\s*hint: .+/m, what)
  assert.match(first.stderr, words, what)
  assert.doesNotMatch(first.stderr, /\n\s+at /, what)
  if (ends === REFUSED) {
    const calls = bench.calls()
    assert.equal((await run()).code, code, what)
    assert.equal(bench.calls(), calls, `${what}: a refusal was asked for again`)
    assert.equal((await bench.stand.guichet(['resume'])).code, 0, what)
  }
  const again = await run()
  assert.equal(again.code, 0, `after ${what}: ${again.stderr}`)
}

function assertPolite(stand: Stand): void {
  const { broken, callsInLock } = stand.emulator.snapshot()
  assert.deepEqual({ broken, callsInLock }, { broken: {}, callsInLock: 0 })
}
